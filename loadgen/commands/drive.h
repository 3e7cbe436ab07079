// Drives a load with a worker on each thread, and watches them: from the connections to the figures.
#pragma once

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "loadgen/base/clocks.h"
#include "loadgen/base/failure.h"
#include "loadgen/base/limits.h"
#include "loadgen/base/signals.h"
#include "loadgen/commands/options.h"
#include "loadgen/drive/worker.h"
#include "loadgen/figures/drift.h"
#include "loadgen/report/progress.h"
#include "loadgen/report/recorder.h"
#include "loadgen/report/result.h"
#include "loadgen/report/second_files.h"
#include "loadgen/verdict/watch.h"
#include "loadgen/work/target.h"
#include "net/base/assert.h"

namespace httpdyno::loadgen {

// A worker with the backend that it drives; never moves.
template <class Io>
struct Seat {
  Io io;
  std::unique_ptr<Worker<Io>> worker;
  pid_t thread_id = 0;
  Duration spun{};  // so far
  RunEnd end = RunEnd::done;
  std::thread thread;
};

template <class Io>
class Drive {
 public:
  Drive(const Target& target, const RunOptions& options, SecondFiles& files)
      : target_(target),
        options_(options),
        progress_(options.live),
        recorder_(options.arrivals.open(), files, progress_) {}

  Failure go(RunResult& out);

 private:
  Failure seat_workers();
  Failure start_threads();
  void work(Seat<Io>& seat);
  void watch(RunResult& out);
  int sleep_until(Time time, const char* phase, Watch* machine);
  void look(Watch& machine);
  void stop_workers() {
    for (auto& seat : seats_) seat->worker->stop();
  }
  void collect(bool all);
  void finish(RunResult& out);
  std::uint64_t queue_share() const;

