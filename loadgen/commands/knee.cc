#include "loadgen/commands/knee.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "loadgen/base/output_file.h"
#include "loadgen/base/signals.h"
#include "loadgen/commands/measure.h"
#include "loadgen/report/knee_report.h"
#include "loadgen/work/knee_search.h"
#include "loadgen/work/target.h"

namespace httpdyno::loadgen {

namespace {

// Whatever else is void, a queue beyond its limit is the server's doing.
bool void_by_generator(const Verdict& verdict) {
  return std::ranges::any_of(verdict.findings, [](const Finding& finding) {
    return finding.level == VerdictLevel::voided && finding.reason != Reason::overloaded;
  });
}

bool delivered(const RunResult& result) {
  const auto due = static_cast<double>(result.tally.due_in_window);
  // What a window holds is known to within one request.
  return static_cast<double>(result.tally.answered_in_window()) + 1 >= kDeliveredMin * due;
}

class Search {
 public:
  Search(const KneeOptions& knee, const RunOptions& options)
      : knee_(knee),
        options_(options),
        search_(options.arrivals.rate, knee.steps_max),
        report_(knee, options) {}

  // Prints as it goes. A failure ends it; what was found before still holds.
  Failure go(int out);
  KneeEnd end() const { return {search_.holds(), search_.fails(), search_.unmeasured(), signal_}; }
  const KneeReport& report() const { return report_; }

 private:
  Failure step();

  const KneeOptions& knee_;
  const RunOptions& options_;
  SignalWatch signals_;  // between the runs, which have their own
  KneeSearch search_;
  KneeReport report_;
  int signal_ = 0;
};

Failure Search::step() {
  RunOptions step = options_;
  step.arrivals.rate = search_.rate();
  step.duration = search_.length() * options_.duration;
  SecondFiles none;
  RunResult result;
  if (Failure failure = measure(step, none, result)) return failure;
  signal_ = result.signal;
  if (signal_ != 0) return {};
  if (result.end == RunEnd::io_failed || !result.counter_failure.empty()) {
    return run_failure(complaint(result, step));
  }
  const Outcome outcome = outcome_of(result, knee_.objectives);
  search_.record(outcome);
  report_.add(result, step, outcome);
  return {};
}

Failure Search::go(int out) {
  if (Failure failure = print_summary(out, report_.head())) return failure;
  while (!search_.done() && signal_ == 0) {
    if (Failure failure = step()) return failure;
    if (signal_ != 0) break;
    if (Failure failure = print_summary(out, report_.row())) return failure;
    signal_ = signals_.wait_until(Time());
  }
  return {};
}

}  // namespace

Outcome outcome_of(const RunResult& result, std::span<const Objective> objectives) {
  if (result.tally.errors().total() != 0) return Outcome::fails;
  if (void_by_generator(result.verdict)) return Outcome::unmeasured;
  if (result.is_void()) return Outcome::fails;
  std::vector<Outcome> outcomes;
  for (const Objective& objective : objectives) {
    outcomes.push_back(outcome_of(objective, result.whole.response_at(objective.percent)));
  }
  const Outcome all = worst(outcomes);
  return all == Outcome::holds && !delivered(result) ? Outcome::undecided : all;
}

int find_knee(const KneeOptions& knee, const RunOptions& options, Failure& failure) {
  OutputFile json;
  if ((failure = allow_connections(options.load.connections))) return failure.exit_code;
  if ((failure = json.open(options.json_path))) return failure.exit_code;
  const int out = json.to_stdout() ? STDERR_FILENO : STDOUT_FILENO;
  Search search(knee, options);
  const Failure ended = search.go(out);
  const KneeEnd end = search.end();
  if (json.wanted()) {
    if ((failure = json.commit(search.report().json(end)))) return failure.exit_code;
  }
  if ((failure = print_summary(out, search.report().footer(end)))) return failure.exit_code;
  if ((failure = ended)) return failure.exit_code;
  if (end.signal != 0) return kExitSignalBase + end.signal;
  if (!end.found()) failure = run_failure(search.report().complaint(end));
  return failure.exit_code;
}

}  // namespace httpdyno::loadgen
