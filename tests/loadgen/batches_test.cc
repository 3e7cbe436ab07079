// The bounded series of a run's ticks.
#include "loadgen/figures/batches.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <map>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

Histogram tick_of(std::initializer_list<std::int64_t> values) {
  Histogram tick;
  for (std::int64_t value : values) tick.record(value);
  return tick;
}

TEST(Batches, EachTickIsABatchAsLongAsThereIsRoom) {
  Batches batches;
  for (std::int64_t i = 0; i < 64; ++i) batches.add(tick_of({i, 1000}));
  ASSERT_EQ(batches.size(), 64U);
  EXPECT_EQ(batches.ticks_per_batch(), 1);
  const auto parts = batches.parts(Batches::cell_of(31));
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(parts[i].total, 2);
    EXPECT_EQ(parts[i].below, i <= 31 ? 1 : 0) << i;
  }
}

TEST(Batches, NeighboursMergeInPairsWhenThereWouldBeTooMany) {
  Batches batches;
  for (std::int64_t i = 0; i < 65; ++i) batches.add(tick_of({i}));
  ASSERT_EQ(batches.size(), 33U);
  EXPECT_EQ(batches.ticks_per_batch(), 2);
  const auto parts = batches.parts(Batches::cell_of(8));
  EXPECT_EQ(parts[3].below, 2);  // 6 and 7
  EXPECT_EQ(parts[4].below, 1);  // 8, not 9
  EXPECT_EQ(parts[5].below, 0);
  EXPECT_EQ(parts[31].total, 2);
  EXPECT_EQ(parts[32].total, 1);
}

TEST(Batches, NothingIsLostAndTheNumberStaysBounded) {
  Prng random(11);
  Batches batches;
  Histogram whole;
  Histogram tick;
  for (int ticks = 1; ticks <= 2'000; ++ticks) {
    tick.clear();
    for (std::uint64_t n = random.below(4); n > 0; --n) {
      tick.record(static_cast<std::int64_t>(random.below(std::uint64_t{1} << (1 + random.below(44)))));
    }
    whole.merge(tick);
    batches.add(tick);
    ASSERT_LE(batches.size(), Batches::kMax);
    if (ticks > 64) {
      ASSERT_GE(batches.size(), Batches::kMax / 2);
    }
  }
  EXPECT_EQ(batches.ticks_per_batch(), 32);
  EXPECT_EQ(batches.size(), 63U);  // 62 full ones and one of 16 ticks
  EXPECT_EQ(batches.total(), whole.total());
  std::int64_t sum = 0;
  std::map<std::size_t, std::int64_t> expected;
  whole.each_recorded([&](std::int64_t lowest, std::int64_t, std::int64_t count) {
    expected[Batches::cell_of(lowest)] = sum += count;
  });
  for (const auto& [cell, count] : expected) {
    std::int64_t below = 0;
    for (const Batches::Part& part : batches.parts(cell)) below += part.below;
    ASSERT_EQ(below, count) << cell;
  }
}

TEST(Batches, ATickInWhichNothingHappenedIsOneNevertheless) {
  Batches batches;
  batches.add(tick_of({1}));
  batches.add(Histogram());
  batches.add(tick_of({1}));
  const auto parts = batches.parts(Batches::cell_of(Histogram::kHighest));
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[1].total, 0);
  EXPECT_EQ(batches.total(), 2);
}

TEST(Batches, ACellIsNarrow) {
  EXPECT_EQ(Batches::cell_of(0), 0U);
  for (std::int64_t value = 1; value < Histogram::kHighest / 2; value += 1 + value / 1000) {
    const std::int64_t wider = value + 1 + value * 8 / 1000;
    ASSERT_LT(Batches::cell_of(value), Batches::cell_of(wider)) << value;
  }
  // 64 batches of four latencies, eight octets a cell: 12 MB at the very most.
  EXPECT_LT(Batches::cell_of(Histogram::kHighest), 6'000U);
  EXPECT_EQ(Batches::cell_of(2 * Histogram::kHighest), Batches::cell_of(Histogram::kHighest));
}

// Twenty minutes of ticks, whose values lie from 8 us to 8 ms, the greater ones rarely. Later ticks bring values in
// buckets that no earlier one had, for as long as a run lasts: memory must not follow them.
TEST(Batches, TakeNoMoreMemoryTheLongerTheRunIs) {
  constexpr int kTicks = 12'000;
  Prng random(23);
  Batches batches;
  Histogram tick;
  std::size_t early = 0;
  for (int i = 1; i <= kTicks; ++i) {
    tick.clear();
    for (int n = 0; n < 200; ++n) {
      const auto doublings = static_cast<int>(random.below(11)) * static_cast<int>(random.below(11)) / 10;
      tick.record(static_cast<std::int64_t>((8'000 + random.below(8'000)) << doublings));
    }
    batches.add(tick);
    if (i == kTicks / 10) early = mallinfo2().uordblks;
  }
  if (early == 0) GTEST_SKIP() << "this allocator does not count";
  EXPECT_LT(mallinfo2().uordblks, early + 200'000);
}

TEST(Batches, IsEmptyAtFirst) {
  const Batches batches;
  EXPECT_EQ(batches.size(), 0U);
  EXPECT_EQ(batches.total(), 0);
  EXPECT_TRUE(batches.parts(0).empty());
}

}  // namespace
}  // namespace httpdyno::loadgen
