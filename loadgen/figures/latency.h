// Latencies of one sort, those included of which only a lower bound is known. Invariant: least_censored() is
// the least bound, and each bound is among values().
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "loadgen/figures/histogram.h"

namespace httpdyno::loadgen {

// A request that was given up (timed out, lost, unanswered at the end) took at least as long as it was waited
// for. It is entered at that bound, because to leave it out would be to report the latency of the fast ones
// alone (right censoring). What this does to a percentile: those below the least bound are exact, any other
// is a lower bound itself.
class Latency {
 public:
  Latency() = default;
  // As a file has them: `values`, and those of them that are `bounds`.
  Latency(Histogram values, const Histogram& bounds) : values_(std::move(values)), censored_(bounds.total()) {
    if (censored_ != 0) least_censored_ = bounds.min();
  }

  void record(std::int64_t value) { values_.record(value); }
  void record_at_least(std::int64_t bound) {
    values_.record(bound);
    ++censored_;
    least_censored_ = std::min(least_censored_, bound);
  }

  const Histogram& values() const { return values_; }
  std::int64_t censored() const { return censored_; }
  // The greatest number there is when nothing is censored.
  std::int64_t least_censored() const { return least_censored_; }
  // Whether a percentile of this value is only known to be at least it.
  bool is_bound(std::int64_t value) const { return value >= least_censored_; }

  void merge(const Latency& other) {
    values_.merge(other.values_);
    censored_ += other.censored_;
    least_censored_ = std::min(least_censored_, other.least_censored_);
  }
  void clear() {
    values_.clear();
    censored_ = 0;
    least_censored_ = std::numeric_limits<std::int64_t>::max();
  }

 private:
  Histogram values_;
  std::int64_t censored_ = 0;
  std::int64_t least_censored_ = std::numeric_limits<std::int64_t>::max();
};

// The stretches of a request's time, all in ns of the monotonic clock. In a closed loop nothing is due before
// it is sent: queue and response stay empty.
struct Latencies {
  Latency queue;       // due -> the first octet is handed to the kernel
  Latency service;     // that -> the last octet of the answer
  Latency first_byte;  // that -> the first octet of the answer
  Latency response;    // due -> the last octet of the answer

  void merge(const Latencies& other) {
    queue.merge(other.queue);
    service.merge(other.service);
    first_byte.merge(other.first_byte);
    response.merge(other.response);
  }
  void clear() {
    queue.clear();
    service.clear();
    first_byte.clear();
    response.clear();
  }
};

}  // namespace httpdyno::loadgen
