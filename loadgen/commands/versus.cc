#include "loadgen/commands/versus.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "loadgen/base/duration.h"
#include "loadgen/base/output_file.h"
#include "loadgen/base/signals.h"
#include "loadgen/base/text.h"
#include "loadgen/commands/side.h"
#include "loadgen/commands/slices.h"
#include "loadgen/report/progress.h"
#include "loadgen/report/result.h"
#include "net/base/prng.h"

namespace httpdyno::loadgen {

namespace {

class Versus {
 public:
  // Both outlive it.
  Versus(const VersusOptions& options, OutputFile& ndjson)
      : options_(options),
        ndjson_(ndjson),
        sides_{{SideName::a, options}, {SideName::b, options}},
        coin_(options.load.seed),
        arrivals_(coin_.next()) {}

  Failure go();
  int signal() const { return signal_; }
  // The last line: the totals.
  std::string totals() const;
  std::string summary() const;
  Failure verdict() const;

 private:
  Failure compare_answers() const;
  Failure compare_answers(std::size_t kind) const;
  Failure drive_pair(std::uint32_t pair, bool counts);
  void look_for_signal() {
    if (signal_ == 0) signal_ = signals_->wait_until(Time());
  }
  std::uint64_t errors() const {
    return sides_[0].tally().errors().total() + sides_[1].tally().errors().total();
  }

  const VersusOptions& options_;
  OutputFile& ndjson_;
  Side sides_[2];
  Prng coin_;
  Prng arrivals_;  // seeds of poisson arrivals: one for each pair
  std::vector<Slice> slices_;
  std::optional<SignalWatch> signals_;
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

// A pair that a signal has cut short does not count.
Failure Versus::drive_pair(std::uint32_t pair, bool counts) {
  const std::uint32_t first = coin_.coin() ? 1 : 0;
  const std::uint64_t arrivals = arrivals_.next();
  Slice slices[2];
  for (std::uint32_t position = 0; position < 2; ++position) {
    Slice& slice = slices[position];
    slice.pair = pair;
    slice.position = position;
    if (Failure failure = sides_[first ^ position].drive(arrivals, slice)) return failure;
    look_for_signal();
    if (signal_ != 0 && position == 0) return {};
  }
  if (!counts) return {};
  slices_.insert(slices_.end(), std::begin(slices), std::end(slices));
  if (!ndjson_.wanted()) return {};
  for (std::uint32_t position = 0; position < 2; ++position) {
    const Latency& latency = sides_[first ^ position].latency();
    if (Failure failure = ndjson_.append(slice_ndjson(slices[position], options_.arrivals.open(), latency)))
      return failure;
  }
  return {};
}

Failure Versus::go() {
  for (Side& side : sides_) {
    if (Failure failure = side.begin()) return failure;
  }
  if (Failure failure = compare_answers()) return failure;
  for (Side& side : sides_) {
    if (Failure failure = side.connect()) return failure;
  }
  // A sleep ends when it should, not when it suits the kernel.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  signals_.emplace();
  slices_.reserve(std::size_t{2} * options_.pairs);
  Progress progress;
  const Time begin = read_clock();
  Time shown = begin;
  const std::uint32_t all = options_.settle_pairs + options_.pairs;
  for (std::uint32_t i = 0; i < all && signal_ == 0; ++i) {
    const bool counts = i >= options_.settle_pairs;
    if (Failure failure = drive_pair(counts ? i - options_.settle_pairs : i, counts)) return failure;
    const Time now = read_clock();
    if (!progress.shown() || now - shown < Progress::kEvery) continue;
    shown = now;
    progress.show(counts ? "comparing:" : "settling:", now - begin, 2 * all * options_.slice,
                  sides_[0].requests() + sides_[1].requests());
  }
  for (Side& side : sides_) side.listen();
  return {};
}

std::string Versus::totals() const {
  const LogRatio ratio = log_ratio(slices_);
  nlohmann::ordered_json json = {
      {"pairs", ratio.pairs},
      {"log_ratio_mean", ratio.mean},
      {"log_ratio_standard_error", ratio.standard_error},
      {"requests_a", sides_[0].requests()},
      {"requests_b", sides_[1].requests()},
      {"errors", errors()},
      {"seed", options_.load.seed},
      {"interrupted", signal_ != 0},
  };
  if (options_.arrivals.open()) json["rate"] = options_.arrivals.rate.per_second();
  return json.dump() + "\n";
}

std::string Versus::summary() const {
  const LogRatio ratio = log_ratio(slices_);
  std::string text;
  for (const Side& side : sides_) {
    Duration cpu{};
    std::uint64_t requests = 0;
    for (const Slice& slice : slices_) {
      if (slice.side != side.name()) continue;
      cpu += slice.cpu;
      requests += slice.requests;
    }
    text +=
        fmt::format("{}  {}  {} of CPU per request, {} requests\n", name_of(side.name()), side.url().text(),
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

int versus(const VersusOptions& options, Failure& failure) {
  OutputFile ndjson;
  if ((failure = allow_connections(2 * options.load.connections))) return failure.exit_code;
  if ((failure = ndjson.open(options.ndjson_path))) return failure.exit_code;
  Versus comparison(options, ndjson);
  if ((failure = comparison.go())) return failure.exit_code;
  if ((failure = ndjson.commit(comparison.totals()))) return failure.exit_code;
  const int summary_fd = ndjson.to_stdout() ? STDERR_FILENO : STDOUT_FILENO;
  if ((failure = print_summary(summary_fd, comparison.summary()))) return failure.exit_code;
  if ((failure = comparison.verdict())) return failure.exit_code;
  return comparison.signal() != 0 ? kExitSignalBase + comparison.signal() : 0;
}

}  // namespace httpdyno::loadgen
