// A pooled dispatch without threads: its worker is the test, which decides when each request is answered.
#pragma once

#include <string>
#include <utility>

#include "net/base/intrusive_list.h"
#include "server/handler.h"
#include "server/pool_dispatch.h"

namespace httpdyno {

template <Handler H>
class ManualDispatch {
 public:
  static constexpr bool kPooled = true;

  explicit ManualDispatch(H handler = {}) : handler_(std::move(handler)) {}
  ManualDispatch(const ManualDispatch&) = delete;
  ManualDispatch& operator=(const ManualDispatch&) = delete;
  ~ManualDispatch() {
    for (auto* list : {&queued, &completed}) {
      while (Job* job = list->pop()) {
        delete job->frame;
        delete job;
      }
    }
  }

  // --- the loop's side ---
  template <class Waker>
  void start(Waker) {}
  void stop() {}
  bool has_room() const { return room > 0; }
  Job* new_job() { return new Job; }
  void submit(Job* job) {
    --room;
    queued.push(job);
  }
  void abandon(Job* job) { job->abandoned = true; }
  void give_back(Job* job) { delete job; }
  void hand_over() {}
  IntrusiveQueue<Job> collect() { return completed.take_all(); }
  bool rest(Watch) const { return completed.empty(); }
  bool busy() const { return !queued.empty(); }

  // --- the test's side ---
  // Answers the oldest request, unless nobody waits for it, and returns its path, or pulls the block that is asked
  // for; the loop is told by the test's wake().
  std::string work() {
    Job* job = begin();
    std::string path(job->frame != nullptr ? job->frame->request().path() : std::string_view());
    end(job);
    return path;
  }
  // The same in two steps: in between, the worker is not done.
  Job* begin() {
    Job* job = queued.pop();
    if (!job->abandoned) job->run(handler_);
    return job;
  }
  void end(Job* job) {
    completed.push(job);
    ++room;
  }

  std::size_t room = 100;
  IntrusiveQueue<Job> queued;
  IntrusiveQueue<Job> completed;

 private:
  H handler_;
};

}  // namespace httpdyno
