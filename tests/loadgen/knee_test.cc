// The search for a knee: what a run decides, a search in virtual time, what is reported, and the program.
#include "loadgen/commands/knee.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "loadgen/report/knee_report.h"
#include "loadgen/work/knee_search.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/scripted_server.h"
#include "tests/loadgen/url_of.h"
#include "tests/loadgen/virtual_load.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<Objective> objectives(const char* text) {
  std::vector<Objective> out;
  EXPECT_EQ(parse_objectives(text, out), "");
  return out;
}

// A run of ten batches in which every response took `response`; 10,000 were due in 10 s.
RunResult run_of(Duration response, std::uint64_t answered = 10'000) {
  RunResult out;
  KindTally& kind = out.tally.kinds[0];
  Series series;
  for (int tick = 0; tick < 10; ++tick) {
    Latencies latencies;
    for (int i = 0; i < 1000; ++i) latencies.response.record(response.count());
    series.add(latencies);
    kind.latencies.merge(latencies);
  }
  kind.answered = kind.answered_in_window = answered;
  out.tally.due_in_window = 10'000;
  out.whole = Measured(out.tally.latencies(), series);
  out.measured = 10s;
  return out;
}

Arrivals at(Rate rate) {
  Arrivals out;
  out.kind = Arrivals::Kind::constant;
  out.rate = rate;
  return out;
}

Finding finding(Reason reason, VerdictLevel level) {
  return {.reason = reason, .level = level, .text = "why"};
}

void judge(RunResult& run, Reason reason, VerdictLevel level) {
  run.verdict.level = std::max(run.verdict.level, level);
  run.verdict.findings.push_back(finding(reason, level));
}

TEST(KneeStep, IsDecidedByTheObjectives) {
  EXPECT_EQ(outcome_of(run_of(1ms), objectives("p99<2ms")), Outcome::holds);
  EXPECT_EQ(outcome_of(run_of(3ms), objectives("p99<2ms")), Outcome::fails);
  EXPECT_EQ(outcome_of(run_of(1ms), objectives("p99.5<2ms,p75<1500us")), Outcome::holds);
  EXPECT_EQ(outcome_of(run_of(1ms), objectives("p99.5<2ms,p75<900us")), Outcome::fails);
  EXPECT_EQ(outcome_of(run_of(1ms), objectives("p99<2ms,p99.99<2ms")), Outcome::undecided)
      << "10,000 are too few for p99.99";
}

TEST(KneeStep, FailsWithAnyError) {
  RunResult run = run_of(1ms);
  run.tally.kinds[0].errors.add({ErrorKind::timeout});
  judge(run, Reason::send_lag_p99_ns, VerdictLevel::voided);
  EXPECT_EQ(outcome_of(run, objectives("p99<2ms")), Outcome::fails);
}

TEST(KneeStep, HoldsOnlyIfWhatWasDueWasAnswered) {
  EXPECT_EQ(outcome_of(run_of(1ms, 9899), objectives("p99<2ms")), Outcome::holds);
  EXPECT_EQ(outcome_of(run_of(1ms, 9898), objectives("p99<2ms")), Outcome::undecided);
  EXPECT_EQ(outcome_of(run_of(3ms, 9898), objectives("p99<2ms")), Outcome::fails);
}

TEST(KneeStep, OfAVoidRunTellsNothingUnlessTheServerIsOverloaded) {
  RunResult run = run_of(1ms);
  judge(run, Reason::send_lag_p99_ns, VerdictLevel::suspect);
  EXPECT_EQ(outcome_of(run, objectives("p99<2ms")), Outcome::holds);
  judge(run, Reason::overloaded, VerdictLevel::voided);
  EXPECT_EQ(outcome_of(run, objectives("p99<2ms")), Outcome::fails);
  judge(run, Reason::rate_missed_share, VerdictLevel::voided);
  EXPECT_EQ(outcome_of(run, objectives("p99<2ms")), Outcome::unmeasured);
}

