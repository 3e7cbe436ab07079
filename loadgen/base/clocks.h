// CPU clocks: what this thread, this process or another process has used, user and system together, in
// nanoseconds.
#pragma once

#include <sys/types.h>
#include <time.h>

#include "net/base/error.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// The monotonic clock as a policy of the worker; a simulated world brings its own.
struct SteadyClock {
  static Time now() { return read_clock(); }
};

inline Duration to_duration(const timespec& ts) {
  return std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec);
}

inline Duration thread_cpu() {
  timespec ts{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return to_duration(ts);
}

// Of another thread of this process, by its kernel's id: what pthread_getcpuclockid() would make of its handle.
// EINVAL when it has ended.
inline Error thread_cpu_of(pid_t id, Duration& out) {
  constexpr clockid_t kThreadCpuClock = 6;  // of the kernel's ABI: per thread, exact
  timespec ts{};
  if (clock_gettime((~id << 3) | kThreadCpuClock, &ts) != 0) return last_error("clock_gettime");
  out = to_duration(ts);
  return {};
}

// All threads of another process. Exact to the nanosecond also while it runs: reading accounts for the
// present slice.
class ProcessCpuClock {
 public:
  // ESRCH when there is no such process.
  static Error open(pid_t pid, ProcessCpuClock& out) {
    const int code = clock_getcpuclockid(pid, &out.clock_);
    if (code != 0) return Error{code, "clock_getcpuclockid"};
    Duration unused{};
    return out.read(unused);
  }
  // EINVAL or ESRCH when the process has gone.
  Error read(Duration& out) const {
    timespec ts{};
    if (clock_gettime(clock_, &ts) != 0) return last_error("clock_gettime");
    out = to_duration(ts);
    return {};
  }

 private:
  clockid_t clock_ = CLOCK_PROCESS_CPUTIME_ID;
};

}  // namespace httpdyno::loadgen
