#include "loadgen/commands/versus.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "loadgen/base/clocks.h"
#include "loadgen/base/duration.h"
#include "loadgen/base/limits.h"
#include "loadgen/base/output_file.h"
#include "loadgen/base/signals.h"
#include "loadgen/base/text.h"
#include "loadgen/drive/worker.h"
#include "loadgen/report/progress.h"
#include "loadgen/report/result.h"
#include "loadgen/work/target.h"
#include "net/base/prng.h"
#include "net/io/epoll/epoll_io.h"

namespace httpdyno::loadgen {

namespace {

std::string_view name_of(SideName side) { return side == SideName::a ? "a" : "b"; }

// One server and all that drives it.
class Side {
 public:
  Side(SideName name, const Url& url, int pid) : name_(name), url_(url), pid_(pid) {}

  Failure begin(const LoadOptions& load);
  // Once both sides' first answers are known to be alike.
  Failure connect(const LoadOptions& load);
  Failure drive(Duration slice, Duration drain, Slice& out);

  const std::vector<Answer>& first() const { return target_.first; }
  const Url& url() const { return url_; }
  const Tally& tally() const { return tally_; }
  // Everything that this server has answered, settling pairs and the first answer too.
  std::uint64_t requests() const { return tally().answered() + first().size(); }

 private:
  Failure gone(const std::string& why) const {
    return run_failure(fmt::format("server {} at {} {}", name_of(name_), url_.text(), why));
  }

  SideName name_;
  Url url_;
  int pid_;
  ProcessCpuClock clock_;
  Target target_;
  io::EpollIo io_;
  std::unique_ptr<Worker<io::EpollIo>> worker_;
  Tally tally_;  // of all slices so far
};

Failure Side::begin(const LoadOptions& load) {
  if (Error error = ProcessCpuClock::open(pid_, clock_)) {
    return usage_failure(
        fmt::format("--pid-{} {}: no process whose CPU clock can be read", name_of(name_), pid_));
  }
  if (Failure failure = target_.prepare(url_, load)) return failure;
  return target_.ask_once(load);
}

Failure Side::connect(const LoadOptions& load) {
  if (Error error = io_.open()) return run_failure("cannot begin: " + error.message());
  worker_ = std::make_unique<Worker<io::EpollIo>>(io_, target_.script,
                                                  WorkerConfig{.server = target_.address,
                                                               .connections = load.connections,
                                                               .seed = load.seed,
                                                               .timeout = load.timeout});
  worker_->connect_all();
  return {};
}

Failure Side::drive(Duration slice, Duration drain, Slice& out) {
  const std::uint64_t answered = tally_.answered();
  const std::uint64_t errors = tally_.errors().total();
  Duration cpu_before{};
  Duration cpu_after{};
  if (clock_.read(cpu_before)) return gone("has ended");
  const Time begin = read_clock();
  const RunEnd end = worker_->run(begin, begin + slice, drain);
  out.wall = read_clock() - begin;
  if (clock_.read(cpu_after)) return gone("has ended");
  worker_->ledger().take_all(tally_);
  out.side = name_;
  out.cpu = cpu_after - cpu_before;
  out.requests = tally_.answered() - answered;
  out.errors = tally_.errors().total() - errors;
  if (end == RunEnd::server_gone) return gone("went away: " + describe_errors(tally_));
  if (end == RunEnd::io_failed) return gone("could not be driven: " + worker_->io_error().message());
  return {};
}

class Versus {
 public:
  explicit Versus(const VersusOptions& options)
      : options_(options),
        sides_{Side(SideName::a, options.url_a, options.pid_a),
               Side(SideName::b, options.url_b, options.pid_b)} {}

  Failure go();
  int signal() const { return signal_; }
  std::string ndjson() const;
  std::string summary() const;
  Failure verdict() const;

 private:
  Failure compare_answers() const;
  Failure compare_answers(std::size_t kind) const;
  Failure drive_pair(std::uint32_t pair, bool counts);
  std::uint64_t errors() const {
    return sides_[0].tally().errors().total() + sides_[1].tally().errors().total();
  }

