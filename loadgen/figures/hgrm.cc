#include "loadgen/figures/hgrm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string_view>

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

// As Java's "%.3f": it rounds the shortest decimal that stands for the value, a half upwards; C rounds the
// binary value, and so a half that has no exact binary form may go down. Not for negative values.
std::string rounded(double value, std::size_t decimals) {
  std::array<char, 400> buffer{};  // the greatest double has 309 digits
  const char* const end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed).ptr;
  std::string text(std::string_view(buffer.data(), static_cast<std::size_t>(end - buffer.data())));
  if (text.find('.') == std::string::npos) text += '.';
  const std::size_t wanted = text.find('.') + 1 + decimals;
  const bool up = text.size() > wanted && text[wanted] >= '5';
  text.resize(wanted, '0');
  if (!up) return text;
  for (std::size_t at = wanted; at-- > 0;) {
    if (text[at] == '.') continue;
    if (text[at] != '9') {
      ++text[at];
      return text;
    }
    text[at] = '0';
  }
  return "1" + text;
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
      fmt::format_to(out, "{:>12} {} {:10d} {:>14}\n", rounded(static_cast<double>(highest) / unit, 3),
                     rounded(level / 100.0, 12), seen, rounded(1 / (1.0 - level / 100.0), 2));
      level += step_from(level, ticks);
      if (seen == histogram.total()) break;
    }
  });
  if (histogram.total() != 0) {
    fmt::format_to(out, "{:>12} {} {:10d}\n", rounded(static_cast<double>(last) / unit, 3), rounded(1.0, 12),
                   seen);
  }

  const Moments moments = moments_of(histogram);
  const std::int64_t max =
      histogram.total() == 0
          ? 0
          : Histogram::highest_at(Histogram::index_of(std::min(histogram.max(), Histogram::kHighest)));
  fmt::format_to(out, "#[Mean    = {:>12}, StdDeviation   = {:>12}]\n", rounded(moments.mean / unit, 3),
                 rounded(moments.deviation / unit, 3));
  fmt::format_to(out, "#[Max     = {:>12}, Total count    = {:12d}]\n",
                 rounded(static_cast<double>(max) / unit, 3), histogram.total());
  fmt::format_to(out, "#[Buckets = {:12d}, SubBuckets     = {:12d}]\n", Histogram::kBuckets,
                 Histogram::kSubBuckets);
  return text;
}

}  // namespace httpdyno::loadgen
