// Which series of medians are stationary, and how often one that is is taken for one that is not.
#include "loadgen/figures/stationarity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "net/base/prng.h"
#include "tests/loadgen/synthetic.h"

namespace httpdyno::loadgen {
namespace {

constexpr int kSeries = 1000;

std::vector<double> noisy(std::size_t count, double noise, double memory, std::uint64_t seed) {
  Prng random(seed);
  synthetic::Drift drift(memory, random);
  std::vector<double> values(count);
  for (double& each : values) each = 200'000 * std::exp(noise * drift.next(random));
  return values;
}

struct Kind {
  std::size_t count;
  double memory;  // in values; 0.05: none
};

class StationarySeries : public testing::TestWithParam<Kind> {};

TEST_P(StationarySeries, RaiseAFalseAlarmInAtMostOneOfAHundred) {
  const auto [count, memory] = GetParam();
  for (double noise : {0.05, 0.3}) {
    int alarms = 0;
    for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
      const Stationarity found = stationarity(noisy(count, noise, memory, seed));
      ASSERT_TRUE(found.judged);
      if (!found.stationary()) ++alarms;
    }
    EXPECT_LE(alarms, kSeries / 100) << "noise " << noise;
  }
}

INSTANTIATE_TEST_SUITE_P(Stationarity, StationarySeries,
                         testing::Values(Kind{8, 0.05}, Kind{10, 2}, Kind{30, 4}, Kind{60, 0.05}, Kind{60, 2},
                                         Kind{60, 4}, Kind{300, 8}),
                         [](const auto& each) {
                           return std::to_string(each.param.count) + "Of" +
                                  std::to_string(static_cast<int>(std::round(each.param.memory)));
                         });

TEST(Stationarity, ARampOfAFifthOverAMinuteIsFound) {
  for (double sign : {1.0, -1.0}) {
    for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
      std::vector<double> values = noisy(60, 0.03, 0.05, seed);
      for (std::size_t i = 0; i < 60; ++i) values[i] *= 1 + sign * 0.2 * static_cast<double>(i) / 59;
      const Stationarity found = stationarity(values);
      ASSERT_TRUE(found.trending) << seed;
      ASSERT_NEAR(found.trend, sign * 0.2 / (1 + sign * 0.1), 0.1) << seed;
    }
  }
}

// Of a server that is offered more than it serves, each second's latency is greater than the last one's.
TEST(Stationarity, AnOverloadIsFoundWithinTenSeconds) {
  for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
    std::vector<double> values = noisy(10, 0.01, 0.05, seed);
    for (std::size_t i = 0; i < 10; ++i) values[i] *= 0.5 + static_cast<double>(i);
    ASSERT_FALSE(stationarity(values).stationary()) << seed;
  }
}

TEST(Stationarity, AnOverloadWithoutNoiseIsFound) {
  std::vector<double> values;
  for (int i = 1; i <= 8; ++i) values.push_back(i);
  EXPECT_TRUE(stationarity(values).trending);
}

TEST(Stationarity, AStepInTheMiddleIsFound) {
  for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
    std::vector<double> values = noisy(60, 0.02, 0.05, seed);
    for (std::size_t i = 30; i < 60; ++i) values[i] *= 1.2;
    const Stationarity found = stationarity(values);
    ASSERT_TRUE(found.stepped) << seed;
    ASSERT_NEAR(found.step, 0.2 / 1.1, 0.05) << seed;
  }
}

TEST(Stationarity, ARampIsFoundBesidesSecondsWithAStall) {
  std::vector<double> values = noisy(60, 0.02, 0.05, 1);
  for (std::size_t i = 0; i < 60; ++i) values[i] *= 1 + 0.2 * static_cast<double>(i) / 59;
  for (std::size_t i : {3U, 17U, 18U, 40U}) values[i] *= 50;
  EXPECT_TRUE(stationarity(values).trending);
}

TEST(Stationarity, ASecondWithAStallIsNone) {
  for (std::size_t at : {0U, 10U, 29U}) {
    std::vector<double> values = noisy(30, 0.02, 0.05, 2);
    values[at] *= 1000;
    EXPECT_TRUE(stationarity(values).stationary()) << at;
  }
}

TEST(Stationarity, ALittleDriftIsNone) {
  std::vector<double> values;
  for (int i = 0; i < 60; ++i) values.push_back(100 + 5 * i / 59.0);
  const Stationarity found = stationarity(values);
  EXPECT_TRUE(found.stationary());
  EXPECT_NEAR(found.trend, 0.05 / 1.025, 1e-9);
}

TEST(Stationarity, EqualValuesAreStationary) {
  EXPECT_TRUE(stationarity(std::vector<double>(60, 100.0)).stationary());
  EXPECT_TRUE(stationarity(std::vector<double>(60, 0.0)).stationary());
}

TEST(Stationarity, FewValuesAreNotJudged) {
  const Stationarity found = stationarity({1, 2, 3, 4, 5, 6, 7});
  EXPECT_FALSE(found.judged);
  EXPECT_TRUE(found.stationary());
  EXPECT_FALSE(stationarity({}).judged);
}

TEST(Stationarity, ALongSeriesIsJudgedAsAWhole) {
  std::vector<double> values = noisy(7200, 0.05, 4, 3);
  EXPECT_TRUE(stationarity(values).stationary());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= 1 + 0.2 * static_cast<double>(i) / 7199;
  EXPECT_TRUE(stationarity(values).trending);
}

}  // namespace
}  // namespace httpdyno::loadgen
