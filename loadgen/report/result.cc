#include "loadgen/report/result.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "loadgen/base/duration.h"
#include "loadgen/base/limits.h"
#include "loadgen/figures/little.h"

namespace httpdyno::loadgen {

namespace {

double ratio(double numerator, double denominator) { return denominator > 0 ? numerator / denominator : 0; }

// An interrupted run leaves requests behind of which nobody knows how far the server got.
std::uint64_t count_difference(const RunResult& result) {
  const std::uint64_t counted = *result.server_requests;
  const std::uint64_t least = result.tally.answered();
  const std::uint64_t most = least + result.tally.unanswered();
  return counted < least ? least - counted : counted > most ? counted - most : 0;
}

// "Connection reset by peer, in mid-answer", or nothing.
std::string describe(const ErrorCause& cause) {
  std::string text = detail_text(cause);
  if (cause.kind == ErrorKind::parse) text.insert(0, "the answer ");
  const std::string_view progress = cause.progress == AnswerProgress::before_first_byte
                                        ? "before the first octet"
                                    : cause.progress == AnswerProgress::mid_response ? "in mid-answer"
                                                                                     : "";
  if (!text.empty() && !progress.empty()) text += ", ";
  return text.append(progress);
}

// What is known of them in detail, the most frequent first: " (503: 12; 500: 3)", or nothing.
std::string describe_causes(const ErrorCounts& errors, ErrorKind kind) {
  constexpr std::size_t kNamedMax = 5;
  std::vector<ErrorCounts::Count> causes;
  for (const ErrorCounts::Count& one : errors.causes()) {
    if (one.cause.kind == kind) causes.push_back(one);
  }
  if (causes.size() == 1) {
    const std::string only = describe(causes.front().cause);
    return only.empty() ? only : fmt::format(" ({})", only);
  }
  std::stable_sort(causes.begin(), causes.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(causes.size(), kNamedMax); ++i) {
    const std::string text = describe(causes[i].cause);
    named.push_back(fmt::format("{}: {}", text.empty() ? "others" : text, causes[i].count));
  }
  if (causes.size() > kNamedMax) named.emplace_back("and more");
  return fmt::format(" ({})", fmt::join(named, "; "));
}

}  // namespace

double RunResult::requests_per_second() const {
  return ratio(static_cast<double>(tally.answered_in_window()), to_seconds(measured));
}

double RunResult::cpu_ns_per_request() const {
  return ratio(static_cast<double>(cpu.count()), static_cast<double>(tally.answered_in_window()));
}

double RunResult::mean_in_flight() const { return ratio(to_seconds(time_in_flight), to_seconds(measured)); }

double RunResult::cpu_share(std::uint32_t threads) const {
  return ratio(to_seconds(cpu), to_seconds(measured) * threads);
}

void gather_evidence(const RunOptions& options, RunResult& result) {
  const Tally& tally = result.tally;
  Evidence& evidence = result.evidence;
  evidence.measured = result.measured;
  evidence.threads = options.threads;
  evidence.longest_pause = tally.thread.longest_pause;
  evidence.paused = tally.thread.paused;
  if (options.arrivals.open()) {
    if (tally.send_lag.total() != 0) evidence.send_lag_p99 = Duration(tally.send_lag.percentile(99));
    evidence.response_p50 = Duration(result.whole.latencies.response.values().percentile(50));
    evidence.due = tally.due_in_window;
    evidence.missed_by_client = tally.missed;
    evidence.overloaded = result.end == RunEnd::overloaded;
  }
  if (tally.kernel && tally.kernel->receive_delay.values().total() != 0) {
    evidence.receive_delay_p99 = Duration(tally.kernel->receive_delay.values().percentile(99));
    evidence.kernel_service_p50 = Duration(tally.kernel->kernel_service.values().percentile(50));
  }
  const ErrorCounts errors = tally.errors();
  for (const ErrorKind wrong : {ErrorKind::status, ErrorKind::length, ErrorKind::body}) {
    evidence.wrong_answers += errors.of(wrong);
  }
  if (result.server_requests) evidence.count_difference = count_difference(result);
  if (result.time_in_flight > Duration::zero()) {
    evidence.littles_law =
        discrepancy(result.time_in_flight, result.whole.latencies.service.values(), tally.in_flight_apart);
  }
}

std::string describe_errors(const Tally& tally) {
  const ErrorCounts errors = tally.errors();
  std::string text;
  for (const ErrorRow& row : kErrorRows) {
    const std::uint64_t count = errors.of(row.kind);
    if (count == 0) continue;
    if (!text.empty()) text += "; ";
    text += fmt::format("{} {}", count, row.text);
    text += describe_causes(errors, row.kind);
  }
  return text;
}

std::string complaint(const RunResult& result, const RunOptions& options) {
  const std::string where = options.url.text();
  if (result.end == RunEnd::io_failed)
    return fmt::format("the run ended early: {}", result.io_error.message());
  if (result.end == RunEnd::server_gone) {
    return fmt::format("the server at {} went away: no connection for {:.0f} s; errors: {}", where,
                       to_seconds(kGoneAfter), describe_errors(result.tally));
  }
  if (result.tally.errors().total() != 0)
    return fmt::format("{}: errors: {}", where, describe_errors(result.tally));
  if (result.tally.measured() == 0 && result.signal == 0) {
    return fmt::format("{} answered nothing that was sent in the measured part", where);
  }
  if (!result.counter_failure.empty()) return result.counter_failure;
  if (result.server_requests && count_difference(result) != 0) {
    return fmt::format("the server at {} counted {} requests, but {} were answered", where,
                       *result.server_requests, result.tally.answered());
  }
  return {};
}

int exit_code(const RunResult& result, const std::string& complaint) {
  if (result.is_void()) return kExitVoid;
  if (!complaint.empty()) return kExitFailed;
  return result.signal != 0 ? kExitSignalBase + result.signal : 0;
}

}  // namespace httpdyno::loadgen
