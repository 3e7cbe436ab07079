// How many requests were under way, on average over time: counted from their beginnings and ends, not from
// their latencies, so that one can be held against the other.
//
// Little's law (J. D. C. Little, 1961): the average number in flight is the throughput times the mean time in
// flight. Over a finite window it is an identity when each request counts with the part of it that lies within:
// the area under the count is the sum of the times.
#pragma once

#include <algorithm>
#include <cstdint>

#include "loadgen/figures/tally.h"
#include "net/base/assert.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

class InFlight {
 public:
  // From now on the area of this window is counted; what is in flight stays.
  void begin(const Window& window) {
    window_ = window;
    area_ = Duration::zero();
    last_ = window.from;
  }
  // The window ends earlier than it was to.
  void end_window(Time until) { window_.until = std::min(window_.until, until); }

  // `delta` requests more, or fewer, since now.
  void change(Time now, std::int64_t delta) {
    if (delta == 0) return;
    area_ += count_ * window_.part_of(last_, now);
    // A change that is noticed late, by an older time than the last one, is one of now.
    last_ = std::max(last_, now);
    count_ += delta;
    DASSERT(count_ >= 0);
  }
  Duration area() const { return area_; }

 private:
  Window window_;
  Time last_;
  std::int64_t count_ = 0;
  Duration area_{};
};

}  // namespace httpdyno::loadgen
