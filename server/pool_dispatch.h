// Handlers on N workers: the loop hands a request over with its octets and gets it back with the response's
// head. Streamed bodies are pulled there, too, a block at a time: a producer may wait as a handler may.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "net/base/byte_buffer.h"
#include "net/base/intrusive_list.h"
#include "net/http/response_writer.h"
#include "net/io/io.h"
#include "server/config.h"
#include "server/handler.h"
#include "server/request_frame.h"

namespace httpdyno {

// A request on its way through the pool. It owns everything that a worker touches, so its connection may go
// at any time. Owned by the loop, except between submit() and take_completed(): then by the pool and its
// workers, and only `abandoned` may be set.
struct Job {
  io::ConnId connection;
  // The loop's: nobody waits for it any more. A hint for a worker that has not begun, which need not; the whole truth
  // for the loop when the job comes back.
  std::atomic<bool> abandoned{false};
  bool ran = false;
  RequestFrame* frame = nullptr;  // the request; null when only a block of `stream` is wanted
  http::Response response;
  ByteBuffer head;  // the worker's: what write_head() made
  bool threw = false;
  std::unique_ptr<http::BodyStream> stream;  // of a response before, or of this one
  ByteBuffer block;                          // the worker's: what it pulled
  Job* next = nullptr;

  // The worker's part.
  template <Handler H>
  void run(H& handler) {
    ran = true;
    if (frame != nullptr) {
      threw = !run_handler(handler, frame->request(), response);
      char* const begin = head.reserve(http::head_bytes_max(response));
      const int minor_version = frame->parser.minor_version();
      head.commit(static_cast<std::size_t>(http::write_head(response, minor_version, begin) - begin));
      stream = http::take_stream(response, frame->parser.is_head(), minor_version);
    }
    // One piece: what a producer had to wait for is sent at once.
    if (stream != nullptr) stream->pull(block, kStreamBlockBytes);
  }
  void clear() {
    response.reset();
    head.clear();
    block.clear();
    stream.reset();
    frame = nullptr;
    threw = ran = false;
    abandoned.store(false, std::memory_order_relaxed);
  }
};

template <Handler H>
class PoolDispatch {
 public:
  static constexpr bool kPooled = true;

  PoolDispatch(const Config& config, H handler)
      : handler_(std::move(handler)),
        count_(config.thread_pool_count),
        backlog_(config.thread_pool_backlog) {}
  PoolDispatch(const PoolDispatch&) = delete;
  PoolDispatch& operator=(const PoolDispatch&) = delete;
  ~PoolDispatch() {
    stop();
    for (auto* list : {&queued_, &completed_}) {
      while (Job* job = list->pop()) {
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

  // Starts the workers; wake() is called by them when there is something in take_completed() and was not
  // before.
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
    {
      std::lock_guard lock(queue_mutex_);
      stopping_ = true;
    }
    queue_changed_.notify_all();
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

  // False when every worker has a request and as many wait as may. A worker that is about to wake counts as free;
  // blocks of bodies do not count: their requests have been let in.
  bool has_room() const { return requests_.load(std::memory_order_relaxed) < count_ + backlog_; }
  void submit(Job* job) {
    if (job->frame != nullptr) requests_.fetch_add(1, std::memory_order_relaxed);
    {
      std::lock_guard lock(queue_mutex_);
      queued_.push(job);
    }
    queue_changed_.notify_one();
  }

  // It comes back nevertheless, run or not.
  void abandon(Job* job) { job->abandoned.store(true, std::memory_order_relaxed); }

  IntrusiveQueue<Job> take_completed() {
    std::lock_guard lock(completed_mutex_);
    return completed_.take_all();
  }

 private:
  // Keeps what the loop writes from what the workers write.
  static constexpr std::size_t kCacheLine = 64;

  template <class Waker>
  void work(Waker waker) {
    while (Job* job = next_job()) {
      if (!job->abandoned.load(std::memory_order_relaxed)) job->run(handler_);
      // Before the answer can be seen: whoever asks again because of it must find this worker free.
      if (job->frame != nullptr) requests_.fetch_sub(1, std::memory_order_relaxed);
      if (complete(job)) waker.wake();
    }
  }

  Job* next_job() {
    std::unique_lock lock(queue_mutex_);
    queue_changed_.wait(lock, [this] { return stopping_ || !queued_.empty(); });
    if (stopping_) return nullptr;
    return queued_.pop();
  }

  // True when the loop must be woken: decided under the lock, or a wake could be lost.
  bool complete(Job* job) {
    std::lock_guard lock(completed_mutex_);
    const bool was_empty = completed_.empty();
    completed_.push(job);
    return was_empty;
  }

  H handler_;
  const std::uint32_t count_;
  const std::size_t backlog_;
  std::vector<std::thread> workers_;
  IntrusiveStack<Job> resting_;

  alignas(kCacheLine) std::atomic<std::size_t> requests_{
      0};  // that wait or are with a worker: loop up, workers down
  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  IntrusiveQueue<Job> queued_;
  bool stopping_ = false;

  alignas(kCacheLine) std::mutex completed_mutex_;
  IntrusiveQueue<Job> completed_;
};

}  // namespace httpdyno
