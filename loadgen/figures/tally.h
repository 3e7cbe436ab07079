// What one worker counts: answers, errors, octets, and the latencies of the measured requests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "loadgen/figures/errors.h"
#include "loadgen/figures/histogram.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// The measured part of a run, seen in two ways. Latencies are of the requests that were sent within it,
// whenever their answers came: a slow answer is not lost at the end, and nothing sent in the warm-up counts.
// Rates are of the answers that came within it, whenever they were asked for: work done per time.
struct Window {
  Time from = kNever;
  Time until = kNever;

  bool holds(Time time) const { return time >= from && time < until; }
};

// What came of the requests of one kind.
struct KindTally {
  Histogram latency;                     // ns, of requests sent within the window and answered well
  std::uint64_t answered = 0;            // complete answers, good and bad, the warm-up's too
  std::uint64_t answered_in_window = 0;  // those of them that came within the window
  std::uint64_t unanswered = 0;          // given up because the run was interrupted: no error, no answer
  ErrorCounts errors;

  std::uint64_t measured() const { return static_cast<std::uint64_t>(latency.total()); }

  void answer_well(const Window& window, Time sent, Time now) {
    count_answer(window, now);
    if (window.holds(sent)) latency.record((now - sent).count());
  }
  void answer_badly(const Window& window, ErrorKind error, Time now) {
    count_answer(window, now);
    errors.add(error, 1);
  }
  void merge(const KindTally& other) {
    latency.merge(other.latency);
    answered += other.answered;
    answered_in_window += other.answered_in_window;
    unanswered += other.unanswered;
    errors.merge(other.errors);
  }

 private:
  void count_answer(const Window& window, Time now) {
    ++answered;
    if (window.holds(now)) ++answered_in_window;
  }
};

// Owned by one worker's thread; merged when all are done. A request is counted once, under its kind; the
// whole is the sum, and of histograms the sum of their counts.
struct Tally {
  Window window;
  std::vector<KindTally> kinds = std::vector<KindTally>(1);  // as the script's
  ErrorCounts connection_errors;                             // those of no request
  std::uint64_t bytes_received = 0;
  std::uint64_t reconnects = 0;  // connections beyond the first of each place, not those of --no-keepalive
  std::string_view parse_error;  // of the first answer that could not be parsed, a literal

  KindTally whole() const {
    KindTally sum;
    for (const KindTally& kind : kinds) sum.merge(kind);
    sum.errors.merge(connection_errors);
    return sum;
  }
  std::uint64_t answered() const {
    std::uint64_t sum = 0;
    for (const KindTally& kind : kinds) sum += kind.answered;
    return sum;
  }
  ErrorCounts errors() const {
    ErrorCounts sum = connection_errors;
    for (const KindTally& kind : kinds) sum.merge(kind.errors);
    return sum;
  }

  void merge(const Tally& other) {
    kinds.resize(std::max(kinds.size(), other.kinds.size()));
    for (std::size_t i = 0; i < other.kinds.size(); ++i) kinds[i].merge(other.kinds[i]);
    connection_errors.merge(other.connection_errors);
    bytes_received += other.bytes_received;
    reconnects += other.reconnects;
    if (parse_error.empty()) parse_error = other.parse_error;
  }
};

}  // namespace httpdyno::loadgen
