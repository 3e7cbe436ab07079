// How the time of a worker's thread goes by: what of it is only waited awake, and where it stood still.
#pragma once

#include <algorithm>
#include <utility>

#include "loadgen/base/limits.h"
#include "loadgen/figures/tally.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// Of one thread. A turn of the worker's loop goes from the return of one wait to the return of the next.
class ThreadWatch {
 public:
  void begin(Time now) { turn_began_ = now; }
  // A wait for at most `limit` has returned. Whatever a turn took beyond that it worked or stood still; work
  // never takes kPauseMin.
  void after_wait(Time now, Duration limit, bool spinning, ThreadTime& out) {
    const Duration beyond = now - turn_began_ - std::max(limit, Duration::zero());
    if (beyond >= kPauseMin) [[unlikely]] {
      out.paused += beyond;
      out.longest_pause = std::max(out.longest_pause, beyond);
    }
    spun_ = spinning ? now - turn_began_ : Duration::zero();
    turn_began_ = now;
  }
  // Nothing came of that wait.
  void was_idle(ThreadTime& out) { out.spun += std::exchange(spun_, Duration::zero()); }

 private:
  Time turn_began_;
  Duration spun_{};
};

}  // namespace httpdyno::loadgen
