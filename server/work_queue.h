// What waits for a worker: one thread brings it in batches, many take of it, and none is woken for nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "net/base/intrusive_list.h"
#include "net/base/time.h"

namespace httpdyno {

// Wake-ups come one at a time: while a worker is on its way, no second one is woken, and whoever takes jobs and leaves
// others wakes the next. So a batch of short jobs is done by the first worker before the others have been called, and
// one of long jobs has all of them after as many wake-ups as there are jobs.
template <class T>
class WorkQueue {
 public:
  // A worker that finds nothing looks again for `spin` before it sleeps.
  explicit WorkQueue(Duration spin) : spin_(spin) {}

  void push(IntrusiveQueue<T> batch) {
    bool wake = false;
    {
      std::lock_guard lock(mutex_);
      waiting_.append(batch);
      publish_size();
      wake = call_worker();
    }
    if (wake) changed_.notify_one();
  }

  // The oldest, up to `most` of them; none after stop(), even if some are left. before_waiting() is called, without the
  // lock, when there is none.
  template <class BeforeWaiting>
  IntrusiveQueue<T> take(std::size_t most, BeforeWaiting before_waiting) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty() && !stopped()) {
      lock.unlock();
      before_waiting();
      look_again();
      lock.lock();
      while (waiting_.empty() && !stopped()) {
        ++sleeping_;
        changed_.wait(lock);
        --sleeping_;
        called_ = false;
      }
    }
    if (stopped()) return {};
    IntrusiveQueue<T> taken;
    if (waiting_.size() <= most) {
      taken = waiting_.take_all();
    } else {
      for (std::size_t i = 0; i < most; ++i) taken.push(waiting_.pop());
    }
    publish_size();
    const bool wake = !waiting_.empty() && call_worker();
    lock.unlock();
    if (wake) changed_.notify_one();
    return taken;
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_.store(true, std::memory_order_relaxed);
      // Whoever spins looks at the size.
      size_.store(1, std::memory_order_relaxed);
    }
    changed_.notify_all();
  }

  // For whoever has taken more than it has begun.
  bool stopped() const { return stopping_.load(std::memory_order_relaxed); }

  // What nobody took, after stop().
  IntrusiveQueue<T> take_all() {
    std::lock_guard lock(mutex_);
    return waiting_.take_all();
  }

 private:
  // True: notify one. Under the lock.
  bool call_worker() {
    if (sleeping_ == 0 || called_) return false;
    called_ = true;
    return true;
  }
  void publish_size() {
    if (spin_ > Duration::zero()) size_.store(waiting_.size(), std::memory_order_relaxed);
  }
  void look_again() const {
    if (spin_ == Duration::zero()) return;
    const Time end = read_clock() + spin_;
    while (size_.load(std::memory_order_relaxed) == 0 && read_clock() < end) {
    }
  }

  const Duration spin_;
  std::mutex mutex_;
  std::condition_variable changed_;
  IntrusiveQueue<T> waiting_;
  std::size_t sleeping_ = 0;
  bool called_ = false;                // a worker has been woken and has not come yet
  std::atomic<bool> stopping_{false};  // written under the lock
  std::atomic<std::size_t> size_{0};   // for those that spin
};

}  // namespace httpdyno
