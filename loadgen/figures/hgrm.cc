#include "loadgen/figures/hgrm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace httpdyno::loadgen {

namespace {

// The middle of what a bucket cannot tell apart: AbstractHistogram.medianEquivalentValue.
double middle(std::int64_t lowest, std::int64_t highest) {
  return static_cast<double>(lowest + ((highest - lowest + 1) >> 1));
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments moments_of(const Histogram& histogram) {
  if (histogram.total() == 0) return {};
  const auto total = static_cast<double>(histogram.total());
  double sum = 0;
  histogram.each_recorded([&](std::int64_t lowest, std::int64_t highest, std::int64_t count) {
    sum += middle(lowest, highest) * static_cast<double>(count);
  });
  const double mean = sum / total;
  double squares = 0;
  histogram.each_recorded([&](std::int64_t lowest, std::int64_t highest, std::int64_t count) {
    const double distance = middle(lowest, highest) - mean;
    squares += distance * distance * static_cast<double>(count);
  });
  return {mean, std::sqrt(squares / total)};
}

// The step to the next reporting level: a fixed number of ticks within each half of the way to 100 %, as
// PercentileIterator.incrementIterationLevel computes it.
double step_from(double level, int ticks) {
  const auto halvings = static_cast<long>(std::log(100.0 / (100.0 - level)) / std::log(2.0)) + 1;
  return 100.0 / (ticks * std::pow(2.0, static_cast<double>(halvings)));
}

}  // namespace

std::string percentile_distribution(const Histogram& histogram, double unit, int ticks) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount",
                 "1/(1-Percentile)");

  const auto total = static_cast<double>(histogram.total());
  double level = 0;
  std::int64_t seen = 0;
  std::int64_t last = 0;
  histogram.each_recorded([&](std::int64_t, std::int64_t highest, std::int64_t count) {
    seen += count;
    last = highest;
    // The last bucket reaches every level there is; its line without a fourth column follows below.
    const double reached = 100.0 * static_cast<double>(seen) / total;
    while (reached >= level) {
      fmt::format_to(out, "{:12.3f} {:2.12f} {:10d} {:14.2f}\n", static_cast<double>(highest) / unit,
                     level / 100.0, seen, 1 / (1.0 - level / 100.0));
      level += step_from(level, ticks);
      if (seen == histogram.total()) break;
    }
  });
  if (histogram.total() != 0) {
    fmt::format_to(out, "{:12.3f} {:2.12f} {:10d}\n", static_cast<double>(last) / unit, 1.0, seen);
  }

  const Moments moments = moments_of(histogram);
  const std::int64_t max =
      histogram.total() == 0
          ? 0
          : Histogram::highest_at(Histogram::index_of(std::min(histogram.max(), Histogram::kHighest)));
  fmt::format_to(out, "#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", moments.mean / unit,
                 moments.deviation / unit);
  fmt::format_to(out, "#[Max     = {:12.3f}, Total count    = {:12d}]\n", static_cast<double>(max) / unit,
                 histogram.total());
  fmt::format_to(out, "#[Buckets = {:12d}, SubBuckets     = {:12d}]\n", Histogram::kBuckets,
                 Histogram::kSubBuckets);
  return text;
}

}  // namespace httpdyno::loadgen
