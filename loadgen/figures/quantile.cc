#include "loadgen/figures/quantile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "net/base/assert.h"

namespace httpdyno::loadgen {

namespace {

constexpr double kNormal = 1.96;  // leaves 2.5 % on either side
constexpr std::size_t kBatchesMin = 8;
// Where the sample is worth a D-th of its size, `high` needs D times, at most this many times, the effective
// values that suffice for independent ones.
constexpr double kScarcityMax = 4;

// Student's t that leaves 2.5 % on either side: from tables, and from 10 degrees on by the expansion about the
// normal (Abramowitz and Stegun 26.7.5), then right to four digits.
double student(double freedom) {
  constexpr std::array kTable = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262};
  if (freedom < 1) return std::numeric_limits<double>::infinity();
  const auto whole = static_cast<std::size_t>(std::min(freedom, 1e6));
  if (whole <= kTable.size()) return kTable[whole - 1];
  constexpr double z = kNormal;
  constexpr double z3 = z * z * z;
  constexpr double z5 = z3 * z * z;
  return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom);
}

struct Surplus {
  double factor = 0;       // the variance of the batches' shares over the binomial's
  double correlation = 0;  // of neighbouring batches, its bias of about -1 / batches removed
};

// The ratio estimator: batches need not be equally large.
Surplus surplus_of(const std::vector<Batches::Part>& parts) {
  double below = 0;
  double total = 0;
  for (const Batches::Part& part : parts) {
    below += static_cast<double>(part.below);
    total += static_cast<double>(part.total);
  }
  if (below <= 0 || below >= total) return {};
  const double share = below / total;
  double squares = 0;
  double products = 0;
  double previous = 0;
  for (const Batches::Part& part : parts) {
    const double difference = static_cast<double>(part.below) - share * static_cast<double>(part.total);
    squares += difference * difference;
    products += difference * previous;
    previous = difference;
  }
  if (squares <= 0) return {};
  const auto count = static_cast<double>(parts.size());
  return {squares * count / (count - 1) / (total * share * (1 - share)), products / squares + 1 / count};
}

std::vector<Batches::Part> pairs_of(const std::vector<Batches::Part>& parts) {
  std::vector<Batches::Part> pairs;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % 2 == 0) {
      pairs.push_back(parts[i]);
    } else {
      pairs.back().below += parts[i].below;
      pairs.back().total += parts[i].total;
    }
  }
  return pairs;
}

// What lies beyond the quantile, in effective values: a rank counted from the greatest one.
struct Ranks {
  double low = 0;
  double high = 0;
};

Ranks ranks_from_above(const Effective& effective, double t, double share) {
  const double beyond = effective.samples * (1 - share);
  const double middle = beyond + (2 * share - 1) * (t * t - 1) / 6 + 0.5;
  const double distance = t * std::sqrt(beyond * share);
  return {middle + distance, middle - distance};
}

struct Range {
  double lowest = 0;
  double highest = 0;
};

// The bucket of the value of a rank, from 1 for the least one; between two ranks, in proportion.
Range bucket_of_rank(const Histogram& values, double rank) {
  const double whole = std::floor(rank);
  std::int64_t seen = 0;
  Range at;
  Range next;
  values.each_recorded([&](std::int64_t lowest, std::int64_t highest, std::int64_t count) {
    const auto before = static_cast<double>(seen);
    seen += count;
    if (before > whole) return;
    const bool beyond = values.overflow() != 0 && highest >= Histogram::kHighest;
    next = {static_cast<double>(std::max(lowest, values.min())),
            static_cast<double>(beyond ? values.max() : std::min(highest, values.max()))};
    if (before < whole) at = next;
  });
  return {std::lerp(at.lowest, next.lowest, rank - whole), std::lerp(at.highest, next.highest, rank - whole)};
}

double rank_of(const Latency& latency, const Effective& effective, double from_above) {
  const auto total = static_cast<double>(latency.values().total());
  return std::clamp((1 - from_above / (effective.samples + 1)) * (total + 1), 1.0, total);
}

// Where the percentile's share itself lies within one heavy cell, the nearer one of the cell's two edges says
// more: with all values in it, the upper one says nothing.
std::size_t edge_of(const Latency& latency, std::int64_t value, double share) {
  const std::size_t cell = Batches::cell_of(value);
  std::int64_t below = 0;
  std::int64_t within = 0;
  latency.values().each_recorded([&](std::int64_t lowest, std::int64_t, std::int64_t count) {
    const std::size_t at = Batches::cell_of(lowest);
    if (at < cell) below += count;
    if (at == cell) within += count;
  });
  const double total = std::max(1.0, static_cast<double>(latency.values().total()));
  const double without = static_cast<double>(below) / total;
  const double with = static_cast<double>(below + within) / total;
  return cell > 0 && share - without < with - share ? cell - 1 : cell;
}

}  // namespace

Effective effective_samples(const Batches& batches, std::size_t last) {
  std::vector<Batches::Part> parts = batches.parts(last);
  const auto total = static_cast<double>(batches.total());
  if (parts.size() < 2) return {total, 0};
  Surplus surplus = surplus_of(parts);
  while (parts.size() >= 2 * kBatchesMin &&
         surplus.correlation > 1 / std::sqrt(static_cast<double>(parts.size()))) {
    parts = pairs_of(parts);
    surplus = surplus_of(parts);
  }
  const auto freedom = static_cast<double>(parts.size() - 1);
  // Few batches would overlook much.
  const bool independent = surplus.factor <= 1 + std::sqrt(2 / freedom) && parts.size() >= kBatchesMin;
  if (independent) return {total, std::numeric_limits<double>::infinity()};
  return {total / std::max(1.0, surplus.factor), freedom};
}

Quantile quantile(const Latency& latency, const Effective& effective, double percent) {
  const double share = percent / 100;
  Quantile result;
  result.percent = percent;
  const auto enough = [&](double samples, double t) {
    return samples * (1 - share) >= t * t * share && samples * share >= t * t * (1 - share);
  };
  const auto suffices = [&](double t) { return enough(effective.samples, t); };
  const auto total = static_cast<double>(latency.values().total());
  result.enough = total != 0 && enough(total, kNormal);
  if (!result.enough) return result;
  result.value = latency.values().percentile(percent);
  result.at_least = latency.is_bound(result.value);

  const double t = student(effective.freedom);
  if (!suffices(t)) return result;
  const Ranks ranks = ranks_from_above(effective, t, share);
  const Range low = bucket_of_rank(latency.values(), rank_of(latency, effective, ranks.low));
  result.low = static_cast<std::int64_t>(low.lowest);

  const double factor = total / effective.samples;
  if (!suffices(t * std::sqrt(std::min(factor, kScarcityMax)))) return result;
  const Range high = bucket_of_rank(latency.values(), rank_of(latency, effective, ranks.high));
  const auto highest = static_cast<std::int64_t>(std::ceil(high.highest));
  if (!latency.is_bound(highest)) result.high = highest;
  return result;
}

Quantile quantile(const Latency& latency, const Batches& batches, double percent) {
  DASSERT(batches.total() == latency.values().total());
  const std::int64_t value = latency.values().percentile(percent);
  const Effective at_value = effective_samples(batches, edge_of(latency, value, percent / 100));
  Quantile result = quantile(latency, at_value, percent);
  if (!result.low) return result;
  const Effective at_low = effective_samples(batches, Batches::cell_of(*result.low));
  if (at_low.samples < at_value.samples) result.high = quantile(latency, at_low, percent).high;
  return result;
}

}  // namespace httpdyno::loadgen
