// Little's law over made-up runs: it holds to the nanosecond, and a wrong latency breaks it.
#include "loadgen/figures/little.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "loadgen/figures/histogram.h"
#include "net/base/prng.h"
#include "tests/loadgen/synthetic.h"

namespace httpdyno::loadgen {
namespace {

Time at(std::int64_t ns) { return Time(Duration(ns)); }

constexpr std::int64_t kFrom = 1'000'000;
constexpr std::int64_t kUntil = 4'000'000;

struct Asked {
  std::int64_t begin;
  std::int64_t end;
  bool recorded = true;  // when it began within the window
};

// What a load generator would do with these requests, with a bug or without.
struct Check {
  InFlight in_flight{at(kFrom), at(kUntil)};
  Edges edges{at(kFrom), at(kUntil)};
  Histogram latencies;

  void run(const std::vector<Asked>& requests, std::int64_t times_too_long = 1) {
    std::vector<std::pair<std::int64_t, int>> changes;
    for (const Asked& each : requests) {
      changes.emplace_back(each.begin, 1);
      changes.emplace_back(each.end, -1);
      const bool recorded = each.recorded && each.begin >= kFrom && each.begin < kUntil;
      if (recorded) latencies.record(times_too_long * (each.end - each.begin));
      edges.add(at(each.begin), at(each.end), recorded);
    }
    std::stable_sort(changes.begin(), changes.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [time, delta] : changes) in_flight.change(at(time), delta);
  }
  double area() const { return static_cast<double>(in_flight.area(at(kUntil))); }
  double sum() const { return latencies.mean() * static_cast<double>(latencies.total()); }
  double found() const { return discrepancy(area(), sum() + static_cast<double>(edges.correction())); }
};

// Poisson arrivals over a longer time than the window, latencies of all lengths.
std::vector<Asked> load(std::uint64_t seed) {
  Prng random(seed);
  std::vector<Asked> requests;
  double time = 0;
  while (time < 5'000'000) {
    time += 2'000 * synthetic::exponential(random);
    const auto begin = static_cast<std::int64_t>(time);
    const double latency = (random.below(20) == 0 ? 500'000 : 30'000) * synthetic::exponential(random);
    requests.push_back({begin, begin + 1 + static_cast<std::int64_t>(latency), random.below(10) != 0});
  }
  return requests;
}

TEST(Little, HoldsExactlyWithTheEdgesOfTheWindow) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Check check;
    check.run(load(seed));
    EXPECT_GT(check.area(), 0);
    EXPECT_LT(check.found(), 1e-12);
    // The edges are no trifle: without them a sound run would be called unsound.
    EXPECT_GT(discrepancy(check.area(), check.sum()), 0.01);
  }
}

TEST(Little, TheAreaIsTheTimeSpentWithin) {
  std::int64_t within = 0;
  const std::vector<Asked> requests = load(77);
  for (const Asked& each : requests) {
    within += std::max<std::int64_t>(0, std::min(each.end, kUntil) - std::max(each.begin, kFrom));
  }
  Check check;
  check.run(requests);
  EXPECT_EQ(check.in_flight.area(at(kUntil)), within);
  EXPECT_EQ(check.in_flight.area(at(2 * kUntil)), within);
  EXPECT_EQ(check.in_flight.count(), 0);
}

// wrk's issue 438: one connection, 5,043 requests a second, mean latency 6.04 ms.
TEST(Little, FindsALatencyThirtyTimesTooLong) {
  std::vector<Asked> requests;
  for (std::int64_t time = 0; time < 5'000'000; time += 198) requests.push_back({time, time + 198});
  Check sound;
  sound.run(requests);
  EXPECT_LT(sound.found(), 1e-12);
  EXPECT_NEAR(sound.area() / (kUntil - kFrom), 1, 1e-3);
  Check planted;
  planted.run(requests, 30);
  EXPECT_NEAR(planted.found(), 29, 0.1);
  EXPECT_NEAR(discrepancy(1, 5043 * 6.04e-3), 29.5, 0.1);
}

TEST(Little, FindsTwoPerCentOfTheRequestsCountedTwice) {
  Check check;
  const std::vector<Asked> requests = load(5);
  check.run(requests);
  for (std::size_t i = 0; i < requests.size(); i += 50) {
    if (requests[i].begin >= kFrom && requests[i].begin < kUntil) {
      check.latencies.record(requests[i].end - requests[i].begin);
    }
  }
  EXPECT_GT(check.found(), 0.01);
}

TEST(Little, ABatchIsSoManyRequests) {
  InFlight in_flight(at(0), at(1000));
  in_flight.change(at(100), 8);
  for (int i = 1; i <= 8; ++i) in_flight.change(at(100 + 10 * i), -1);
  EXPECT_EQ(in_flight.area(at(1000)), 10 * (8 + 7 + 6 + 5 + 4 + 3 + 2 + 1));
}

TEST(Little, TheAreaGrowsWithoutAChange) {
  InFlight in_flight(at(100), at(1000));
  in_flight.change(at(50), 3);
  EXPECT_EQ(in_flight.area(at(60)), 0);
  EXPECT_EQ(in_flight.area(at(100)), 0);
  EXPECT_EQ(in_flight.area(at(300)), 600);
  EXPECT_EQ(in_flight.area(at(2000)), 2700);
}

TEST(Little, AWindowMayEndEarly) {
  InFlight in_flight(at(0), at(1000));
  Edges edges(at(0), at(1000));
  in_flight.change(at(100), 1);
  in_flight.end_at(at(400));
  edges.end_at(at(400));
  in_flight.change(at(700), -1);
  edges.add(at(100), at(700), true);
  EXPECT_EQ(in_flight.area(at(1000)), 300);
  EXPECT_EQ(600 + edges.correction(), 300);
}

TEST(Little, NothingIsNoDiscrepancy) {
  EXPECT_EQ(discrepancy(0, 0), 0);
  EXPECT_EQ(discrepancy(0, 5), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(discrepancy(100, 99), 0.01);
}

}  // namespace
}  // namespace httpdyno::loadgen
