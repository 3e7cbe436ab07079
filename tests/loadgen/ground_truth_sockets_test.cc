// The program itself against servers whose latencies are known, over sockets.
//
// A machine that is busy makes every latency longer and none shorter, so what the closed forms say is a lower
// bound that always holds, as are counts and identities. It is an upper bound, too, where the run calls itself
// valid and the server has answered in time: then both sides are asserted. The exact statements are made in
// virtual time (ground_truth_test.cc).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/work/schedule.h"
#include "tests/loadgen/oracles.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/scripted_server.h"

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
    std::vector<std::string> all = {server.url(), "--json", "-", "--timeout", timeout};
    all.insert(all.end(), words.begin(), words.end());
    const Finished finished = run_program(all);
    report = json::parse(finished.out);
    if (level() != "void") {
      EXPECT_EQ(finished.code, exit_code) << finished.err;
    }
    served = server.stop();
    bool in_time = true;
    for (const ScriptedServer::Served& one : served) {
      in_time = in_time && (one.planned == kNever || one.answered <= one.planned + kServerLate);
    }
    quiet_ = in_time && level() == "valid";
  }

  std::string level() const {
    return report.contains("verdict") ? report.at("verdict").at("level") : "valid";
  }
  // Null: the run is void, or too short for this percentile.
  std::optional<double> figure(const char* sort, const char* key) const {
    if (!report.contains(sort) || !report[sort].contains(key) || report[sort][key].is_null()) return {};
    return report[sort][key].get<double>();
  }
  // `tolerance` of the closed form itself, to both sides.
  void expect(const char* sort, const char* key, double truth, double tolerance = 0) const {
    const std::optional<double> found = figure(sort, key);
    if (!found) return;
    EXPECT_GE(*found, truth - tolerance) << sort << " " << key;
    if (!quiet_) return;
    EXPECT_LE(*found, truth + tolerance + kSlackNs) << sort << " " << key;
  }
  // Nothing of an open loop gets lost, and the server saw what was sent.
  void expect_complete(std::uint64_t due) const {
    EXPECT_EQ(report.at("due"), due);
    EXPECT_EQ(report.at("sent").get<std::uint64_t>() + report.at("queued").get<std::uint64_t>() +
                  report.at("shed").get<std::uint64_t>(),
              due);
    EXPECT_EQ(report.at("sent"), served.size());
    if (level() == "void") return;
    EXPECT_EQ(report.at("response_ns").at("count"), due);
  }

  json report;
  std::vector<ScriptedServer::Served> served;

 private:
  bool quiet_ = false;
};

ScriptedServer::MakeScript always(ServerScript script) {
  return [script = std::move(script)](Time) { return script; };
}

constexpr std::pair<const char*, double> kPercentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}, {"p99_9", 99.9}};

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
  for (const auto& [key, percent] : kPercentiles) {
    run.expect("response_ns", key, static_cast<double>(truth.quantile(percent)), gap);
  }
  run.expect("response_ns", "mean", truth.mean(), gap);
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
  run.expect("service_ns", "p99", 1e6);
}

TEST(OverSockets, AConstantDelayIsEveryPercentile) {
  ScriptedServer server(always(parallel_server(20ms)));
  const Measured run(server, {"-R", "4000", "-d", "1s", "-c", "200", "--arrivals", "poisson"});
  run.expect_complete(run.served.size());
  for (const char* sort : {"response_ns", "service_ns"}) {
    for (const auto& [key, percent] : kPercentiles) run.expect(sort, key, 20e6);
    run.expect(sort, "min", 20e6);
    run.expect(sort, "mean", 20e6);
  }
}

TEST(OverSockets, AnOverloadedServerIsSlowerWithEveryRequest) {
  ScriptedServer server(always(serial_server(1ms)));
  const Measured run(server, {"-R", "2000", "-d", "1s", "-c", "100", "--pipeline", "20"});
  run.expect_complete(2000);
  EXPECT_EQ(run.report.at("sent"), 2000) << "there was always room";
  for (const auto& [key, percent] : kPercentiles) {
    const auto k = static_cast<std::uint64_t>(percent / 100 * 2000) - 1;
    run.expect("response_ns", key, ns(oracle::overloaded_response(k, 500us, 1ms)), 0.5e6);
  }
  run.expect("response_ns", "mean", 500.5e6 + 0.25e6, 0.5e6);
}

TEST(OverSockets, WhatWasNeverSentStaysInTheDistribution) {
  ScriptedServer server(always(serial_server(1ms)));
  const Measured run(server, {"-R", "2000", "-d", "1s", "-c", "1", "--drain", "200ms"});
  run.expect_complete(2000);
  EXPECT_GT(run.report.at("queued"), 0);
  if (run.level() == "void") return;
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
  run.expect("response_ns", "mean", sum / static_cast<double>(count));
}

TEST(OverSockets, ABimodalServerHasAMeanThatNoMedianShows) {
  ScriptedServer server(always(bimodal_server(10, 100us, 1s)));
  const Measured run(server, {"-R", "500", "-d", "1s", "-c", "100"});
  run.expect_complete(500);
  run.expect("response_ns", "p50", 0.1e6);
  run.expect("response_ns", "mean", 0.9 * 0.1e6 + 0.1 * 1e9);
  run.expect("response_ns", "p95", 1e9);
  run.expect("response_ns", "max", 1e9);
}

TEST(OverSockets, ASwallowedRequestStaysInTheDistribution) {
  ScriptedServer server(always(swallowing_server(50, Duration::zero())));
  const Measured run(server, {"-R", "500", "-d", "1s", "-c", "40"}, "300ms", kExitFailed);
  run.expect_complete(500);
  EXPECT_EQ(run.report.at("errors").at("timeout"), 10);
  if (run.level() == "void") return;
  const json& response = run.report.at("response_ns");
  EXPECT_EQ(response.at("censored"), 10);
  // 2 % took longer: p95 is a figure, p99 a bound, if the run is long enough to have it.
  EXPECT_GE(response.at("max"), 300e6);
  run.expect("response_ns", "p99", 300e6);
  if (run.figure("response_ns", "p99")) {
    const std::vector<std::string> at_least = response.at("at_least");
    EXPECT_EQ(std::count(at_least.begin(), at_least.end(), "p99"), 1);
    EXPECT_EQ(std::count(at_least.begin(), at_least.end(), "p95"), 0);
  }
}

TEST(OverSockets, EachRequestOfABatchHasALatencyOfItsOwn) {
  constexpr std::uint64_t kDepth = 8;
  ScriptedServer server(always(serial_server(2ms)));
  const Measured run(server, {"-d", "500ms", "-c", "1", "--pipeline", "8"});
  EXPECT_EQ(run.served.size() % kDepth, 0U);
  EXPECT_EQ(run.report.at("requests"), run.served.size() + 1);
  run.expect("service_ns", "min", 2e6);
  run.expect("service_ns", "mean", (kDepth + 1) * 2e6 / 2);
  run.expect("service_ns", "p50", kDepth / 2 * 2e6);
  run.expect("service_ns", "max", kDepth * 2e6);
}

}  // namespace
}  // namespace httpdyno::loadgen
