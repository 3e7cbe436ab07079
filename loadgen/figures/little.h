// Little's law as a check of the measurement itself: the mean number of requests in flight is throughput times
// mean latency, in any window and for any server (Little 1961). Both sides are measured apart, the left one by
// counting at each moment, the right one from the recorded latencies: a latency that is too long by whatever
// bug, or a request counted twice, makes them differ.
//
// In a finite window the law is exact when a request that began before it or ended after it counts only with
// the part of its time that lies within.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "net/base/assert.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// Counts and times are multiplied to requests times ns: 64 bits hold an hour of two million in flight.
//
// The left side. Invariant: area_ is the integral of the number in flight over the window as far as last_.
class InFlight {
 public:
  InFlight(Time from, Time until) : until_(until), last_(from) {}

  // So many more (or fewer) from `now` on, which never decreases. A pipelined batch is so many requests.
  void change(Time now, std::int64_t delta) {
    advance(now);
    count_ += delta;
    DASSERT(count_ >= 0);
  }
  // The window ends earlier than it was going to: at no moment for which a change was reported already.
  void end_at(Time until) {
    DASSERT(until >= until_ || until >= last_);
    until_ = std::min(until_, until);
  }

  std::int64_t count() const { return count_; }
  // Of the window as far as `now`, which is not before the last change.
  std::int64_t area(Time now) const { return area_ + count_ * growth(now); }

 private:
  std::int64_t growth(Time now) const {
    const Time end = std::min(now, until_);
    return end > last_ ? (end - last_).count() : 0;
  }
  void advance(Time now) {
    area_ += count_ * growth(now);
    last_ = std::max(last_, std::min(now, until_));
  }

  Time until_;
  Time last_;  // not before the window
  std::int64_t count_ = 0;
  std::int64_t area_ = 0;
};

// What is to be added to the sum of the recorded latencies to make it the right side: of each request the part
// of its time within the window, less what was recorded of it. 0 for one that lies within and was recorded.
class Edges {
 public:
  Edges(Time from, Time until) : from_(from), until_(until) {}

  void add(Time begin, Time end, bool recorded) {
    const Time first = std::max(begin, from_);
    const Time last = std::min(end, until_);
    if (last > first) correction_ += (last - first).count();
    if (recorded) correction_ -= (end - begin).count();
  }
  // As above: no request that was added ended later.
  void end_at(Time until) { until_ = std::min(until_, until); }

  std::int64_t correction() const { return correction_; }

 private:
  Time from_;
  Time until_;
  std::int64_t correction_ = 0;
};

// By how much the right side, the sum of the latencies and the correction, differs from the left one, as a
// share of this; 0 when there is nothing on either.
inline double discrepancy(double in_flight, double latencies) {
  if (in_flight == latencies) return 0;
  if (in_flight <= 0) return std::numeric_limits<double>::infinity();
  return std::abs(latencies - in_flight) / in_flight;
}

}  // namespace httpdyno::loadgen
