#include "loadgen/figures/drift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace httpdyno::loadgen {
namespace {

// About 1 ms, with a tenth of noise and a rise of `rise` over the run.
std::vector<std::int64_t> medians(std::size_t count, double rise, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> noise(0.95, 1.05);
  std::vector<std::int64_t> values;
  for (std::size_t i = 0; i < count; ++i) {
    const double along = static_cast<double>(i) / static_cast<double>(count);
    values.push_back(static_cast<std::int64_t>(1e6 * noise(random) * (1 + rise * along)));
  }
  return values;
}

TEST(Drift, OfTooFewValuesIsNotTold) {
  EXPECT_FALSE(drift(medians(kDriftValuesMin - 1, 5, 1)));
  EXPECT_TRUE(drift(medians(kDriftValuesMin, 5, 1)));
}

TEST(Drift, OfSteadyValuesIsZero) {
  const std::vector<std::int64_t> same(100, 1'000'000);
  EXPECT_EQ(drift(same), 0);
}

// By the test's own level one run in a hundred looks like a trend, and then a small one.
TEST(Drift, OfNoiseIsRareAndSmall) {
  for (const std::size_t count : {10U, 30U, 600U}) {
    int trends = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      const double found = *drift(medians(count, 0, seed));
      EXPECT_LT(found, 0.1) << "seed " << seed;
      trends += found > 0 ? 1 : 0;
    }
    EXPECT_LE(trends, 8) << count;
  }
}

TEST(Drift, IsTheMoveFromHalfToHalf) {
  const auto up = drift(medians(20, 1, 1));
  ASSERT_TRUE(up);
  EXPECT_NEAR(*up, 0.4, 0.1) << "from 1.25 to 1.75";
  auto falling = medians(20, 1, 1);
  std::reverse(falling.begin(), falling.end());
  EXPECT_NEAR(*drift(falling), 0.4, 0.1);
}

TEST(Drift, OfALongRunIsFoundInBoundedTime) {
  EXPECT_NEAR(*drift(medians(600'000, 1, 1)), 0.4, 0.05) << "a week of seconds";
}

// One second of a hiccup is no trend.
TEST(Drift, AnOutlierIsNone) {
  auto values = medians(20, 0, 3);
  values[15] *= 100;
  EXPECT_LT(*drift(values), 0.1);
}

}  // namespace
}  // namespace httpdyno::loadgen