// 1 ms for each request, one after another: at r per second a queue grows by r - 1000 each second, for 2 s. What
// waits at the end waits 2 ms for each per cent above 1000, and the p99 crosses 5 ms between 1002 and 1003.
TEST(KneeInVirtualTime, IsTheCapacityOfASerialServer) {
  const std::vector<Objective> wanted = objectives("p99<5ms");
  KneeSearch search(Rate::of(300), 40);
  while (!search.done()) {
    const VirtualRun run = run_virtually({.arrivals = at(search.rate()), .length = search.length() * 2s},
                                         [](Time) { return serial_server(1ms); });
    const auto samples = static_cast<double>(run.response().total());
    const Quantile p99 =
        quantile(run.latencies.response, Effective{samples, std::numeric_limits<double>::infinity()}, 99);
    search.record(outcome_of(wanted[0], p99));
  }
  ASSERT_TRUE(search.holds() && search.fails());
  EXPECT_LE(search.holds()->per_second(), 1003);
  EXPECT_GT(search.fails()->per_second(), 1002);
  EXPECT_LE(search.fails()->per_second() / search.holds()->per_second(), 1.05);
}

class KneeReportTest : public testing::Test {
 protected:
  KneeReportTest() {
    options_.url = url_of("http://h:1/x");
    options_.arrivals = at(Rate::of(1000));
    options_.duration = 10s;
  }

  // One step at 1000 per second.
  KneeReport report_of(const RunResult& run, Outcome outcome) {
    KneeReport report(knee_, options_);
    report.add(run, options_, outcome);
    return report;
  }

  KneeOptions knee_{objectives("p99.5<2ms,p99<1ms")};
  RunOptions options_;
};

