// Schedules against their definitions: the arithmetic series, the integral of a ramp, and what chance alone
// does to a Poisson process.
#include "loadgen/work/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace httpdyno::loadgen {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr Time kBegin = Time(5000s + 7ns);

Arrivals constant(Rate rate) { return {.kind = Arrivals::Kind::constant, .rate = rate, .rate_to = {}}; }
Arrivals poisson(Rate rate, std::uint64_t seed) {
  return {.kind = Arrivals::Kind::poisson, .rate = rate, .rate_to = {}, .seed = seed};
}
Arrivals ramp(Rate from, Rate to) { return {.kind = Arrivals::Kind::ramp, .rate = from, .rate_to = to}; }

// In ns since kBegin.
using DueTimes = std::vector<std::int64_t>;

void append_due(const Arrivals& arrivals, Duration length, std::uint32_t thread, std::uint32_t threads,
                DueTimes& out) {
  Schedule schedule(arrivals, kBegin, kBegin + length, thread, threads);
  std::uint64_t taken = 0;
  for (; schedule.due() != kNever; schedule.advance()) {
    ASSERT_EQ(schedule.taken(), taken++);
    ASSERT_LT(schedule.due(), kBegin + length);
    out.push_back((schedule.due() - kBegin).count());
  }
  ASSERT_EQ(schedule.taken(), taken);
}

DueTimes due_times(const Arrivals& arrivals, Duration length, std::uint32_t threads) {
  DueTimes all;
  for (std::uint32_t i = 0; i < threads; ++i) append_due(arrivals, length, i, threads, all);
  std::sort(all.begin(), all.end());
  return all;
}

