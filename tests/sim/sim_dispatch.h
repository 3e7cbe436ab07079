// A pool of workers in virtual time: the same shape as server/pool_dispatch.h, on one thread, with completions
// at times and in an order that the seed decides.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/base/intrusive_list.h"
#include "net/io/sim/sim_net.h"
#include "server/config.h"
#include "server/handler.h"
#include "server/pool_dispatch.h"

namespace httpdyno::sim {

// Handlers take up to this long. One that takes none is done before its loop waits again.
inline constexpr Duration kHandlerTimeMax = 5ms;
// Where they have a deadline of less than a second, they take up to this long: it strikes, and late.
inline constexpr Duration kSlowHandlerTimeMax = 500ms;
// After a deadline: a timer's tick, and what a loop that is behind with its input does first.
inline constexpr Duration kDeadlineSlack = 150ms;
// A loop fetches answers when it is woken, or has dozed.
inline constexpr Duration kFetchSlack = kDoze + 1ms;

template <Handler H>
class SimDispatch {
 public:
  static constexpr bool kPooled = true;

  SimDispatch(const Config& config, H handler, io::SimNet& net)
      : handler_(std::move(handler)),
        net_(&net),
        workers_(config.thread_pool_count),
        backlog_(config.thread_pool_backlog),
        deadline_(config.timeout_handler),
        time_max_(deadline_ > Duration::zero() && deadline_ < 1s ? kSlowHandlerTimeMax : kHandlerTimeMax) {}
  SimDispatch(const SimDispatch&) = delete;
  SimDispatch& operator=(const SimDispatch&) = delete;
  ~SimDispatch() {
    for (auto& job : jobs_) delete job->frame;
  }

  template <class Waker>
  void start(Waker waker) {
    wake_ = [waker] { waker.wake(); };
  }
  void stop() {}

  Job* new_job() {
    ++in_use_;
    Job* job = resting_.pop();
    return job != nullptr ? job : jobs_.emplace_back(std::make_unique<Job>()).get();
  }
  void give_back(Job* job) {
    --in_use_;
    job->clear();
    resting_.push(job);
  }
  bool has_room() const { return requests_ < workers_ + backlog_; }
  void submit(Job* job) {
    if (job->frame != nullptr) ++requests_;
    submitted_[job] = net_->now();
    batch_.push(job);
  }
  void hand_over() {
    while (Job* job = batch_.pop()) {
      queued_.push(job);
      if (running_ < workers_) begin();
    }
  }
  void abandon(Job* job) { job->abandoned = true; }
  IntrusiveQueue<Job> collect() {
    return completed_.take_all([this](const Job& job) {
      if (net_->now() > completed_at_[&job] + kFetchSlack) fetched_late_ = true;
    });
  }
  bool rest(Watch how) { return completed_.rest(how); }
  bool busy() const { return in_use_ > 0; }

  // Jobs that the loop has not got back.
  std::size_t in_use() const { return in_use_; }
  // A worker was waited for long after its time.
  bool deadline_missed() const { return deadline_missed_; }
  // An answer lay there while the loop slept.
  bool fetched_late() const { return fetched_late_; }

 private:
  void begin() {
    Job* job = queued_.pop();
    ++running_;
    const bool runs = !job->abandoned;
    net_->at(net_->now() + (net_->coin() || !runs ? Duration::zero() : net_->up_to(time_max_)),
             [this, job, runs] { complete(job, runs); });
  }
  void complete(Job* job, bool runs) {
    if (runs) job->run(handler_);
    if (deadline_ > Duration::zero() && !job->abandoned &&
        net_->now() > submitted_[job] + deadline_ + kDeadlineSlack) {
      deadline_missed_ = true;
    }
    --running_;
    if (job->frame != nullptr) --requests_;
    completed_at_[job] = net_->now();
    const Watch loop = completed_.push(job);
    // A worker with something else to do lets a dozing loop be.
    if (loop == Watch::sleeping || (loop == Watch::dozing && queued_.empty())) wake_();
    if (!queued_.empty()) begin();
  }

  H handler_;
  io::SimNet* net_;
  const std::size_t workers_;
  const std::size_t backlog_;
  const Duration deadline_;
  const Duration time_max_;
  bool deadline_missed_ = false;
  bool fetched_late_ = false;
  std::size_t running_ = 0;
  std::size_t requests_ = 0;
  std::size_t in_use_ = 0;
  std::function<void()> wake_;
  std::unordered_map<const Job*, Time> submitted_;
  std::unordered_map<const Job*, Time> completed_at_;
  std::vector<std::unique_ptr<Job>> jobs_;
  IntrusiveStack<Job> resting_;
  IntrusiveQueue<Job> batch_;
  IntrusiveQueue<Job> queued_;
  Inbox<Job> completed_;
};

}  // namespace httpdyno::sim