TEST_F(KneeReportTest, HasALineForEachStep) {
  const KneeReport report = report_of(run_of(500us), Outcome::holds);
  EXPECT_THAT(report.head(), HasSubstr("knee of p99.5 < 2.00 ms, p99 < 1.00 ms for http://h:1/x\n"));
  EXPECT_THAT(report.head(), testing::ContainsRegex(" rate +achieved +p50 +p99 +p99.5 +verdict +outcome\n"));
  EXPECT_THAT(report.row(),
              testing::ContainsRegex("^ +1,000 +1,000 +500 .+s \\(500 .+s to 500 .+s\\).*valid +holds\n$"));
  const json all = json::parse(report.json({.holds = Rate::of(1000), .fails = Rate::of(1040)}));
  EXPECT_EQ(all.at("found"), true);
  EXPECT_EQ(all.at("knee").at("holds"), 1000);
  EXPECT_EQ(all.at("knee").at("fails"), 1040);
  const json& step = all.at("steps").at(0);
  EXPECT_EQ(step.at("rate"), 1000);
  EXPECT_EQ(step.at("achieved"), 1000);
  EXPECT_EQ(step.at("outcome"), "holds");
  EXPECT_EQ(step.at("verdict").at("level"), "valid");
  ASSERT_EQ(step.at("response_ns").size(), 3U);
  EXPECT_EQ(step.at("response_ns").at(2).at("percent"), 99.5);
  EXPECT_LE(step.at("response_ns").at(2).at("low"), 500'000);
  EXPECT_GE(step.at("response_ns").at(2).at("high"), 500'000);
}

TEST_F(KneeReportTest, HasNoFigureOfAVoidStep) {
  RunResult run = run_of(500us);
  judge(run, Reason::rate_missed_share, VerdictLevel::voided);
  const KneeReport report = report_of(run, Outcome::unmeasured);
  EXPECT_THAT(report.row(), testing::ContainsRegex("^ +1,000 +- +- +- +- +void +unmeasured\n$"));
  const json step = json::parse(report.json({.unmeasured = Rate::of(1000)})).at("steps").at(0);
  EXPECT_TRUE(step.at("achieved").is_null());
  EXPECT_TRUE(step.at("response_ns").empty());
  EXPECT_EQ(step.at("verdict").at("level"), "void");
}

TEST_F(KneeReportTest, SaysWhatIsKnown) {
  RunResult run = run_of(500us);
  judge(run, Reason::rate_missed_share, VerdictLevel::voided);
  const KneeReport report = report_of(run, Outcome::unmeasured);
  const Rate low = Rate::of(500);
  const Rate high = Rate::of(1000);
  EXPECT_EQ(report.complaint({.holds = low, .fails = high}), "");
  EXPECT_THAT(report.footer({.holds = low, .fails = high}),
              HasSubstr("between 500 (holds) and 1,000 (fails)"));
  EXPECT_THAT(report.complaint({.fails = low}), HasSubstr("fail at 500"));
  EXPECT_THAT(report.footer({.fails = low}), HasSubstr("below 500"));
  EXPECT_THAT(report.complaint({.holds = low}), HasSubstr("still hold at 500"));
  EXPECT_THAT(report.footer({.holds = low}), HasSubstr("above 500"));
  const std::string beyond = report.complaint({.holds = low, .unmeasured = high});
  EXPECT_THAT(beyond, HasSubstr("above 500"));
  EXPECT_THAT(beyond, HasSubstr("at 1,000 the run is void: why"));
  EXPECT_THAT(report.complaint({.unmeasured = high}), HasSubstr("the first step was not measured"));
  EXPECT_THAT(report.complaint({}), HasSubstr("no step decided anything"));
}

ScriptedServer::MakeScript one_at_a_time(Duration service) {
  return [=](Time) { return serial_server(service); };
}

// 50 requests per second at most, whatever else the machine does: nothing from 100 on can hold. On a machine that is
// left alone it finds the knee; on one that is not, every step that did not count says why.
TEST(KneeProgram, SearchesTheCapacityOfAServer) {
  const TemporaryFolder folder;
  ScriptedServer server(one_at_a_time(20ms));
  const std::vector<std::string> how = {"--slo", "p50<200ms", "-R", "20", "-d", "600ms", "--warmup", "100ms"};
  std::vector<std::string> words = {server.url(),   "--find-knee", "-c",      "1",
                                    "--timeout",    "20s",         "--drain", "0",
                                    "--knee-steps", "6",           "--json",  folder.file("json")};
  words.insert(words.end(), how.begin(), how.end());
  const Finished run = run_program(words);
  const json all = json::parse(content_of(folder.file("json")));
  ASSERT_FALSE(all.at("steps").empty());
  EXPECT_LE(all.at("steps").size(), 6U);
  EXPECT_EQ(all.at("steps").at(0).at("rate"), 20);
  bool undisturbed = true;
  for (const json& step : all.at("steps")) {
    if (step.at("rate") >= 100) {
      EXPECT_NE(step.at("outcome"), "holds");
    }
    const bool is_void = step.at("verdict").at("level") == "void";
    EXPECT_EQ(is_void, step.at("achieved").is_null());
    if (step.at("outcome") == "unmeasured") {
      EXPECT_TRUE(is_void);
    }
    undisturbed = undisturbed && (step.at("outcome") == "holds") == (step.at("rate") < 50) && !is_void;
  }
  EXPECT_EQ(run.code, all.at("found") ? 0 : 1) << run.err;
  if (undisturbed) {
    EXPECT_TRUE(all.at("found"));
  }
  if (all.at("found")) {
    EXPECT_LT(all.at("knee").at("holds"), 100);
    EXPECT_LT(all.at("knee").at("holds"), all.at("knee").at("fails"));
    EXPECT_THAT(run.out, HasSubstr("the knee lies between"));
    EXPECT_EQ(run.err, "");
  } else {
    EXPECT_THAT(run.err, HasSubstr("loadgen: no knee: "));
  }
}

TEST(KneeProgram, ReportsWhatItKnowsWhenItIsInterrupted) {
  const TemporaryFolder folder;
  std::atomic<int> seen = 0;
  ScriptedServer server([&](Time) -> ServerScript {
    return [&](Time arrival) {
      ++seen;
      return arrival;
    };
  });
  const Finished run = run_program({server.url(), "-c", "1", "--find-knee", "--slo", "p50<1s", "-R", "20",
                                    "-d", "60s", "--warmup", "0", "--json", folder.file("json")},
                                   [&](pid_t pid) {
                                     while (seen < 3) std::this_thread::yield();
                                     ::kill(pid, SIGINT);
                                   });
  EXPECT_EQ(run.code, 128 + SIGINT) << run.err;
  EXPECT_EQ(run.err, "");
  EXPECT_THAT(run.out, HasSubstr("nothing is known of the knee"));
  const json all = json::parse(content_of(folder.file("json")));
  EXPECT_EQ(all.at("interrupted"), true);
  EXPECT_TRUE(all.at("steps").empty());
}

TEST(KneeProgram, SaysThatTheServerIsTooSlowFromTheStart) {
  ScriptedServer server(one_at_a_time(50ms));
  const Finished run = run_program({server.url(), "-c", "1", "--find-knee", "--slo", "p50<10ms", "-R", "20",
                                    "-d", "400ms", "--warmup", "0", "--knee-steps", "2"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("loadgen: no knee: "));
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
}

}  // namespace
}  // namespace httpdyno::loadgen
