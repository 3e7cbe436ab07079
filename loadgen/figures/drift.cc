#include "loadgen/figures/drift.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace httpdyno::loadgen {

namespace {

constexpr double kTwoSided99 = 2.576;
// The test looks at every pair: of a long run, neighbours are joined first.
constexpr std::size_t kPoints = 512;

double median(std::span<const std::int64_t> values) {
  std::vector<std::int64_t> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  const auto upper = static_cast<double>(sorted[half]);
  return sorted.size() % 2 == 1 ? upper : (static_cast<double>(sorted[half - 1]) + upper) / 2;
}

std::vector<double> points(std::span<const std::int64_t> values) {
  const std::size_t per_point = (values.size() + kPoints - 1) / kPoints;
  std::vector<double> out;
  for (std::size_t at = 0; at < values.size(); at += per_point) {
    out.push_back(median(values.subspan(at, std::min(per_point, values.size() - at))));
  }
  return out;
}

// The number of pairs that rise less those that fall is normal about 0 when there is no trend (M. G. Kendall,
// Rank Correlation Methods, 1948); ties make it smaller, so that the test errs towards "no trend".
bool has_trend(const std::vector<double>& points) {
  const auto n = static_cast<double>(points.size());
  double rising = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      rising += points[j] > points[i] ? 1 : points[j] < points[i] ? -1 : 0;
    }
  }
  const double deviation = std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  return std::abs(rising) - 1 > kTwoSided99 * deviation;
}

}  // namespace

std::optional<double> drift(std::span<const std::int64_t> values) {
  if (values.size() < kDriftValuesMin) return {};
  if (!has_trend(points(values))) return 0;
  const double first = median(values.first(values.size() / 2));
  const double second = median(values.last(values.size() / 2));
  return std::abs(second - first) / std::max(std::min(first, second), 1.0);
}

}  // namespace httpdyno::loadgen
