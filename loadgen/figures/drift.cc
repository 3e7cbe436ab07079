#include "loadgen/figures/drift.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace httpdyno::loadgen {

namespace {

constexpr std::size_t kPointsMax = 120;
constexpr double kDeviationOfNormal = 1.4826;  // standard deviations in a median absolute deviation
constexpr double kMedianOverMean = 1.2533;     // of their standard errors, for a normal sample
constexpr double kCorrelationMax = 0.95;

// How many standard errors are no chance: more of a short series, whose noise and correlation are hardly known.
// By simulation: below 1 % false alarms of series that forget within four values.
double standard_errors(double count) { return 4 + 90 / count; }

// Takes a copy: order is lost.
double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

// The tests look at every pair, or sort: of a long run, neighbours are put together first.
std::vector<double> points_of(std::span<const std::int64_t> series) {
  const std::vector<double> values(series.begin(), series.end());
  const std::size_t group = (values.size() + kPointsMax - 1) / kPointsMax;
  if (group <= 1) return values;
  std::vector<double> points;
  for (std::size_t i = 0; i + group <= values.size(); i += group) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(i);
    points.push_back(median_of({from, from + static_cast<std::ptrdiff_t>(group)}));
  }
  return points;
}

double slope_of(const std::vector<double>& values) {
  std::vector<double> slopes;
  slopes.reserve(values.size() * (values.size() - 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t k = i + 1; k < values.size(); ++k) {
      slopes.push_back((values[k] - values[i]) / static_cast<double>(k - i));
    }
  }
  return median_of(std::move(slopes));
}

// What an estimate from these residuals would have to be divided by, were they independent with deviation 1.
double noise_of(const std::vector<double>& residuals) {
  std::vector<double> sizes = residuals;
  for (double& each : sizes) each = std::abs(each);
  const double deviation = kDeviationOfNormal * median_of(std::move(sizes));
  if (deviation == 0) return 0;
  double squares = 0;
  double products = 0;
  double previous = 0;
  for (double each : residuals) {
    // A stall that is cut cannot make the rest look independent.
    const double cut = std::clamp(each, -3 * deviation, 3 * deviation);
    squares += cut * cut;
    products += cut * previous;
    previous = cut;
  }
  // Two parameters were fitted: without this correction the estimate is too low by about (2 + 4 r) / n.
  const auto count = static_cast<double>(residuals.size());
  const double correlation = std::clamp((count * products / squares + 2) / (count - 4), 0.0, kCorrelationMax);
  return deviation * std::sqrt((1 + correlation) / (1 - correlation));
}

// What moved, and how surely: both in the values' own unit.
struct Move {
  double size = 0;
  double standard_error = 0;
};

// From the first to the last point of a straight line through them.
Move trend_of(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  const double slope = slope_of(values);
  std::vector<double> residuals = values;
  for (std::size_t i = 0; i < residuals.size(); ++i) residuals[i] -= slope * static_cast<double>(i);
  const double base = median_of(residuals);
  for (double& each : residuals) each -= base;
  // The slope's standard error is the deviation over the root of the sum of squared times about their mean.
  const double slope_error = noise_of(residuals) / std::sqrt(count * (count * count - 1) / 12);
  return {slope * (count - 1), slope_error * (count - 1)};
}

// From the first half to the second.
Move step_of(const std::vector<double>& values) {
  const auto half = static_cast<std::ptrdiff_t>(values.size() / 2);
  const double first = median_of({values.begin(), values.begin() + half});
  const double second = median_of({values.begin() + half, values.end()});
  std::vector<double> residuals = values;
  for (std::size_t i = 0; i < residuals.size(); ++i) residuals[i] -= i < values.size() / 2 ? first : second;
  const double error =
      noise_of(residuals) * kMedianOverMean * std::sqrt(4 / static_cast<double>(values.size()));
  return {second - first, error};
}

}  // namespace

std::optional<double> drift(std::span<const std::int64_t> values) {
  if (values.size() < kDriftValuesMin) return {};
  const std::vector<double> points = points_of(values);
  const double level = std::max(median_of(points), 1.0);
  double greatest = 0;
  for (const Move& move : {trend_of(points), step_of(points)}) {
    const double limit = standard_errors(static_cast<double>(points.size())) * move.standard_error;
    if (std::abs(move.size) > limit) greatest = std::max(greatest, std::abs(move.size) / level);
  }
  return greatest;
}

}  // namespace httpdyno::loadgen
