// SIGINT and SIGTERM as something to wait for, not as a handler: the run ends early and still says what it
// has seen.
#pragma once

#include <signal.h>

#include "net/base/time.h"

namespace httpdyno::loadgen {

// Make one before any thread is started: the signals are blocked in all of them. After the first signal has
// been taken the next one ends the process as usual. Used by the thread that made it. One may be made while
// another is there: a signal that the inner one did not take is left to the outer.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Sleeps until `time`, or until a signal comes: its number, or 0. With a time that has passed it only
  // looks.
  int wait_until(Time time);

 private:
  sigset_t watched_{};
  sigset_t before_{};
  bool armed_ = true;
};

}  // namespace httpdyno::loadgen
