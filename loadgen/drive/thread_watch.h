// How the time of a worker's thread goes by: what it uses, what of that it only waits awake, and where it
// stood still.
#pragma once

#include <algorithm>

#include "loadgen/base/clocks.h"
#include "loadgen/base/limits.h"
#include "loadgen/figures/tally.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// Of one thread. A turn of the worker's loop goes from the return of one wait to the return of the next.
class ThreadWatch {
 public:
  void begin(Time now) {
    turn_began_ = now;
    cpu_ = thread_cpu();
  }
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
  void was_idle(ThreadTime& out) { out.spun += spun_; }
  void count_cpu(ThreadTime& out) {
    const Duration now = thread_cpu();
    out.cpu += now - cpu_;
    cpu_ = now;
  }

 private:
  Time turn_began_;
  Duration spun_{};
  Duration cpu_{};
};

}  // namespace httpdyno::loadgen
