// The histogram against the sorted samples themselves.
#include "loadgen/figures/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

constexpr double kPercents[] = {0, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

struct Shape {
  std::string name;
  std::function<double(Prng&)> draw;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class HistogramShape : public testing::TestWithParam<Shape> {};

TEST_P(HistogramShape, AgreesWithTheSortedSamplesWithinATenthOfAPercent) {
  constexpr std::uint64_t kSeed = 20260;
  Prng random(kSeed);
  Histogram histogram;
  std::vector<std::int64_t> samples;
  double sum = 0;
  for (int i = 0; i < 200'000; ++i) {
    const auto value = static_cast<std::int64_t>(GetParam().draw(random));
    samples.push_back(value);
    sum += static_cast<double>(value);
    histogram.record(value);
  }
  std::sort(samples.begin(), samples.end());

  EXPECT_EQ(histogram.total(), 200'000);
  EXPECT_EQ(histogram.overflow(), 0);
  EXPECT_EQ(histogram.min(), samples.front());
  EXPECT_EQ(histogram.max(), samples.back());
  EXPECT_NEAR(histogram.mean(), sum / 200'000, sum / 200'000 * 1e-12);
  for (double percent : kPercents) {
    const auto rank = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(samples.size()) - 1e-9)));
    const auto exact = static_cast<double>(samples[rank - 1]);
    const auto found = static_cast<double>(histogram.percentile(percent));
    EXPECT_GE(found, exact) << percent << " of seed " << kSeed;
    EXPECT_LE(found, exact * 1.001) << percent << " of seed " << kSeed;
  }
}

