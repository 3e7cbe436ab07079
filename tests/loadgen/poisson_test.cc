// Whether the gaps of a Poisson schedule are what they should be: exponential, independent, and so many. Each
// test is made for fifty fixed seeds; chance alone rejects the share that its level says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "loadgen/work/schedule.h"
#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

constexpr Time kBegin = Time(1000s);
constexpr std::uint64_t kSeeds = 50;
constexpr Rate kRate = Rate::of(20'000);
constexpr double kMeanGapNs = 50'000;

// Of all threads together, in ns since kBegin, in ascending order.
std::vector<double> due_times(const Arrivals& arrivals, Duration length, std::uint32_t threads) {
  std::vector<double> due;
  for (std::uint32_t i = 0; i < threads; ++i) {
    Schedule schedule(arrivals, kBegin, kBegin + length, i, threads);
    for (; schedule.due() != kNever; schedule.advance()) {
      due.push_back(static_cast<double>((schedule.due() - kBegin).count()));
    }
  }
  std::sort(due.begin(), due.end());
  return due;
}

std::vector<double> poisson(std::uint64_t seed, Duration length, std::uint32_t threads = 1) {
  return due_times({.kind = Arrivals::Kind::poisson, .rate = kRate, .rate_to = {}, .seed = seed}, length,
                   threads);
}

std::vector<double> gaps(const std::vector<double>& due) {
  std::vector<double> out(due.size());
  std::adjacent_difference(due.begin(), due.end(), out.begin());  // the first is since the beginning
  return out;
}

// Anderson and Darling's A^2 against the exponential distribution of a mean known beforehand; 3.857 is
// exceeded by chance once in a hundred times (Stephens 1974, no parameter estimated).
constexpr double kAndersonDarling1Percent = 3.857;
double anderson_darling(std::vector<double> values, double mean) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    // ln F of the i-th lowest, and ln(1 - F) = -x / mean of the i-th highest. A gap of less than a nanosecond
    // was cut to none: take it for half of one.
    const double low = std::max(values[i], 0.5) / mean;
    const double high = values[n - 1 - i] / mean;
    sum += (2 * static_cast<double>(i) + 1) * (std::log(-std::expm1(-low)) - high);
  }
  return -static_cast<double>(n) - sum / static_cast<double>(n);
}

double lag_1_autocorrelation(const std::vector<double>& values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    variance += (values[i] - mean) * (values[i] - mean);
    if (i > 0) covariance += (values[i] - mean) * (values[i - 1] - mean);
  }
  return covariance / variance;
}

// Variance over mean of the counts in windows of 10 ms: 1 for Poisson, 0 for a constant rate.
double dispersion(const std::vector<double>& due, Duration length) {
  std::vector<double> counts(static_cast<std::size_t>(length / 10ms));
  for (const double time : due) counts[static_cast<std::size_t>(time / 1e7)] += 1;
  const auto n = static_cast<double>(counts.size());
  const double mean = std::accumulate(counts.begin(), counts.end(), 0.0) / n;
  double squares = 0;
  for (const double count : counts) squares += (count - mean) * (count - mean);
  return squares / (n - 1) / mean;
}

TEST(PoissonSchedule, HasExponentialGaps) {
  for (const std::uint32_t threads : {1U, 2U, 7U}) {
    int rejected = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const double statistic = anderson_darling(gaps(poisson(seed, 500ms, threads)), kMeanGapNs);
      rejected += statistic > kAndersonDarling1Percent ? 1 : 0;
    }
    EXPECT_LE(rejected, 3) << "of " << kSeeds << " at a level of 1 %, " << threads << " threads";
  }
}

TEST(PoissonSchedule, IsToldFromOthersByTheSameTest) {
  // A mean gap that is 5 % off, and a constant rate.
  EXPECT_GT(anderson_darling(gaps(poisson(1, 500ms)), 1.05 * kMeanGapNs), kAndersonDarling1Percent);
  const Arrivals even = {.kind = Arrivals::Kind::constant, .rate = kRate, .rate_to = {}};
  EXPECT_GT(anderson_darling(gaps(due_times(even, 500ms, 1)), kMeanGapNs), kAndersonDarling1Percent);
}

TEST(PoissonSchedule, HasIndependentGaps) {
  for (const std::uint32_t threads : {1U, 4U}) {
    int rejected = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const std::vector<double> values = gaps(poisson(seed, 500ms, threads));
      const double bound = 2 / std::sqrt(static_cast<double>(values.size()));
      rejected += std::abs(lag_1_autocorrelation(values)) >= bound ? 1 : 0;
    }
    EXPECT_LE(rejected, 7) << "of " << kSeeds << " at a level of 4.6 %";
  }
}

TEST(PoissonSchedule, HasCountsAsDispersedAsTheyAreMany) {
  constexpr Duration kLength = 30s;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const double found = dispersion(poisson(seed, kLength, 2), kLength);
    EXPECT_GE(found, 0.9) << seed;
    EXPECT_LE(found, 1.1) << seed;
  }
}

TEST(PoissonSchedule, HasTheNumberOfItsRate) {
  int beyond = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const double wanted = kRate.per_second() / 2;
    const auto found = static_cast<double>(poisson(seed, 500ms, 3).size());
    beyond += std::abs(found - wanted) > 3 * std::sqrt(wanted) ? 1 : 0;
  }
  EXPECT_LE(beyond, 1) << "of " << kSeeds << " outside three standard deviations";
}

TEST(PoissonSchedule, IsRepeatedByItsSeedAndByNoOther) {
  EXPECT_EQ(poisson(7, 100ms, 3), poisson(7, 100ms, 3));
  EXPECT_NE(poisson(7, 100ms, 3), poisson(8, 100ms, 3));
  std::set<double> first;
  for (std::uint32_t thread = 0; thread < 256; ++thread) {
    const Arrivals arrivals = {.kind = Arrivals::Kind::poisson, .rate = kRate, .rate_to = {}, .seed = 7};
    const Schedule schedule(arrivals, kBegin, kNever, thread, 256);
    first.insert(static_cast<double>((schedule.due() - kBegin).count()));
  }
  EXPECT_EQ(first.size(), 256U) << "each thread has draws of its own";
}

// What keeps the streams of the threads apart.
TEST(Prng, SkipsWhatItWouldHaveDrawn) {
  Prng drawn(5);
  Prng skipped(5);
  for (int i = 0; i < 1000; ++i) drawn.next();
  skipped.skip(1000);
  EXPECT_EQ(drawn.next(), skipped.next());
}

// The sum of a million gaps, exactly as if each had been added in more digits than due times have.
TEST(PoissonSchedule, DoesNotDriftAgainstTheSumOfItsGaps) {
  const Arrivals fast = {.kind = Arrivals::Kind::poisson, .rate = Rate::of(5'000'000), .rate_to = {}};
  // The same draws at a rate that is a million times lower: gaps of 0.2 s, where a cut to whole ns does not
  // matter.
  const Arrivals slow = {.kind = Arrivals::Kind::poisson, .rate = Rate::of(5), .rate_to = {}};
  Schedule narrow(fast, kBegin, kNever, 0, 1);
  Schedule wide(slow, kBegin, kNever, 0, 1);
  for (int i = 0; i < 1'000'000; ++i) {
    narrow.advance();
    wide.advance();
  }
  const auto narrow_ns = static_cast<double>((narrow.due() - kBegin).count());
  const auto wide_ns = static_cast<double>((wide.due() - kBegin).count());
  EXPECT_NEAR(narrow_ns, wide_ns / 1e6, 1.0);
}

}  // namespace
}  // namespace httpdyno::loadgen
