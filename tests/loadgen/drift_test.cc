// Which series of medians are found to move, and how often one that does not is found to.
#include "loadgen/figures/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "net/base/prng.h"
#include "tests/loadgen/synthetic.h"

namespace httpdyno::loadgen {
namespace {

constexpr std::uint64_t kSeries = 1000;
constexpr double kNoMemory = 0.05;
constexpr double kLimit = 0.1;  // what the verdict minds

// About 1 ms, log-normal, remembering about so many values.
std::vector<std::int64_t> noisy(std::size_t count, double noise, double memory, std::uint64_t seed) {
  Prng random(seed);
  synthetic::Drift state(memory, random);
  std::vector<std::int64_t> values(count);
  for (std::int64_t& each : values) each = std::llround(1e6 * std::exp(noise * state.next(random)));
  return values;
}

void scale(std::int64_t& value, double factor) { value = std::llround(static_cast<double>(value) * factor); }

// Rises by `rise` from the first value to the last.
std::vector<std::int64_t> ramp(std::size_t count, double rise, double noise, std::uint64_t seed) {
  std::vector<std::int64_t> values = noisy(count, noise, kNoMemory, seed);
  for (std::size_t i = 0; i < count; ++i) {
    scale(values[i], 1 + rise * static_cast<double>(i) / static_cast<double>(count - 1));
  }
  return values;
}

struct Kind {
  std::size_t count;
  double memory;
};

class StationarySeries : public testing::TestWithParam<Kind> {};

TEST_P(StationarySeries, RaiseAFalseAlarmInAtMostOneOfAHundred) {
  const auto [count, memory] = GetParam();
  for (double noise : {0.05, 0.3}) {
    std::uint64_t alarms = 0;
    for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
      if (*drift(noisy(count, noise, memory, seed)) > kLimit) ++alarms;
    }
    EXPECT_LE(alarms, kSeries / 100) << "noise " << noise;
  }
}

INSTANTIATE_TEST_SUITE_P(Drift, StationarySeries,
                         testing::Values(Kind{10, 2}, Kind{30, 4}, Kind{60, kNoMemory}, Kind{60, 4}),
                         [](const auto& each) {
                           return std::to_string(each.param.count) + "Of" +
                                  std::to_string(static_cast<int>(std::round(each.param.memory)));
                         });

TEST(Drift, OfTooFewValuesIsNotTold) {
  EXPECT_FALSE(drift(ramp(kDriftValuesMin - 1, 5, 0.01, 1)));
  EXPECT_TRUE(drift(ramp(kDriftValuesMin, 5, 0.01, 1)));
  EXPECT_FALSE(drift({}));
}

TEST(Drift, OfARampOfAFifthOverAMinuteIsFound) {
  for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
    std::vector<std::int64_t> values = ramp(60, 0.2, 0.03, seed);
    ASSERT_NEAR(*drift(values), 0.2 / 1.1, 0.08) << seed;
    std::reverse(values.begin(), values.end());
    ASSERT_NEAR(*drift(values), 0.2 / 1.1, 0.08) << seed;
  }
}

// Of a server that is offered more than it serves, each second's latency is greater than the last one's.
TEST(Drift, OfAnOverloadIsFoundWithinTenSeconds) {
  for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
    std::vector<std::int64_t> values = noisy(10, 0.01, kNoMemory, seed);
    for (std::size_t i = 0; i < values.size(); ++i) scale(values[i], 0.5 + static_cast<double>(i));
    ASSERT_GT(*drift(values), 1) << seed;
  }
}

TEST(Drift, OfAnOverloadWithoutNoiseIsFound) {
  std::vector<std::int64_t> values;
  for (int i = 1; i <= 10; ++i) values.push_back(i * 1000);
  EXPECT_NEAR(*drift(values), 9 / 5.5, 1e-9);
}

TEST(Drift, OfAStepInTheMiddleIsFound) {
  for (std::uint64_t seed = 0; seed < kSeries; ++seed) {
    std::vector<std::int64_t> values = noisy(60, 0.02, kNoMemory, seed);
    for (std::size_t i = 30; i < 60; ++i) scale(values[i], 1.2);
    ASSERT_GE(*drift(values), 0.15) << seed;
  }
}

TEST(Drift, IsFoundBesidesSecondsWithAStall) {
  std::vector<std::int64_t> values = ramp(60, 0.2, 0.02, 1);
  for (std::size_t i : {3U, 17U, 18U, 40U}) values[i] *= 50;
  EXPECT_GT(*drift(values), kLimit);
}

TEST(Drift, ASecondWithAStallIsNone) {
  for (std::size_t at : {0U, 10U, 29U}) {
    std::vector<std::int64_t> values = noisy(30, 0.02, kNoMemory, 2);
    values[at] *= 1000;
    EXPECT_EQ(drift(values), 0) << at;
  }
}

TEST(Drift, IsToldHoweverSmallWhenItIsSure) { EXPECT_NEAR(*drift(ramp(60, 0.01, 1e-4, 1)), 0.01, 1e-3); }

TEST(Drift, OfEqualValuesIsZero) {
  EXPECT_EQ(drift(std::vector<std::int64_t>(60, 1'000'000)), 0);
  EXPECT_EQ(drift(std::vector<std::int64_t>(60, 0)), 0);
}

TEST(Drift, OfALongRunIsFoundInBoundedTime) {
  EXPECT_EQ(drift(noisy(600'000, 0.05, 4, 3)), 0) << "a week of seconds";
  EXPECT_NEAR(*drift(ramp(600'000, 1, 0.05, 3)), 1 / 1.5, 0.05);
}

}  // namespace
}  // namespace httpdyno::loadgen
