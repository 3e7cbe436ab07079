// Percentiles with their intervals; how often these hold the truth is in coverage_test.cc.
#include "loadgen/figures/quantile.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace httpdyno::loadgen {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A run given tick by tick.
struct Sample {
  Latency latency;
  Batches batches;
  Histogram tick;

  void record(std::int64_t value, int times = 1) {
    for (int i = 0; i < times; ++i) {
      latency.record(value);
      tick.record(value);
    }
  }
  void record_at_least(std::int64_t bound, int times) {
    for (int i = 0; i < times; ++i) {
      latency.record_at_least(bound);
      tick.record(bound);
    }
  }
  void end_tick() {
    batches.add(tick);
    tick.clear();
  }
};

Latency one_to(int count) {
  Latency latency;
  for (int value = 1; value <= count; ++value) latency.record(value);
  return latency;
}

struct Need {
  double percent;
  int samples;
};

class EnoughSamples : public testing::TestWithParam<Need> {};

TEST_P(EnoughSamples, AreThoseOfWhichTheUpperRankExists) {
  const auto [percent, samples] = GetParam();
  const auto worth = [](int values) { return Effective{static_cast<double>(values), kInfinity}; };
  const Quantile enough = quantile(one_to(samples), worth(samples), percent);
  EXPECT_TRUE(enough.enough);
  EXPECT_TRUE(enough.low.has_value());
  EXPECT_FALSE(quantile(one_to(samples - 1), worth(samples - 1), percent).enough);
  // Enough values, but worth too few independent ones: a number, and no bounds.
  const Quantile few = quantile(one_to(2 * samples), worth(samples - 1), percent);
  EXPECT_TRUE(few.enough);
  EXPECT_FALSE(few.low.has_value() || few.high.has_value());
}

