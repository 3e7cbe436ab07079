// A run's latencies by time in a bounded number of batches, however long it lasts: how much its parts differ
// says how far its values depend on each other (quantile.h). Invariant: the batches together hold exactly
// what was added, each of them the same number of ticks but the last, which may hold fewer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "loadgen/figures/histogram.h"

namespace httpdyno::loadgen {

class Batches {
 public:
  // When there would be more, neighbours are merged in pairs: from then on there are kMax / 2 to kMax.
  static constexpr std::size_t kMax = 64;

  // Batches tell values apart by cells: a histogram's own buckets where those are 1 wide, eight of them beyond, less
  // than 0.8 % of the value. How much batches differ is no finer figure, and the memory of a long run is no longer
  // that of every bucket which a rare value ever came to.
  static constexpr std::size_t cell_of(std::int64_t value) {
    const std::size_t index = Histogram::index_of(value < Histogram::kHighest ? value : Histogram::kHighest);
    return index < kFineCells ? index : kFineCells + (index - kFineCells) / kBucketsPerCell;
  }

  // How much of a batch lies in the cells up to one.
  struct Part {
    std::int64_t below = 0;
    std::int64_t total = 0;
  };

  // The next tick; ticks are equally long, and one in which nothing happened counts, too.
  void add(const Histogram& tick);

  std::size_t size() const { return batches_.size(); }
  std::int64_t ticks_per_batch() const { return ticks_per_batch_; }
  std::int64_t total() const;
  // Of each batch, in order of time, what lies in the cells up to `last`.
  std::vector<Part> parts(std::size_t last) const;

 private:
  static constexpr auto kFineCells = static_cast<std::size_t>(Histogram::kSubBuckets);
  static constexpr std::size_t kBucketsPerCell = 8;
  static_assert(Histogram::kSubBucketHalf % kBucketsPerCell == 0, "a cell's buckets are equally wide");

  // Only cells that are not empty, in ascending order. Cell and count share a word, as there are many of them.
  class Count {
   public:
    Count(std::size_t cell, std::int64_t count)
        : word_((std::uint64_t{cell} << kCountBits) + static_cast<std::uint64_t>(count)) {}
    std::size_t cell() const { return word_ >> kCountBits; }
    std::int64_t count() const {
      return static_cast<std::int64_t>(word_ & ((std::uint64_t{1} << kCountBits) - 1));
    }

    void add(std::int64_t count) { word_ += static_cast<std::uint64_t>(count); }

   private:
    static constexpr int kCountBits = 48;
    static_assert(Histogram::kCounts <= std::size_t{1} << (64 - kCountBits));
    std::uint64_t word_;
  };
  using Counts = std::vector<Count>;

  static Counts sum(const Counts& a, const Counts& b);
  void merge_neighbours();

  std::vector<Counts> batches_;
  std::int64_t ticks_per_batch_ = 1;
  std::int64_t ticks_in_last_ = 0;
};

}  // namespace httpdyno::loadgen
