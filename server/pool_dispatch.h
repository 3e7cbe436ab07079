// Handlers on N workers: the loop hands requests over with their octets, in batches, and gets them back with the
// responses' heads. Streamed bodies are pulled there, too, a block at a time: a producer may wait as a handler may.
#pragma once

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/base/inbox.h"
#include "net/base/intrusive_list.h"
#include "server/config.h"
#include "server/handler.h"
#include "server/job.h"
#include "server/work_queue.h"

namespace httpdyno {

template <Handler H>
class PoolDispatch {
 public:
  static constexpr bool kPooled = true;

  PoolDispatch(const Config& config, H handler)
      : handler_(std::move(handler)),
        count_(config.thread_pool_count),
        backlog_(config.thread_pool_backlog),
        queue_(std::chrono::microseconds(config.thread_pool_spin_us)) {}
  PoolDispatch(const PoolDispatch&) = delete;
  PoolDispatch& operator=(const PoolDispatch&) = delete;
  ~PoolDispatch() {
    stop();
    for (IntrusiveQueue<Job> left : {batch_, queue_.take_all(), completed_.take_all()}) {
      while (Job* job = left.pop()) {
        delete job->frame;
        delete job;
      }
    }
    while (Job* job = resting_.pop()) delete job;
  }

  static std::string problem(const Config& config) {
    return config.thread_pool_count > 0 ? std::string()
                                        : "thread-pool-count is 0; a pool needs at least 1 thread";
  }

  // Starts the workers; wake() is called by them when there is something in collect() that the loop would not see in
  // time.
  template <class Waker>
  void start(Waker waker) {
    workers_.reserve(count_);
    for (std::uint32_t i = 0; i < count_; ++i) {
      workers_.emplace_back([this, waker] { work(waker); });
    }
  }

  // Waits for the handlers that are running; what still waits for a worker is dropped. No thread can be
  // cancelled: a handler that never returns keeps this from returning.
  void stop() {
    queue_.stop();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  // --- the loop's side ---
  Job* new_job() {
    Job* job = resting_.pop();
    return job != nullptr ? job : new Job;
  }
  void give_back(Job* job) {
    job->clear();
    // As many may have had a block as there were connections, and jobs rest for good.
    if (resting_.size() >= count_) job->block.release();
    resting_.push(job);
  }

  // False when every worker has a request and as many wait as may. A worker that is about to wake counts as free, and
  // so does one whose answer lies here; blocks of bodies do not count: their requests have been let in.
  bool has_room() const {
    const std::size_t room = count_ + backlog_;
    return requests_ < room ||
           requests_ < room + completed_.count([](const Job& job) { return job.frame != nullptr; });
  }
  // With the next hand_over().
  void submit(Job* job) {
    if (job->frame != nullptr) ++requests_;
    ++jobs_;
    batch_.push(job);
  }
  void hand_over() {
    if (!batch_.empty()) queue_.push(batch_.take_all());
  }
  // It comes back nevertheless, run or not.
  void abandon(Job* job) { job->abandoned.store(true, std::memory_order_relaxed); }
  // What the workers have done since the last time.
  IntrusiveQueue<Job> collect() {
    return completed_.take_all([this](const Job& job) {
      --jobs_;
      if (job.frame != nullptr) --requests_;
    });
  }
  // Before the loop waits, for as long as it likes (sleeping) or a moment (dozing). False: there is something.
  bool rest(Watch how) { return completed_.rest(how); }
  // Some have been handed over and not collected.
  bool busy() const { return jobs_ > 0; }

 private:
  template <class Waker>
  void work(Waker waker) {
    bool owes_wake = false;
    const auto wake_if_owed = [&] {
      if (std::exchange(owes_wake, false)) waker.wake();
    };
    // One at a time, or a slow handler would hold up what another worker could do.
    const std::size_t share = count_ == 1 ? SIZE_MAX : 1;
    for (;;) {
      IntrusiveQueue<Job> taken = queue_.take(share, wake_if_owed);
      if (taken.empty()) return wake_if_owed();
      while (Job* job = taken.pop()) {
        if (!job->abandoned.load(std::memory_order_relaxed) && !queue_.stopped()) job->run(handler_);
        switch (completed_.push(job)) {
          case Watch::awake: break;
          case Watch::dozing: owes_wake = true; break;
          case Watch::sleeping: waker.wake(); break;
        }
      }
    }
  }

  // Keeps what the loop writes from what the workers write.
  static constexpr std::size_t kCacheLine = 64;

  H handler_;
  const std::uint32_t count_;
  const std::size_t backlog_;
  std::vector<std::thread> workers_;
  IntrusiveStack<Job> resting_;
  IntrusiveQueue<Job> batch_;
  std::size_t jobs_ = 0;      // handed over and not collected
  std::size_t requests_ = 0;  // of them

  alignas(kCacheLine) WorkQueue<Job> queue_;
  alignas(kCacheLine) Inbox<Job> completed_;
};

}  // namespace httpdyno