INSTANTIATE_TEST_SUITE_P(Quantile, EnoughSamples,
                         testing::Values(Need{50, 4}, Need{10, 35}, Need{90, 35}, Need{99, 381},
                                         Need{99.9, 3838}, Need{99.99, 38'413}),
                         [](const auto& each) {
                           return "P" + std::to_string(static_cast<int>(each.param.percent * 100));
                         });

TEST(Quantile, ReachesTheGreatestValueOfTheLeastSample) {
  const Quantile found = quantile(one_to(381), Effective{381, kInfinity}, 99);
  EXPECT_EQ(found.value, 378);
  EXPECT_EQ(found.high, 381);
}

// Exact, by the binomial: 100 values, p50. Ranks 40 and 61 hold the median in 96.5 %, 41 and 60 in 94.3 %.
TEST(Quantile, LiesBetweenTheRanksOfTheBinomial) {
  const Quantile found = quantile(one_to(100), Effective{100, kInfinity}, 50);
  EXPECT_EQ(found.value, 50);
  EXPECT_EQ(found.low, 40);   // 40.7
  EXPECT_EQ(found.high, 61);  // 60.3
}

TEST(Quantile, IsWiderWhereTheSampleIsWorthLess) {
  const Latency latency = one_to(1000);
  const Quantile all = quantile(latency, Effective{1000, kInfinity}, 50);
  const Quantile quarter = quantile(latency, Effective{250, kInfinity}, 50);
  EXPECT_NEAR(static_cast<double>(*quarter.high - *quarter.low),
              2 * static_cast<double>(*all.high - *all.low), 3);
  const Quantile uncertain = quantile(latency, Effective{250, 7}, 50);
  EXPECT_NEAR(static_cast<double>(*uncertain.high - *uncertain.low),
              2.365 / 1.96 * static_cast<double>(*quarter.high - *quarter.low), 3);
}

TEST(Quantile, AValueIsNotNarrowerThanItsBucket) {
  Latency latency;
  for (std::int64_t i = 0; i < 1000; ++i) latency.record(1'000'000 + i % 1000);
  const Quantile found = quantile(latency, Effective{1000, kInfinity}, 50);
  const std::size_t index = Histogram::index_of(found.value);
  EXPECT_LE(*found.low, Histogram::lowest_at(index));
  EXPECT_GE(*found.high, Histogram::highest_at(index));
  EXPECT_GE(*found.low, 1'000'000);
  EXPECT_LE(*found.high, 1'000'999);
}

TEST(Quantile, OfEqualValuesIsThatValue) {
  Sample run;
  for (int tick = 0; tick < 40; ++tick) {
    run.record(123'456'789, 100);
    run.end_tick();
  }
  const Quantile found = quantile(run.latency, run.batches, 99.9);
  EXPECT_EQ(found.value, 123'456'789);
  EXPECT_EQ(found.low, 123'456'789);
  EXPECT_EQ(found.high, 123'456'789);
}

TEST(Quantile, AnEmptySampleHasNone) {
  EXPECT_FALSE(quantile(Latency(), Batches(), 50).enough);
  EXPECT_FALSE(quantile(one_to(1000), Effective{1000, kInfinity}, 100).enough);
}

TEST(Quantile, AmongTheCensoredIsAtLeast) {
  Sample run;
  for (int tick = 0; tick < 50; ++tick) {
    run.record(1000, 196);
    run.record_at_least(2000, 4);
    run.end_tick();
  }
  const Quantile median = quantile(run.latency, run.batches, 50);
  EXPECT_FALSE(median.at_least);
  EXPECT_EQ(median.high, 1000);
  const Quantile beyond = quantile(run.latency, run.batches, 99);
  EXPECT_TRUE(beyond.at_least);
  EXPECT_EQ(beyond.value, 2000);
  EXPECT_EQ(beyond.low, 2000);
  EXPECT_FALSE(beyond.high.has_value());
  // 98 % are known; the interval of p98 reaches into the others.
  const Quantile edge = quantile(run.latency, run.batches, 98);
  EXPECT_FALSE(edge.at_least);
  EXPECT_EQ(edge.value, 1000);
  EXPECT_FALSE(edge.high.has_value());
}

TEST(Quantile, BeyondTheHighestBucketIsExactAtTheTop) {
  Latency latency;
  for (int i = 0; i < 1000; ++i) latency.record(Histogram::kHighest + 1000 + i);
  const Quantile found = quantile(latency, Effective{1000, kInfinity}, 50);
  EXPECT_EQ(found.high, Histogram::kHighest + 1999);
}

TEST(Quantile, WithoutTwoBatchesHasNoInterval) {
  Sample run;
  for (int value = 1; value <= 1000; ++value) run.record(value);
  run.end_tick();
  const Quantile found = quantile(run.latency, run.batches, 50);
  EXPECT_TRUE(found.enough);
  EXPECT_EQ(found.value, 500);
  EXPECT_FALSE(found.low.has_value() || found.high.has_value());
}

TEST(EffectiveSamples, AreAllWhereEachBatchIsLikeTheOther) {
  Sample run;
  for (int tick = 0; tick < 40; ++tick) {
    for (int value = 1; value <= 100; ++value) run.record(value);
    run.end_tick();
  }
  const Effective found = effective_samples(run.batches, Batches::cell_of(50));
  EXPECT_EQ(found.samples, 4000);  // not more, though the batches differ less than chance would make them
  EXPECT_EQ(found.freedom, kInfinity);
}

TEST(EffectiveSamples, AreTheBatchesButOneWhereEachOfThemIsAllOrNothing) {
  Sample run;
  for (int tick = 0; tick < 64; ++tick) {
    run.record(tick % 2 == 0 ? 10 : 1000, 500);
    run.end_tick();
  }
  const Effective found = effective_samples(run.batches, Batches::cell_of(10));
  EXPECT_NEAR(found.samples, 63, 1e-9);
  EXPECT_EQ(found.freedom, 63);
}

TEST(EffectiveSamples, ArePairedWhereNeighboursAreAlike) {
  Sample run;
  for (int tick = 0; tick < 64; ++tick) {
    run.record(tick / 8 % 2 == 0 ? 10 : 1000, 500);
    run.end_tick();
  }
  const Effective found = effective_samples(run.batches, Batches::cell_of(10));
  // Of 16 pairs of pairs a neighbour is as often unlike as alike.
  EXPECT_NEAR(found.samples, 15, 1e-9);
  EXPECT_EQ(found.freedom, 15);
}

TEST(EffectiveSamples, OfFewBatchesAreNeverTakenAsIndependent) {
  Sample run;
  for (int tick = 0; tick < 3; ++tick) {
    for (int value = 1; value <= 1000; ++value) run.record(value);
    run.end_tick();
  }
  EXPECT_EQ(effective_samples(run.batches, Batches::cell_of(500)).freedom, 2);
  const Quantile few = quantile(run.latency, run.batches, 50);
  const Quantile many = quantile(run.latency, Effective{3000, kInfinity}, 50);
  EXPECT_LT(*few.low, *many.low);
  EXPECT_GT(*few.high, *many.high);
}

}  // namespace
}  // namespace httpdyno::loadgen
