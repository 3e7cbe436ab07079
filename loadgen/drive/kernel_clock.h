// What the kernel's stamps say in monotonic time.
//
// The kernel stamps packets by the realtime clock. That one and the monotonic clock are slewed together, so what lies
// between them is constant until somebody sets the realtime clock: it steps. Invariant: what lies between them is
// between low_ and high_, if no step has happened since steady_since().
#pragma once

#include <algorithm>
#include <cstdint>

#include "net/base/time.h"

namespace httpdyno::loadgen {

class KernelClock {
 public:
  // The realtime clock was read, between two looks at the monotonic one. Each reading narrows what is known; one
  // that does not fit to what was known shows a step. None goes by that is longer than the time between two looks.
  void see(Time before, RealTime real, Time after) {
    // The kernel rounds each clock to whole ns by itself.
    const std::int64_t low = real.ns - ns(after) - 1;
    const std::int64_t high = real.ns - ns(before) + 1;
    if (seen() && low <= high_ && high >= low_) {
      low_ = std::max(low_, low);
      high_ = std::min(high_, high);
      return;
    }
    if (seen()) ++steps_;
    low_ = low;
    high_ = high;
    steady_since_ = after;
  }

  // Stamps from then on, up to the last reading, are known to be what monotonic() makes of them. Stamps of something
  // that began before then may be from before the step.
  Time steady_since() const { return steady_since_; }
  Time monotonic(RealTime stamp) const { return Time(Duration(stamp.ns - (low_ + (high_ - low_) / 2))); }
  // By how much that may be wrong, either way.
  Duration error() const { return Duration((high_ - low_ + 1) / 2); }
  std::uint64_t steps() const { return steps_; }

 private:
  static std::int64_t ns(Time time) { return time.time_since_epoch().count(); }
  bool seen() const { return steady_since_ != kNever; }

  std::int64_t low_ = 0;
  std::int64_t high_ = 0;
  Time steady_since_ = kNever;
  std::uint64_t steps_ = 0;
};

}  // namespace httpdyno::loadgen
