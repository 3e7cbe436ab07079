// What plants are made of: a share of the requests, a loop that costs a share of their CPU time, a walk through memory.
#pragma once

#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno::variants {

// Exactly one of each `period` in a row, at a place that the seed draws for each block: counts are exact, and nothing
// keeps step with them. Any thread.
class Share {
 public:
  void plant(std::uint64_t period, std::uint64_t seed) {
    period_ = period;
    seed_ = seed;
  }
  bool takes_next() {
    if (period_ == 0) return false;
    const std::uint64_t number = count_.fetch_add(1, std::memory_order_relaxed);
    Prng places(seed_);
    places.skip(number / period_);
    return places.below(period_) == number % period_;
  }

 private:
  std::uint64_t period_ = 0;  // 0: never
  std::uint64_t seed_ = 0;
  std::atomic<std::uint64_t> count_{0};
};

// Two instructions and about one cycle each.
[[gnu::noinline]] inline void spin(std::uint64_t iterations) {
  for (; iterations > 0; --iterations) asm volatile("");
}

// As many iterations as are a share of the CPU time that a request takes without them. One window of requests in 16 has
// none and shows that time, whatever the iterations cost; the others make up for it. What an iteration lasts is known from
// trials under the load.
class SpinShare {
 public:
  void plant(double share) { share_ = share; }
  void spin_next() {
    if (share_ == 0) return;
    const std::uint64_t number = requests_.fetch_add(1, std::memory_order_relaxed);
    if (number % kWindow == 0) change_window(number / kWindow % kWindows);
    spin(iterations_.load(std::memory_order_relaxed));
  }

 private:
  static constexpr std::uint64_t kWindow = 128;
  static constexpr std::uint64_t kWindows = 16;
  static constexpr std::uint64_t kTrialIterations = 20'000;
  // How much of what is known comes from the last window, at least.
  static constexpr double kWeight = 1.0 / 8;

  static double cpu_ns(clockid_t clock) {
    timespec ts{};
    clock_gettime(clock, &ts);
    return static_cast<double>(ts.tv_sec) * 1e9 + static_cast<double>(ts.tv_nsec);
  }

  void change_window(std::uint64_t window) {
    const std::lock_guard lock(changing_);
    if (window == 0) {
      if (trials_ < trial_ns_.size()) try_iterations();
      iterations_.store(0, std::memory_order_relaxed);
      begin_ns_ = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
    } else if (window == 1) {
      const double own_ns = (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_ns_) / kWindow;
      ++seen_;
      own_ns_ += std::max(kWeight, 1 / seen_) * (own_ns - own_ns_);
      const double share = share_ * kWindows / (kWindows - 1);
      iterations_.store(static_cast<std::uint64_t>(share * own_ns_ / iteration_ns_),
                        std::memory_order_relaxed);
    }
  }

  // The median: what interrupts one trial is not what an iteration lasts.
  void try_iterations() {
    const double begin = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    spin(kTrialIterations);
    trial_ns_[trials_++] = (cpu_ns(CLOCK_THREAD_CPUTIME_ID) - begin) / kTrialIterations;
    std::array<double, 16> sorted = trial_ns_;
    std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(trials_));
    iteration_ns_ = sorted[(trials_ - 1) / 2];
  }

  double share_ = 0;
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> iterations_{0};
  std::mutex changing_;                // all that follows
  std::array<double, 16> trial_ns_{};  // the first ones; their own time is soon lost in that of the requests
  std::size_t trials_ = 0;
  double iteration_ns_ = 1;
  double begin_ns_ = 0;  // of the window without iterations
  double seen_ = 0;      // such windows
  double own_ns_ = 0;
};

// A walk through cache lines in an order that no prefetcher knows: three instructions a step.
class Chase {
 public:
  void plant(std::uint64_t steps, std::size_t bytes) {
    steps_ = steps;
    lines_ = std::vector<Line>(bytes / sizeof(Line));
    // Sattolo's shuffle: one cycle through all lines.
    std::vector<std::uint32_t> order(lines_.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    Prng chance(1);
    for (std::size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[chance.below(i)]);
    for (std::size_t i = 0; i < order.size(); ++i) lines_[i].next = order[i];
  }
  void walk() const {
    static thread_local std::uint32_t at = 0;
    for (std::uint64_t i = 0; i < steps_; ++i) at = lines_[at].next;
  }

 private:
  struct alignas(64) Line {
    std::uint32_t next = 0;
  };
  std::uint64_t steps_ = 0;
  std::vector<Line> lines_;
};

}  // namespace httpdyno::variants
