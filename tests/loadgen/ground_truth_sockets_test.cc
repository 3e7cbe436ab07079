// The program itself against servers whose latencies are known, over sockets.
//
// A machine that is busy makes every latency longer and none shorter, so what the closed forms say is a lower
// bound that always holds, as are counts and identities. It is an upper bound, too, where the run calls itself
// valid and the server has answered in time: then both sides are asserted. The exact statements are made in
// virtual time (ground_truth_test.cc).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/figures/histogram.h"
#include "loadgen/figures/hlog.h"
#include "loadgen/work/schedule.h"
#include "tests/loadgen/oracles.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/scripted_server.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using nlohmann::json;
using oracle::ns;

// By how much a latency may exceed the truth on a quiet machine.
constexpr double kSlackNs = 10e6;
// A server later than this is not the one that was meant.
constexpr Duration kServerLate = 2ms;

class Measured {
 public:
  Measured(ScriptedServer& server, const std::vector<std::string>& words, const char* timeout = "10s",
           int exit_code = 0) {
    const TemporaryFolder folder;
    const std::string log = folder.file("hlog");
    std::vector<std::string> all = {server.url(), "--json", "-", "--hlog", log, "--timeout", timeout};
    all.insert(all.end(), words.begin(), words.end());
    const Finished finished = run_program(all);
    report = json::parse(finished.out);
    served = server.stop();
    if (is_void()) {
      EXPECT_NE(finished.code, 0) << finished.err;
      return;
    }
    EXPECT_EQ(finished.code, exit_code) << finished.err;
    read(log);
    quiet_ = report.at("verdict").at("level") == "valid" &&
             std::all_of(served.begin(), served.end(), [](const auto& one) {
               return one.planned == kNever || one.answered <= one.planned + kServerLate;
             });
  }

  // Then there are counts, but no figures.
  bool is_void() const { return report.at("verdict").at("level") == "void"; }
  // "mean", "min" or "max" of the report. `tolerance` is the closed form's own.
  void expect(const std::string& latency, const char* key, double truth, double tolerance = 0) const {
    if (is_void()) return;
    expect_near(report.at(latency + "_ns").at(key), truth, tolerance, latency + " " + key);
  }
  // A percentile of the log: the report prints none that so short a run cannot be sure of.
  void expect(const std::string& latency, double percent, double truth, double tolerance = 0) const {
    if (is_void()) return;
    expect_near(static_cast<double>(logged_.at(latency).percentile(percent)), truth, tolerance,
                latency + " p" + std::to_string(percent));
  }
  // Nothing of an open loop gets lost, and the server saw what was sent.
  void expect_complete(std::uint64_t due) const {
    EXPECT_EQ(report.at("due"), due);
    EXPECT_EQ(report.at("sent").get<std::uint64_t>() + report.at("queued").get<std::uint64_t>() +
                  report.at("shed").get<std::uint64_t>(),
              due);
    EXPECT_EQ(report.at("sent"), served.size());
    if (is_void()) return;
    EXPECT_EQ(report.at("response_ns").at("count"), due);
    EXPECT_EQ(logged_.at("response").total(), static_cast<std::int64_t>(due));
  }

  json report;
  std::vector<ScriptedServer::Served> served;

 private:
  void read(const std::string& log) {
    std::ifstream file(log);
    HlogParser parser;
    for (std::string line; std::getline(file, line);) {
      const HlogParser::Line kind = parser.parse(line);
      ASSERT_NE(kind, HlogParser::Line::wrong) << parser.error();
      if (kind == HlogParser::Line::interval) {
        logged_[parser.interval().tag].merge(parser.interval().histogram);
      }
    }
    ASSERT_TRUE(parser.finish()) << parser.error();
  }
  void expect_near(double found, double truth, double tolerance, const std::string& what) const {
    EXPECT_GE(found, truth - tolerance) << what;
    if (!quiet_) return;
    EXPECT_LE(found, truth + tolerance + kSlackNs) << what;
  }

  std::map<std::string, Histogram> logged_;
  bool quiet_ = false;
};

ScriptedServer::MakeScript always(ServerScript script) {
  return [script = std::move(script)](Time) { return script; };
}

constexpr double kPercents[] = {50, 90, 95, 99, 99.9};

// 100 ms out of every half second, four times.
constexpr Duration kStall = 100ms;
constexpr Duration kEvery = 500ms;

ScriptedServer::MakeScript stalling(Duration service, bool serial) {
  return [=](Time first) {
    const Stalls stalls = {.first = first, .every = kEvery, .lasts = kStall};
    return serial ? serial_server(service, stalls) : parallel_server(service, stalls);
  };
}

void expect_stalls(const Measured& run, const oracle::StallingServer& truth, Rate rate) {
  run.expect_complete(static_cast<std::uint64_t>(2 * rate.per_second()));
  const double gap = 1e9 / rate.per_second();
  for (const double percent : kPercents) {
    run.expect("response", percent, static_cast<double>(truth.quantile(percent)), gap);
  }
  run.expect("response", "mean", truth.mean(), gap);
}

TEST(OverSockets, AStallIsSeenByEveryRequestThatWasDueInIt) {
  ScriptedServer server(stalling(1ms, false));
  const Measured run(server, {"-R", "2000", "-d", "2s", "-c", "256"});
  expect_stalls(run, {.service = 1ms, .lasts = kStall, .every = kEvery, .rho = 0}, Rate::of(2000));
}

TEST(OverSockets, AStallIsSeenWithTheBacklogThatItLeaves) {
  ScriptedServer server(stalling(500us, true));
  const Measured run(server, {"-R", "1000", "-d", "2s", "-c", "4", "-t", "2"});
  expect_stalls(run, {.service = 500us, .lasts = kStall, .every = kEvery, .rho = 0.5}, Rate::of(1000));
}