// As in a run: one histogram a tick, emptied and used again.
TEST_P(HistogramShape, IsTheSameWhenMergedFromTicks) {
  Prng random(20261);
  Histogram at_once;
  Histogram merged;
  Histogram tick;
  for (int i = 1; i <= 50'000; ++i) {
    const auto value = static_cast<std::int64_t>(GetParam().draw(random));
    at_once.record(value);
    tick.record(value);
    if (i % 37 == 0 || i == 50'000) {
      merged.merge(tick);
      tick.clear();
    }
  }
  EXPECT_EQ(merged.total(), at_once.total());
  EXPECT_EQ(merged.min(), at_once.min());
  EXPECT_EQ(merged.max(), at_once.max());
  EXPECT_EQ(merged.mean(), at_once.mean());
  for (std::size_t i = 0; i < Histogram::kCounts; ++i)
    ASSERT_EQ(merged.count_at(i), at_once.count_at(i)) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, HistogramShape,
    testing::Values(
        Shape{"Uniform", [](Prng& random) { return random.unit() * 1e7; }},
        Shape{"Small", [](Prng& random) { return random.unit() * 3000; }},
        Shape{"Exponential", [](Prng& random) { return -std::log(1 - random.unit()) * 250'000; }},
        Shape{"Pareto", [](Prng& random) { return 50'000 / std::pow(1 - random.unit(), 1 / 1.2); }},
        Shape{"NanosecondsToAnHour", [](Prng& random) { return std::exp(random.unit() * std::log(3.6e12)); }},
        Shape{"Bimodal",
              [](Prng& random) {
                return random.below(10) == 0 ? 1e9 + random.unit() * 1e6 : 1e5 + random.unit() * 1e3;
              }}),
    [](const auto& each) { return each.param.name; });

TEST(Histogram, KeepsEveryValueWithinItsBucket) {
  for (std::int64_t value : {0L, 1L, 2L, 1023L, 1024L, 2047L, 2048L, 2049L, 4095L, 4096L, 123'456'789L,
                             3'599'999'999'999L, Histogram::kHighest}) {
    const std::size_t index = Histogram::index_of(value);
    ASSERT_LT(index, Histogram::kCounts);
    EXPECT_LE(Histogram::lowest_at(index), value);
    EXPECT_GE(Histogram::highest_at(index), value);
  }
}

TEST(Histogram, LeavesNoGapBetweenBuckets) {
  for (std::size_t i = 0; i + 1 < Histogram::kCounts; ++i) {
    ASSERT_EQ(Histogram::highest_at(i) + 1, Histogram::lowest_at(i + 1)) << i;
    ASSERT_EQ(Histogram::index_of(Histogram::lowest_at(i)), i);
    ASSERT_EQ(Histogram::index_of(Histogram::highest_at(i)), i);
  }
}

TEST(Histogram, MergesToWhatRecordingAllWouldHaveGiven) {
  Prng random(3);
  Histogram a;
  Histogram b;
  Histogram all;
  for (int i = 0; i < 10'000; ++i) {
    const auto value = static_cast<std::int64_t>(random.below(std::uint64_t{1} << (1 + random.below(40))));
    (random.coin() ? a : b).record(value);
    all.record(value);
  }
  a.merge(b);
  EXPECT_EQ(a.total(), all.total());
  EXPECT_EQ(a.min(), all.min());
  EXPECT_EQ(a.max(), all.max());
  EXPECT_EQ(a.mean(), all.mean());
  for (std::size_t i = 0; i < Histogram::kCounts; ++i) ASSERT_EQ(a.count_at(i), all.count_at(i)) << i;
}

TEST(Histogram, MergesWithAnEmptyOne) {
  Histogram a;
  a.record(5);
  a.merge(Histogram());
  EXPECT_EQ(a.min(), 5);
  EXPECT_EQ(a.max(), 5);
  Histogram b;
  b.merge(a);
  EXPECT_EQ(b.min(), 5);
  EXPECT_EQ(b.percentile(50), 5);
}

TEST(Histogram, IsAsNewlyMadeWhenCleared) {
  Histogram histogram;
  for (std::int64_t value : {0L, 5L, 123'456L, Histogram::kHighest + 1}) histogram.record(value);
  histogram.clear();
  EXPECT_EQ(histogram.total(), 0);
  EXPECT_EQ(histogram.overflow(), 0);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  for (std::size_t i = 0; i < Histogram::kCounts; ++i) ASSERT_EQ(histogram.count_at(i), 0) << i;
  histogram.record(77);
  EXPECT_EQ(histogram.min(), 77);
  EXPECT_EQ(histogram.percentile(50), 77);
}

TEST(Histogram, MergesAndClearsWhatLiesBeyondTheHighestValueAlone) {
  Histogram beyond;
  beyond.record(Histogram::kHighest + 1);
  Histogram sum;
  sum.merge(beyond);
  EXPECT_EQ(sum.overflow(), 1);
  EXPECT_EQ(sum.count_at(Histogram::index_of(Histogram::kHighest)), 1);
  sum.clear();
  EXPECT_EQ(sum.count_at(Histogram::index_of(Histogram::kHighest)), 0);
}

TEST(Histogram, CountsWhatIsBeyondTheHighestValue) {
  Histogram histogram;
  histogram.record(1);
  histogram.record(Histogram::kHighest + 12345);
  EXPECT_EQ(histogram.total(), 2);
  EXPECT_EQ(histogram.overflow(), 1);
  EXPECT_EQ(histogram.max(), Histogram::kHighest + 12345);
  EXPECT_EQ(histogram.percentile(100), Histogram::kHighest + 12345);
  EXPECT_DOUBLE_EQ(histogram.mean(), (1.0 + 3.6e12 + 12345) / 2);
  EXPECT_EQ(histogram.count_at(Histogram::index_of(Histogram::kHighest)), 1);
}

TEST(Histogram, IsZeroWhenEmpty) {
  const Histogram histogram;
  EXPECT_EQ(histogram.total(), 0);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.percentile(99), 0);
}

TEST(Histogram, PercentilesAreOfTheRankThatReachesThem) {
  Histogram histogram;
  for (int value = 1; value <= 100; ++value) histogram.record(value);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_EQ(histogram.percentile(1), 1);
  EXPECT_EQ(histogram.percentile(1.01), 2);
  EXPECT_EQ(histogram.percentile(50), 50);
  EXPECT_EQ(histogram.percentile(99), 99);
  EXPECT_EQ(histogram.percentile(99.9), 100);
  EXPECT_EQ(histogram.percentile(100), 100);
}

}  // namespace
}  // namespace httpdyno::loadgen
