// A latency histogram in the layout of HdrHistogram: relative error below 0.1 % over twelve orders of
// magnitude, O(1). Invariant: total() is the sum of all counts; min() and max() are exact, and both lie in a
// bucket that is not empty.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "net/base/assert.h"

namespace httpdyno::loadgen {

// Values are nanoseconds by convention; nothing here depends on it. Layout (HdrHistogram by Gil Tene, 3
// significant digits, lowest discernible value 1): bucket 0 holds 0 to 2047 one by one, each further bucket
// doubles the range and halves the resolution with 1024 sub-buckets. Written by one thread; read by others
// only when that one is done.
class Histogram {
 public:
  static constexpr int kDigits = 3;
  static constexpr std::int64_t kLowest = 1;
  static constexpr std::int64_t kHighest = 3'600'000'000'000;  // an hour in ns
  static constexpr int kSubBucketHalfMagnitude = 10;
  static constexpr std::int64_t kSubBuckets = std::int64_t{2} << kSubBucketHalfMagnitude;
  static constexpr std::int64_t kSubBucketHalf = kSubBuckets / 2;

  // Buckets double from kSubBuckets until they reach kHighest; each has half of the sub-buckets to itself,
  // the first has all of them.
  static constexpr int kBuckets = 1 + std::bit_width(static_cast<std::uint64_t>(kHighest / kSubBuckets));
  static constexpr std::size_t kCounts = static_cast<std::size_t>((kBuckets + 1) * kSubBucketHalf);

  Histogram() : counts_(kCounts, 0) {}

  // A value beyond kHighest is counted there and as an overflow, never dropped; max() and mean() stay exact.
  // A negative value is a bug of the caller.
  void record(std::int64_t value) {
    DASSERT(value >= 0);
    if (value < min_) min_ = value;
    if (value > max_) max_ = value;
    sum_ += static_cast<Wide>(value);
    ++total_;
    if (value > kHighest) [[unlikely]] {
      ++overflow_;
      value = kHighest;
    }
    ++counts_[index_of(value)];
  }
  // `count` values, at least one, of which only the bucket is known, as a file has them: min() and max() are the
  // bucket's ends then, and mean() takes its middle. Only indices that index_of() gives.
  void record_bucket(std::size_t index, std::int64_t count) {
    DASSERT(count > 0 && index <= index_of(kHighest));
    min_ = std::min(min_, lowest_at(index));
    max_ = std::max(max_, highest_at(index));
    sum_ += static_cast<Wide>(middle_at(index)) * static_cast<Wide>(count);
    total_ += count;
    counts_[index] += count;
  }

  // Adds the other's counts: exactly what recording its values here would have given. Costs what lies between
  // the other's least and greatest value, not the whole range: small ones are merged all the time.
  void merge(const Histogram& other);
  // As newly made; costs what lies between the least and the greatest value.
  void clear();

  std::int64_t total() const { return total_; }
  std::int64_t overflow() const { return overflow_; }
  std::int64_t min() const { return total_ == 0 ? 0 : min_; }
  std::int64_t max() const { return max_; }
  // Of the values themselves, not of their buckets; 0 when empty.
  double mean() const;
  // The value below or at which `percent` (0 to 100) of all values lie: the highest value that its bucket
  // cannot tell from it, as HdrHistogram's getValueAtPercentile, but never above max(). 0 when empty.
  std::int64_t percentile(double percent) const;

  // Calls visit(lowest, highest, count) for each bucket that is not empty, in ascending order; a bucket
  // cannot tell the values from lowest to highest apart.
  template <class Visit>
  void each_recorded(Visit visit) const {
    const Used used = this->used();
    for (std::size_t i = used.begin; i < used.end; ++i) {
      if (counts_[i] != 0) visit(lowest_at(i), highest_at(i), counts_[i]);
    }
  }
  std::int64_t count_at(std::size_t index) const { return counts_[index]; }

  // Which count a value of at most kHighest belongs to, and the range of values that share it.
  static constexpr std::size_t index_of(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    const int bucket = 63 - std::countl_zero(bits | (kSubBuckets - 1)) - kSubBucketHalfMagnitude;
    return (static_cast<std::size_t>(bucket) << kSubBucketHalfMagnitude) +
           static_cast<std::size_t>(bits >> bucket);
  }
  static constexpr std::int64_t lowest_at(std::size_t index) {
    const std::size_t bucket = bucket_at(index);
    return static_cast<std::int64_t>((index - (bucket << kSubBucketHalfMagnitude)) << bucket);
  }
  static constexpr std::int64_t highest_at(std::size_t index) {
    return lowest_at(index) + (std::int64_t{1} << bucket_at(index)) - 1;
  }
  // What HdrHistogram takes a bucket's values for.
  static constexpr std::int64_t middle_at(std::size_t index) {
    return lowest_at(index) + (std::int64_t{1} << bucket_at(index) >> 1);
  }

 private:
  __extension__ using Wide = unsigned __int128;

  // Outside of it all counts are 0.
  struct Used {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Used used() const {
    if (total_ == 0) return {};
    return {index_of(std::min(min_, kHighest)), index_of(std::min(max_, kHighest)) + 1};
  }

  // Bucket 0 has both of its halves, all others only the upper one.
  static constexpr std::size_t bucket_at(std::size_t index) {
    return index < static_cast<std::size_t>(kSubBuckets) ? 0 : (index >> kSubBucketHalfMagnitude) - 1;
  }

  std::vector<std::int64_t> counts_;
  std::int64_t total_ = 0;
  std::int64_t overflow_ = 0;
  std::int64_t min_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_ = 0;
  Wide sum_ = 0;
};

}  // namespace httpdyno::loadgen