  const VersusOptions& options_;
  Side sides_[2];
  Prng coin_{options_.load.seed};
  std::vector<Slice> slices_;
  int signal_ = 0;
};

Failure Versus::compare_answers() const {
  for (std::size_t kind = 0; kind < options_.load.requests.size(); ++kind) {
    if (Failure failure = compare_answers(kind)) return failure;
  }
  return {};
}

Failure Versus::compare_answers(std::size_t kind) const {
  const Answer& a = sides_[0].first()[kind];
  const Answer& b = sides_[1].first()[kind];
  std::string difference;
  if (a.status != b.status) {
    difference = fmt::format("status {} and {}", a.status, b.status);
  } else if (a.body_bytes != b.body_bytes) {
    difference = fmt::format("bodies of {} and {} octets", a.body_bytes, b.body_bytes);
  } else if (a.body_crc != b.body_crc) {
    difference = fmt::format("bodies of {} octets that are not equal", a.body_bytes);
  } else {
    return {};
  }
  return run_failure(fmt::format("the servers do not answer alike: {} and {} gave {}",
                                 options_.load.requests[kind].url_on(sides_[0].url()).text(),
                                 options_.load.requests[kind].url_on(sides_[1].url()).text(), difference));
}

Failure Versus::drive_pair(std::uint32_t pair, bool counts) {
  const std::uint32_t first = coin_.coin() ? 1 : 0;
  const Duration drain = drain_limit(options_.load.timeout, options_.load.connections);
  Slice slices[2];
  for (std::uint32_t position = 0; position < 2; ++position) {
    Slice& slice = slices[position];
    slice.pair = pair;
    slice.position = position;
    if (Failure failure = sides_[first ^ position].drive(options_.slice, drain, slice)) return failure;
  }
  if (counts) slices_.insert(slices_.end(), std::begin(slices), std::end(slices));
  return {};
}

Failure Versus::go() {
  for (Side& side : sides_) {
    if (Failure failure = side.begin(options_.load)) return failure;
  }
  if (Failure failure = compare_answers()) return failure;
  for (Side& side : sides_) {
    if (Failure failure = side.connect(options_.load)) return failure;
  }
  SignalWatch signals;
  slices_.reserve(std::size_t{2} * options_.pairs);
  Progress progress;
  const Time begin = read_clock();
  Time shown = begin;
  const std::uint32_t all = options_.settle_pairs + options_.pairs;
  for (std::uint32_t i = 0; i < all && signal_ == 0; ++i) {
    const bool counts = i >= options_.settle_pairs;
    if (Failure failure = drive_pair(counts ? i - options_.settle_pairs : i, counts)) return failure;
    signal_ = signals.wait_until(Time());
    const Time now = read_clock();
    if (!progress.shown() || now - shown < Progress::kEvery) continue;
    shown = now;
    progress.show(counts ? "comparing:" : "settling:", now - begin, 2 * all * options_.slice,
                  sides_[0].requests() + sides_[1].requests());
  }
  return {};
}

std::string Versus::ndjson() const {
  std::string text;
  for (const Slice& slice : slices_) text += ndjson_line(slice);
  const LogRatio ratio = log_ratio(slices_);
  const nlohmann::ordered_json totals = {
      {"pairs", ratio.pairs},
      {"log_ratio_mean", ratio.mean},
      {"log_ratio_standard_error", ratio.standard_error},
      {"requests_a", sides_[0].requests()},
      {"requests_b", sides_[1].requests()},
      {"errors", errors()},
      {"seed", options_.load.seed},
      {"interrupted", signal_ != 0},
  };
  return text + totals.dump() + "\n";
}

std::string Versus::summary() const {
  const LogRatio ratio = log_ratio(slices_);
  std::string text;
  for (const Side& side : sides_) {
    Duration cpu{};
    std::uint64_t requests = 0;
    const SideName name = &side == &sides_[0] ? SideName::a : SideName::b;
    for (const Slice& slice : slices_) {
      if (slice.side != name) continue;
      cpu += slice.cpu;
      requests += slice.requests;
    }
    text += fmt::format("{}  {}  {} of CPU per request, {} requests\n", name_of(name), side.url().text(),
                        with_unit_of_time(static_cast<double>(cpu.count()) /
                                          static_cast<double>(std::max<std::uint64_t>(requests, 1))),
                        grouped(requests));
  }
  const double percent = 100 * std::expm1(ratio.mean);
  // The derivative carries the error from the logarithm to the ratio.
  const double percent_error = 100 * std::exp(ratio.mean) * ratio.standard_error;
  return text + fmt::format("b over a  {:+.2f} % of CPU per request, standard error {:.2f} %, {} pairs{}\n",
                            percent, percent_error, ratio.pairs, signal_ != 0 ? ", interrupted" : "");
}

Failure Versus::verdict() const {
  for (const Side& side : sides_) {
    if (side.tally().errors().total() != 0) {
      return run_failure(fmt::format("{}: errors: {}", side.url().text(), describe_errors(side.tally())));
    }
  }
  if (signal_ == 0 && log_ratio(slices_).pairs < options_.pairs) {
    return run_failure("a slice had no answer, or used no CPU time: nothing to compare");
  }
  return {};
}

}  // namespace

LogRatio log_ratio(const std::vector<Slice>& slices) {
  std::vector<double> values;
  for (std::size_t i = 0; i + 1 < slices.size(); i += 2) {
    double logarithm = 0;
    bool usable = true;
    for (const Slice* slice : {&slices[i], &slices[i + 1]}) {
      usable = usable && slice->requests != 0 && slice->cpu > Duration::zero();
      const double value =
          std::log(static_cast<double>(slice->cpu.count()) / static_cast<double>(slice->requests));
      logarithm += slice->side == SideName::b ? value : -value;
    }
    if (usable) values.push_back(logarithm);
  }
  LogRatio out;
  out.pairs = static_cast<std::uint32_t>(values.size());
  const auto count = static_cast<double>(values.size());
  for (double value : values) out.mean += value / count;
  double squares = 0;
  for (double value : values) squares += (value - out.mean) * (value - out.mean);
  if (values.size() > 1) out.standard_error = std::sqrt(squares / (count - 1) / count);
  return out;
}

std::string ndjson_line(const Slice& slice) {
  const nlohmann::ordered_json json = {
      {"pair", slice.pair},         {"side", name_of(slice.side)}, {"position", slice.position},
      {"requests", slice.requests}, {"cpu_ns", slice.cpu.count()}, {"wall_ns", slice.wall.count()},
      {"errors", slice.errors},
  };
  return json.dump() + "\n";
}

int versus(const VersusOptions& options, Failure& failure) {
  OutputFile ndjson;
  if ((failure = allow_connections(2 * options.load.connections))) return failure.exit_code;
  if ((failure = ndjson.open(options.ndjson_path))) return failure.exit_code;
  Versus comparison(options);
  if ((failure = comparison.go())) return failure.exit_code;
  if ((failure = ndjson.commit(comparison.ndjson()))) return failure.exit_code;
  const int summary_fd = ndjson.to_stdout() ? STDERR_FILENO : STDOUT_FILENO;
  if ((failure = print_summary(summary_fd, comparison.summary()))) return failure.exit_code;
  if ((failure = comparison.verdict())) return failure.exit_code;
  return comparison.signal() != 0 ? kExitSignalBase + comparison.signal() : 0;
}

}  // namespace httpdyno::loadgen
