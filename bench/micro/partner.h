// Two threads that play ping-pong, on one core or on two.
#pragma once

#include <benchmark/benchmark.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <thread>
#include <vector>

#include "net/base/assert.h"

namespace httpdyno::micro {

inline std::vector<int> usable_cores() {
  cpu_set_t set;
  ASSERT(sched_getaffinity(0, sizeof set, &set) == 0);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<unsigned>(core), &set)) cores.push_back(core);
  }
  return cores;
}

// The calling thread stays on a core until the end of the scope.
class Pinned {
 public:
  explicit Pinned(int core) {
    ASSERT(sched_getaffinity(0, sizeof before_, &before_) == 0);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(core), &set);
    ASSERT(sched_setaffinity(0, sizeof set, &set) == 0);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

// A thread that answers each thing that it is sent with work(thing), until the end of the scope. The calling thread is
// on the first core that may be used, the partner on the same or, of two cores, on the next.
template <class Channel, class Work>
class Partner {
 public:
  using Thing = typename Channel::Thing;

  Partner(std::int64_t cores, Work work)
      : cores_(usable_cores()),
        pinned_(cores_.front()),
        thread_([this, core = cores_[static_cast<std::size_t>(cores - 1)], work] {
          const Pinned pinned(core);
          for (;;) {
            Thing thing = there_.receive();
            if (stop_.load(std::memory_order_acquire)) return;
            back_.send(work(thing));
          }
        }) {}
  Partner(const Partner&) = delete;
  Partner& operator=(const Partner&) = delete;

  // `last`: anything that may be sent.
  void stop(Thing last) {
    stop_.store(true, std::memory_order_release);
    there_.send(last);
    thread_.join();
  }

  Thing ask(Thing thing) {
    there_.send(thing);
    return back_.receive();
  }

 private:
  std::vector<int> cores_;
  Pinned pinned_;
  std::atomic<bool> stop_{false};
  Channel there_, back_;
  std::thread thread_;  // last: it uses the others
};

// On one core, and on two where there are two. The times of both threads count, and real time beside them.
inline void on_one_core_and_on_two(benchmark::internal::Benchmark* bench,
                                   const std::vector<std::int64_t>& of_each) {
  bench->MeasureProcessCPUTime()->UseRealTime();
  for (const std::int64_t each : of_each) {
    bench->Args({each, 1});
    if (usable_cores().size() > 1) bench->Args({each, 2});
  }
}

}  // namespace httpdyno::micro
