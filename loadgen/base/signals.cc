#include "loadgen/base/signals.h"

#include <algorithm>
#include <cerrno>

namespace httpdyno::loadgen {

SignalWatch::SignalWatch() {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGINT);
  sigaddset(&watched_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
}

SignalWatch::~SignalWatch() {
  if (armed_) pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int SignalWatch::wait_until(Time time) {
  for (;;) {
    const Duration left = std::max(time - read_clock(), Duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec limit{seconds.count(), (left - seconds).count()};
    const int signal = sigtimedwait(&watched_, nullptr, &limit);
    if (signal > 0) {
      if (armed_) pthread_sigmask(SIG_UNBLOCK, &watched_, nullptr);
      armed_ = false;
      return signal;
    }
    if (errno == EAGAIN) return 0;
  }
}

}  // namespace httpdyno::loadgen
