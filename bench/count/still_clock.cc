// A clock that begins at the same moment always and goes on by a microsecond with each reading, never by itself. Loaded
// by LD_PRELOAD: what a program does because time has passed, from the Date header to an allocator's clean-up, it then
// does after as many readings whenever it runs. For counts of instructions, which are compared to the last few.
//
// Whoever hands such a time to the kernel as an absolute one would wait for ages or not at all.
#include <time.h>

#include <atomic>
#include <cstdint>

namespace {

constexpr std::uint64_t kBegin = 1'000'000'000;  // seconds
constexpr std::uint64_t kReadingsPerSecond = 1'000'000;
constinit std::atomic<std::uint64_t> readings{0};

}  // namespace

// All clocks are this one, also those of CPU time.
extern "C" int clock_gettime(clockid_t, timespec* time) noexcept {
  const std::uint64_t reading = readings.fetch_add(1, std::memory_order_relaxed);
  time->tv_sec = static_cast<time_t>(kBegin + reading / kReadingsPerSecond);
  time->tv_nsec = static_cast<long>(reading % kReadingsPerSecond * 1000);
  return 0;
}