TEST(OverSockets, AStallIsMissedByAClosedLoop) {
  ScriptedServer server(stalling(1ms, true));
  const Measured run(server, {"-d", "2s", "-c", "1"});
  const auto stalled = std::count_if(run.served.begin(), run.served.end(),
                                     [](const auto& one) { return one.planned - one.arrived > 10ms; });
  EXPECT_GE(stalled, 1);
  EXPECT_LE(stalled, 5) << "at most one of each stall";
  EXPECT_EQ(run.report.at("requests"), run.served.size() + 1);
  EXPECT_FALSE(run.report.contains("response_ns"));
  run.expect("service", 99, 1e6);
}

TEST(OverSockets, AConstantDelayIsEveryPercentile) {
  ScriptedServer server(always(parallel_server(20ms)));
  const Measured run(server, {"-R", "4000", "-d", "1s", "-c", "200", "--arrivals", "poisson"});
  run.expect_complete(run.served.size());
  for (const char* sort : {"response", "service"}) {
    for (const double percent : kPercents) run.expect(sort, percent, 20e6);
    run.expect(sort, "min", 20e6);
    run.expect(sort, "mean", 20e6);
  }
}

TEST(OverSockets, AnOverloadedServerIsSlowerWithEveryRequest) {
  ScriptedServer server(always(serial_server(1ms)));
  const Measured run(server, {"-R", "2000", "-d", "1s", "-c", "100", "--pipeline", "20"});
  run.expect_complete(2000);
  EXPECT_EQ(run.report.at("sent"), 2000) << "there was always room";
  for (const double percent : kPercents) {
    const auto k = static_cast<std::uint64_t>(percent / 100 * 2000) - 1;
    run.expect("response", percent, ns(oracle::overloaded_response(k, 500us, 1ms)), 0.5e6);
  }
  run.expect("response", "mean", 500.5e6 + 0.25e6, 0.5e6);
}

TEST(OverSockets, WhatWasNeverSentStaysInTheDistribution) {
  ScriptedServer server(always(serial_server(1ms)));
  const Measured run(server, {"-R", "2000", "-d", "1s", "-c", "1", "--drain", "200ms"});
  run.expect_complete(2000);
  EXPECT_GT(run.report.at("queued"), 0);
  if (run.is_void()) return;
  EXPECT_EQ(run.report.at("response_ns").at("censored"),
            run.report.at("queued").get<int>() + run.report.at("unanswered").get<int>());
  EXPECT_EQ(run.report.at("service_ns").at("count"), run.report.at("sent"));
}

TEST(OverSockets, AQueueOfRandomServiceIsThatOfItsDraws) {
  const Arrivals arrivals = {
      .kind = Arrivals::Kind::poisson, .rate = Rate::of(500), .rate_to = {}, .seed = 21};
  ScriptedServer server(always(serial_server(exponential_service(1ms, 4))));
  const Measured run(server, {"-R", "500", "--arrivals", "poisson", "--seed", "21", "-d", "2s", "-c", "1"});
  // Lindley's recursion, from the same due times and draws.
  const auto service = exponential_service(1ms, 4);
  std::uint64_t count = 0;
  double sum = 0;
  Time free{};
  for (Schedule due(arrivals, Time(), Time() + 2s, 0, 1); due.due() != kNever; due.advance(), ++count) {
    free = std::max(free, due.due()) + service();
    sum += ns(free - due.due());
  }
  run.expect_complete(count);
  run.expect("response", "mean", sum / static_cast<double>(count));
}

TEST(OverSockets, ABimodalServerHasAMeanThatNoMedianShows) {
  ScriptedServer server(always(bimodal_server(10, 100us, 1s)));
  const Measured run(server, {"-R", "500", "-d", "1s", "-c", "100"});
  run.expect_complete(500);
  run.expect("response", 50, 0.1e6);
  run.expect("response", "mean", 0.9 * 0.1e6 + 0.1 * 1e9);
  run.expect("response", 95, 1e9);
  run.expect("response", "max", 1e9);
}

TEST(OverSockets, ASwallowedRequestStaysInTheDistribution) {
  ScriptedServer server(always(swallowing_server(50, Duration::zero())));
  const Measured run(server, {"-R", "500", "-d", "1s", "-c", "40"}, "300ms", kExitFailed);
  run.expect_complete(500);
  EXPECT_EQ(run.report.at("errors").at("timeout"), 10);
  if (run.is_void()) return;
  const json& response = run.report.at("response_ns");
  EXPECT_EQ(response.at("censored"), 10);
  run.expect("response", "max", 300e6);
  run.expect("response", 99, 300e6);
  // 2 % took longer: p99 is a bound. The report has it only if the run is long enough for it.
  if (response.at("p99").is_null()) return;
  const std::vector<std::string> at_least = response.at("at_least");
  EXPECT_EQ(std::count(at_least.begin(), at_least.end(), "p99"), 1);
}

TEST(OverSockets, EachRequestOfABatchHasALatencyOfItsOwn) {
  constexpr std::uint64_t kDepth = 8;
  ScriptedServer server(always(serial_server(2ms)));
  const Measured run(server, {"-d", "500ms", "-c", "1", "--pipeline", "8"});
  EXPECT_EQ(run.served.size() % kDepth, 0U);
  EXPECT_EQ(run.report.at("requests"), run.served.size() + 1);
  run.expect("service", "min", 2e6);
  run.expect("service", "mean", (kDepth + 1) * 2e6 / 2);
  run.expect("service", 50, kDepth / 2 * 2e6);
  run.expect("service", "max", kDepth * 2e6);
}

}  // namespace
}  // namespace httpdyno::loadgen