  const Target& target_;
  const RunOptions& options_;
  SignalWatch signals_;  // before any thread
  Progress progress_;
  Recorder recorder_;
  Tally tick_;
  std::vector<std::unique_ptr<Seat<Io>>> seats_;
  Time begin_;     // of the warm-up
  Window window_;  // the measured part
  std::unique_ptr<std::latch> connected_;
  std::latch started_{1};
  std::latch looked_{1};  // the kernel forgets about a thread that has ended
  std::atomic<std::uint32_t> ended_ = 0;
};

template <class Io>
Failure Drive<Io>::seat_workers() {
  const std::uint32_t threads = options_.threads;
  std::uint32_t seated = 0;
  for (std::uint32_t i = 0; i < threads; ++i) {
    const std::uint32_t share =
        options_.load.connections / threads + (i < options_.load.connections % threads ? 1 : 0);
    auto seat = std::make_unique<Seat<Io>>();
    if (Error error = seat->io.open()) return run_failure("cannot begin: " + error.message());
    seat->worker = std::make_unique<Worker<Io>>(seat->io, target_.script,
                                                WorkerConfig{.server = target_.address,
                                                             .connections = share,
                                                             .first_connection = seated,
                                                             .seed = options_.load.seed,
                                                             .timeout = options_.load.timeout,
                                                             .arrivals = options_.arrivals,
                                                             .thread = i,
                                                             .threads = threads,
                                                             .queue_limit = queue_share()});
    seated += share;
    seats_.push_back(std::move(seat));
  }
  return {};
}

// The limit is the run's; each thread has its share, at least one.
template <class Io>
std::uint64_t Drive<Io>::queue_share() const {
  return (options_.queue_limit + options_.threads - 1) / options_.threads;
}

template <class Io>
void Drive<Io>::work(Seat<Io>& seat) {
  // A sleep ends when it should, not when it suits the kernel.
  prctl(PR_SET_TIMERSLACK, 1UL);
  seat.thread_id = ::gettid();
  seat.worker->connect_all();
  connected_->count_down();
  started_.wait();
  seat.worker->take_in();
  seat.end = seat.worker->run(begin_, window_.until, options_.drain);
  seat.worker->listen(kLastListen);
  ended_.fetch_add(1, std::memory_order_release);
  looked_.wait();
}

template <class Io>
Failure Drive<Io>::start_threads() {
  try {
    for (auto& seat : seats_) seat->thread = std::thread([this, &seat = *seat] { work(seat); });
  } catch (const std::system_error& error) {
    stop_workers();
    started_.count_down();
    looked_.count_down();
    for (auto& seat : seats_) {
      if (seat->thread.joinable()) seat->thread.join();
    }
    return run_failure(fmt::format("cannot start {} threads: {}", seats_.size(), error.code().message()));
  }
  return {};
}

template <class Io>
Failure Drive<Io>::go(RunResult& out) {
  if (Failure failure = seat_workers()) return failure;
  connected_ = std::make_unique<std::latch>(static_cast<std::ptrdiff_t>(seats_.size()));
  if (Failure failure = start_threads()) return failure;
  while (!connected_->try_wait() && out.signal == 0) out.signal = signals_.wait_until(read_clock() + 1ms);
  if (out.signal != 0) stop_workers();
  connected_->wait();

  // All threads begin with every connection made, at one moment.
  begin_ = read_clock();
  window_ = {begin_ + options_.warmup, begin_ + options_.warmup + options_.duration};
  for (auto& seat : seats_) seat->worker->ledger().set_window(window_);
  recorder_.begin(window_);
  started_.count_down();

  watch(out);
  for (auto& seat : seats_) seat->thread.join();
  finish(out);
  return {};
}

template <class Io>
void Drive<Io>::watch(RunResult& out) {
  std::vector<pid_t> threads;
  for (auto& seat : seats_) threads.push_back(seat->thread_id);
  Watch machine(threads);
  if (out.signal == 0) out.signal = sleep_until(window_.from, "warming up:", nullptr);
  const Duration own_from = thread_cpu();
  look(machine);
  if (out.signal == 0) out.signal = sleep_until(window_.until, "measuring:", &machine);
  look(machine);
  looked_.count_down();
  out.cpu += thread_cpu() - own_from;
  out.evidence.machine = machine.evidence();
  if (out.signal != 0) stop_workers();
}

// Until the time, a signal (its number is returned), or the end of all workers. `machine` is looked at each second.
template <class Io>
int Drive<Io>::sleep_until(Time time, const char* phase, Watch* machine) {
  Time next_look = read_clock() + 1s;
  for (;;) {
    const Time now = read_clock();
    if (now >= time || ended_.load(std::memory_order_acquire) == seats_.size()) return 0;
    if (const int signal =
            signals_.wait_until(std::min(time, tick_after(now - kTickGrace, window_.from) + kTickGrace)))
      return signal;
    collect(false);
    progress_.show(phase, read_clock() - begin_, options_.warmup + options_.duration,
                   recorder_.total().answered());
    if (machine == nullptr || now < next_look) continue;
    next_look += 1s;
    look(*machine);
  }
}

template <class Io>
void Drive<Io>::look(Watch& machine) {
  std::vector<Duration> spun;
  for (auto& seat : seats_) spun.push_back(seat->spun);
  machine.look(read_clock(), spun);
}

// What the workers have handed over; when they have ended, all that there is.
template <class Io>
void Drive<Io>::collect(bool all) {
  tick_.clear();
  for (auto& seat : seats_) {
    const Duration before = tick_.thread.spun;
    Ledger& ledger = seat->worker->ledger();
    if (all) {
      ledger.take_all(tick_);
    } else {
      ledger.take(tick_);
    }
    seat->spun += tick_.thread.spun - before;
  }
  recorder_.add(tick_, read_clock());
}

template <class Io>
void Drive<Io>::finish(RunResult& out) {
  collect(true);
  Time stopped = begin_;
  for (auto& seat : seats_) {
    out.cpu += seat->worker->window_cpu();
    out.due += seat->worker->due();
    out.time_in_flight += seat->worker->time_in_flight();
    stopped = std::max(stopped, seat->worker->stopped_at());
    if (seat->end == RunEnd::io_failed) out.io_error = seat->worker->io_error();
    if (seat->end != RunEnd::done) out.end = seat->end;
  }
  recorder_.finish(std::max(stopped, window_.from));
  out.measured = std::max(stopped - window_.from, Duration::zero());
  out.tally = recorder_.total();
  for (const KindTally& kind : out.tally.kinds) ASSERT(kind.balances());
  // No due request is dropped and none is sent twice.
  ASSERT(!options_.arrivals.open() || out.due == out.tally.sent() + out.tally.queued + out.tally.shed);
  out.whole = recorder_.whole();
  out.kinds = recorder_.kinds();
  out.kernel = recorder_.kernel();
  out.evidence.drift = drift(recorder_.medians());
}

// With the kernel's stamps. Compiled by itself: a second worker beside it would change what the compiler makes of
// the first.
Failure drive_stamped(const Target& target, const RunOptions& options, SecondFiles& files, RunResult& out);

}  // namespace httpdyno::loadgen
