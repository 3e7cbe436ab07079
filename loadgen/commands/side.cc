#include "loadgen/commands/side.h"

#include <fmt/format.h>

#include "loadgen/base/duration.h"
#include "loadgen/base/limits.h"
#include "loadgen/base/text.h"
#include "loadgen/report/result.h"

namespace httpdyno::loadgen {

Side::Side(SideName name, const VersusOptions& options)
    : name_(name),
      options_(options),
      url_(name == SideName::a ? options.url_a : options.url_b),
      pids_(name == SideName::a ? options.pids_a : options.pids_b) {}

Failure Side::begin() {
  clocks_.resize(pids_.size());
  for (std::size_t i = 0; i < pids_.size(); ++i) {
    if (Error error = ProcessCpuClock::open(pids_[i], clocks_[i])) {
      return usage_failure(
          fmt::format("--pid-{} {}: no process whose CPU clock can be read", name_of(name_), pids_[i]));
    }
  }
  if (Failure failure = target_.prepare(url_, options_.load)) return failure;
  return target_.ask_once(options_.load);
}

Failure Side::connect() {
  if (Error error = io_.open()) return run_failure("cannot begin: " + error.message());
  worker_ = std::make_unique<Worker<io::EpollIo>>(io_, target_.script,
                                                  WorkerConfig{.server = target_.address,
                                                               .connections = options_.load.connections,
                                                               .seed = options_.load.seed,
                                                               .timeout = options_.load.timeout,
                                                               .arrivals = options_.arrivals});
  worker_->connect_all();
  return {};
}

Failure Side::drive(std::uint64_t seed, Slice& out) {
  const Duration drain = drain_limit(options_.load.timeout, options_.load.connections);
  worker_->set_arrivals_seed(seed);
  // What has come since the last slice answers nothing of this one.
  worker_->take_in();
  Duration cpu_before{};
  Duration cpu_after{};
  if (Failure failure = read_cpu(cpu_before)) return failure;
  const Time begin = read_clock();
  worker_->ledger().set_window({begin, begin + options_.slice});
  const RunEnd end = worker_->run(begin, begin + options_.slice, drain);
  out.wall = read_clock() - begin;
  if (Failure failure = read_cpu(cpu_after)) return failure;

  slice_tally_.clear();
  worker_->ledger().take_all(slice_tally_);
  tally_.merge(slice_tally_);
  slice_latencies_.clear();
  slice_tally_.add_latencies_to(slice_latencies_);
  out.side = name_;
  out.cpu = cpu_after - cpu_before;
  out.requests = slice_tally_.answered();
  out.errors = slice_tally_.errors().total();
  out.sent = slice_tally_.sent();
  out.due = worker_->due();
  if (end == RunEnd::server_gone) return gone("went away: " + describe_errors(tally_));
  if (end == RunEnd::io_failed) return gone("could not be driven: " + worker_->io_error().message());
  const std::uint64_t left = slice_tally_.unanswered() + slice_tally_.queued;
  if (left == 0) return {};
  return gone(fmt::format(
      "had not answered {} requests {} after the end of a slice, and the other one's must not "
      "begin before it "
      "has{}",
      grouped(left), with_unit_of_time(drain.count()), open_loop() ? ": a lower --rate is needed" : ""));
}

void Side::listen() {
  worker_->listen(kLastListen);
  worker_->ledger().take_all(tally_);
}

// Of all its processes.
Failure Side::read_cpu(Duration& out) const {
  out = {};
  for (std::size_t i = 0; i < clocks_.size(); ++i) {
    Duration cpu{};
    if (clocks_[i].read(cpu)) return gone(fmt::format("has lost its process {}, which has ended", pids_[i]));
    out += cpu;
  }
  return {};
}

Failure Side::gone(const std::string& why) const {
  return run_failure(fmt::format("server {} at {} {}", name_of(name_), url_.text(), why));
}

}  // namespace httpdyno::loadgen
