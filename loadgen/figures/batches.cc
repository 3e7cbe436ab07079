#include "loadgen/figures/batches.h"

#include <utility>

namespace httpdyno::loadgen {

void Batches::add(const Histogram& tick) {
  if (batches_.empty() || ticks_in_last_ == ticks_per_batch_) {
    if (batches_.size() == kMax) merge_neighbours();
    batches_.emplace_back();
    ticks_in_last_ = 0;
  }
  Counts counts;
  tick.each_recorded([&](std::int64_t lowest, std::int64_t, std::int64_t count) {
    const std::size_t cell = cell_of(lowest);
    if (counts.empty() || counts.back().cell() != cell) {
      counts.emplace_back(cell, count);
    } else {
      counts.back().add(count);
    }
  });
  Counts& last = batches_.back();
  last = last.empty() ? std::move(counts) : sum(last, counts);
  ++ticks_in_last_;
}

std::int64_t Batches::total() const {
  std::int64_t total = 0;
  for (const Part& part : parts(0)) total += part.total;
  return total;
}

std::vector<Batches::Part> Batches::parts(std::size_t last) const {
  std::vector<Part> parts;
  parts.reserve(batches_.size());
  for (const Counts& counts : batches_) {
    Part part;
    for (const Count each : counts) {
      part.total += each.count();
      if (each.cell() <= last) part.below += each.count();
    }
    parts.push_back(part);
  }
  return parts;
}

Batches::Counts Batches::sum(const Counts& a, const Counts& b) {
  Counts sum;
  sum.reserve(a.size() + b.size());
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() || right != b.end()) {
    if (right == b.end() || (left != a.end() && left->cell() < right->cell())) {
      sum.push_back(*left++);
    } else if (left == a.end() || right->cell() < left->cell()) {
      sum.push_back(*right++);
    } else {
      sum.push_back(*left++);
      sum.back().add((right++)->count());
    }
  }
  // What was reserved for cells that both have is given back: the batches stay for the whole run.
  sum.shrink_to_fit();
  return sum;
}

// kMax is even, and all batches are full.
void Batches::merge_neighbours() {
  for (std::size_t i = 0; i < kMax / 2; ++i) batches_[i] = sum(batches_[2 * i], batches_[2 * i + 1]);
  batches_.resize(kMax / 2);
  ticks_per_batch_ *= 2;
}

}  // namespace httpdyno::loadgen