std::int64_t due_ns(std::uint64_t k, Rate rate) {
  return static_cast<std::int64_t>(Wide{k} * 1'000'000'000'000'000 / rate.micro);
}

std::uint64_t count_before(const DueTimes& due, Duration time) {
  return static_cast<std::uint64_t>(std::lower_bound(due.begin(), due.end(), time.count()) - due.begin());
}

TEST(Schedule, OfAClosedLoopIsEmpty) {
  const Schedule schedule(Arrivals{}, kBegin, kBegin + 1h, 0, 1);
  EXPECT_EQ(schedule.due(), kNever);
}

TEST(Schedule, OfNoLengthIsEmpty) {
  for (const Arrivals& arrivals : {constant(kRateMax), poisson(kRateMax, 1), ramp(kRateMax, Rate::of(1))}) {
    const Schedule schedule(arrivals, kBegin, kBegin, 0, 1);
    EXPECT_EQ(schedule.due(), kNever);
  }
}

TEST(ConstantSchedule, IsTheArithmeticSeriesForEveryNumberOfThreads) {
  const Rate kRates[] = {Rate::of(1),   Rate::of(3),     Rate::of(7'777), Rate::of(20'000),
                         {333'333'333}, {1'999'999'999}, {10'000'000'001}};
  for (const Rate rate : kRates) {
    // Ends at a due time, which is then not part of it, for the whole numbers.
    const Duration length = rate.micro <= Rate::of(10).micro ? 1000s : 2s;
    DueTimes series;
    for (std::uint64_t k = 0; due_ns(k, rate) < length.count(); ++k) series.push_back(due_ns(k, rate));
    for (const std::uint32_t threads : {1U, 2U, 3U, 4U, 5U, 7U, 8U, 13U, 16U, 61U, 64U, 255U, 256U}) {
      ASSERT_EQ(due_times(constant(rate), length, threads), series) << rate.micro << " " << threads;
    }
  }
}

TEST(ConstantSchedule, HasTheNumberOfItsRateInEveryWindow) {
  const Rate rate{12'345'678'901};
  const DueTimes due = due_times(constant(rate), 3s, 4);
  for (Duration from{}; from < 2s; from += 37'654'321ns) {
    for (const Duration length : {1ms, 10ms, 1000ms}) {
      const auto found = static_cast<double>(count_before(due, from + length) - count_before(due, from));
      const double wanted = rate.per_second() * std::chrono::duration<double>(length).count();
      ASSERT_LE(std::abs(found - wanted), 1) << from.count();
    }
  }
}

// The stride of a thousand million threads reaches request 10^12 in a thousand steps, by the same additions.
TEST(ConstantSchedule, HasNoDriftAfterATrillionRequests) {
  constexpr std::uint32_t kThreads = 1'000'000'000;
  for (const Rate rate : {Rate::of(1'000'000), Rate{333'333'333'333}, Rate{999'999'999'989}}) {
    for (const std::uint32_t thread : {0U, 1U, 999'999'999U}) {
      Schedule schedule(constant(rate), kBegin, kNever, thread, kThreads);
      std::uint64_t k = thread;
      for (; k <= 1'000'000'000'000; k += kThreads) {
        ASSERT_EQ((schedule.due() - kBegin).count(), due_ns(k, rate)) << k;
        schedule.advance();
      }
      EXPECT_GT(k, 1'000'000'000'000U);
    }
  }
}

TEST(ConstantSchedule, TakesTheSlowestAndTheFastestRate) {
  // The second request of the slowest rate is due after eleven days, its last thread's first one after eight
  // years; 300 years is more than a Time can say.
  const Rate slowest{1};
  EXPECT_EQ(due_times(constant(slowest), Duration(24h) * 11, 2), DueTimes{0});
  Schedule last(constant(slowest), kBegin, kNever, 255, 256);
  EXPECT_EQ((last.due() - kBegin).count(), due_ns(255, slowest));
  EXPECT_EQ(Schedule(constant(slowest), kBegin, kNever, 4'000'000'000, 4'000'000'001).due(), kNever);
  last.advance();
  for (int i = 0; i < 60 && last.due() != kNever; ++i) last.advance();
  EXPECT_EQ(last.due(), kNever);
  EXPECT_EQ(due_times(constant(kRateMax), 1ms, 3).size(), 100'000U);
}

TEST(RampSchedule, HasTheIntegralOfItsRate) {
  struct Case {
    double from;
    double to;
  };
  constexpr Duration kLength = 4s;
  for (const auto& [from, to] :
       {Case{1000, 9000}, Case{9000, 1000}, Case{1, 20'000}, Case{500, 500.000001}}) {
    const Arrivals arrivals = ramp({static_cast<std::uint64_t>(std::llround(from * 1e6))},
                                   {static_cast<std::uint64_t>(std::llround(to * 1e6))});
    const DueTimes due = due_times(arrivals, kLength, 1);
    const auto integral = [&](double t) { return from * t + (to - from) / 4 * t * t / 2; };
    for (double t = 0; t <= 4; t += 0.1) {
      const auto counted = static_cast<double>(count_before(due, Duration(std::llround(t * 1e9))));
      ASSERT_LE(std::abs(counted - integral(t)), 1) << from << " to " << to << " until " << t;
    }
    ASSERT_LE(std::abs(static_cast<double>(due.size()) - (from + to) / 2 * 4), 1);
    for (std::size_t k = 0; k < due.size(); ++k) {
      // Half a nanosecond's worth at the higher rate, and the last digits of the sum.
      ASSERT_NEAR(integral(static_cast<double>(due[k]) / 1e9), static_cast<double>(k), 1.2e-5) << k;
    }
    for (const std::uint32_t threads : {2U, 3U, 8U}) ASSERT_EQ(due_times(arrivals, kLength, threads), due);
  }
}

TEST(RampSchedule, BetweenEqualRatesIsConstant) {
  const DueTimes ramped = due_times(ramp(Rate::of(3000), Rate::of(3000)), 1s, 1);
  const DueTimes even = due_times(constant(Rate::of(3000)), 1s, 1);
  ASSERT_EQ(ramped.size(), even.size());
  for (std::size_t k = 0; k < even.size(); ++k) ASSERT_LE(ramped[k] - even[k], 1);
}

}  // namespace
}  // namespace httpdyno::loadgen
