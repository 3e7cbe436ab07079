// The time types: a monotonic instant and a duration, both in nanoseconds. Nothing here reads a clock but
// read_clock().
#pragma once

#include <time.h>

#include <chrono>
#include <compare>
#include <cstdint>

namespace httpdyno {

using Duration = std::chrono::nanoseconds;
// A point on CLOCK_MONOTONIC. Code outside the backends receives it as an argument.
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

using namespace std::chrono_literals;  // NOLINT: 5ms, 1s are how the whole tree writes durations

// "No deadline": later than every instant.
inline constexpr Time kNever = Time::max();

// CLOCK_MONOTONIC, now. For backends and the load generator's stamps; everything else takes the time as an
// argument.
inline Time read_clock() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return Time(std::chrono::seconds(ts.tv_sec) + Duration(ts.tv_nsec));
}

// Seconds since the Unix epoch, for the Date header: a coarse clock read costs a few nanoseconds.
inline std::int64_t read_wall_seconds() {
  timespec ts{};
  clock_gettime(CLOCK_REALTIME_COARSE, &ts);
  return ts.tv_sec;
}

// A point on the realtime clock, in ns since the Unix epoch. That clock steps, so nothing is measured by it: it is
// what the kernel stamps packets with, and is read to find out where the monotonic clock stood then.
struct RealTime {
  std::int64_t ns = 0;

  friend auto operator<=>(RealTime, RealTime) = default;
};

inline RealTime to_real_time(const timespec& ts) {
  return {std::int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec};
}

inline RealTime read_real_time() {
  timespec ts{};
  clock_gettime(CLOCK_REALTIME, &ts);
  return to_real_time(ts);
}

}  // namespace httpdyno
