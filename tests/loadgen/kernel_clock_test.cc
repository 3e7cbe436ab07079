// Stamps of a clock that steps, told in monotonic time.
#include "loadgen/drive/kernel_clock.h"

#include <gtest/gtest.h>

#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

constexpr std::int64_t kApart = 1'700'000'000'123'456'789;  // realtime less monotonic

Time at(std::int64_t ns) { return Time(Duration(ns)); }

// The realtime clock is read `into` after `before`, and the look takes `length`.
void look(KernelClock& clock, std::int64_t before, std::int64_t into, std::int64_t length,
          std::int64_t apart = kApart) {
  clock.see(at(before), {before + into + apart}, at(before + length));
}

TEST(KernelClock, KnowsNothingBeforeItsFirstLook) { EXPECT_EQ(KernelClock().steady_since(), kNever); }

TEST(KernelClock, TellsAStampAsWellAsItsBestLook) {
  KernelClock clock;
  look(clock, 1000, 30, 50);
  EXPECT_EQ(clock.steady_since(), at(1050));
  EXPECT_LE(clock.error(), 27ns);
  EXPECT_LE(std::chrono::abs(clock.monotonic({2000 + kApart}) - at(2000)), clock.error());
  // One that was held up for a millisecond in between does no harm.
  look(clock, 5000, 900'000, 1'000'000);
  EXPECT_LE(clock.error(), 27ns);
  EXPECT_EQ(clock.steps(), 0U);
}

TEST(KernelClock, NarrowsWhatItKnowsAndStaysRight) {
  Prng draws(7);
  KernelClock clock;
  Duration before = 1h;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    const auto length = static_cast<std::int64_t>(20 + draws.below(100));
    const auto into = static_cast<std::int64_t>(draws.below(static_cast<std::uint64_t>(length + 1)));
    // Each clock is rounded by itself.
    look(clock, i * 1000, into, length, kApart + static_cast<std::int64_t>(draws.below(2)));
    EXPECT_LE(clock.error(), before);
    before = clock.error();
    ASSERT_LE(std::chrono::abs(clock.monotonic({5'000'000 + kApart}) - at(5'000'000)), clock.error() + 1ns);
  }
  EXPECT_LE(clock.error(), 3ns);
  EXPECT_EQ(clock.steps(), 0U);
}

TEST(KernelClock, WorksWhereBothClocksBeganTogether) {
  KernelClock clock;
  look(clock, 1000, 30, 50, 0);
  look(clock, 2000, 30, 50, 0);
  EXPECT_EQ(clock.steps(), 0U);
  EXPECT_EQ(clock.steady_since(), at(1050));
  EXPECT_LE(std::chrono::abs(clock.monotonic({2000}) - at(2000)), clock.error());
}

TEST(KernelClock, FindsAStepEitherWay) {
  for (const std::int64_t step : {std::int64_t{1'000}, std::int64_t{-1'000}, std::int64_t{3'600'000'000'000},
                                  std::int64_t{-3'600'000'000'000}}) {
    KernelClock clock;
    look(clock, 1000, 30, 50);
    look(clock, 2000, 30, 50);
    EXPECT_EQ(clock.steady_since(), at(1050));
    look(clock, 3000, 30, 50, kApart + step);
    EXPECT_EQ(clock.steps(), 1U) << step;
    EXPECT_EQ(clock.steady_since(), at(3050));
    EXPECT_LE(std::chrono::abs(clock.monotonic({4000 + kApart + step}) - at(4000)), clock.error());
    look(clock, 4000, 30, 50, kApart + step);
    EXPECT_EQ(clock.steps(), 1U);
    EXPECT_EQ(clock.steady_since(), at(3050));
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
