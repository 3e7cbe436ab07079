#include "loadgen/figures/histogram.h"

#include <algorithm>
#include <cmath>

namespace httpdyno::loadgen {

static_assert(Histogram::kBuckets == 32);
static_assert(Histogram::kCounts == 33 * 1024);
static_assert(Histogram::index_of(Histogram::kHighest) < Histogram::kCounts);
static_assert(Histogram::index_of(2047) == 2047 && Histogram::index_of(2048) == 2048 &&
              Histogram::index_of(2049) == 2048 && Histogram::index_of(2050) == 2049);
static_assert(Histogram::lowest_at(2048) == 2048 && Histogram::highest_at(2048) == 2049);

void Histogram::merge(const Histogram& other) {
  const Used used = other.used();
  for (std::size_t i = used.begin; i < used.end; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
  overflow_ += other.overflow_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

void Histogram::clear() {
  const Used used = this->used();
  std::fill(counts_.begin() + static_cast<std::ptrdiff_t>(used.begin),
            counts_.begin() + static_cast<std::ptrdiff_t>(used.end), 0);
  total_ = 0;
  overflow_ = 0;
  min_ = std::numeric_limits<std::int64_t>::max();
  max_ = 0;
  sum_ = 0;
}

double Histogram::mean() const {
  return total_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(total_);
}

std::int64_t Histogram::percentile(double percent) const {
  if (total_ == 0) return 0;
  // One ulp less, so that a share that should be whole is not rounded up to the next value: as HdrHistogram
  // does.
  const double wanted = std::clamp(std::nextafter(percent, -1.0), 0.0, 100.0);
  const auto rank = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(wanted / 100.0 * static_cast<double>(total_))));
  std::int64_t seen = 0;
  const Used used = this->used();
  for (std::size_t i = used.begin; i < used.end; ++i) {
    seen += counts_[i];
    if (seen >= rank) return overflow_ != 0 && i == index_of(kHighest) ? max_ : std::min(highest_at(i), max_);
  }
  return max_;
}

}  // namespace httpdyno::loadgen
