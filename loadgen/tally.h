// What one worker counts: answers, errors, octets, and the latencies of the measured requests.
#pragma once

#include <cstdint>
#include <string_view>

#include "loadgen/errors.h"
#include "loadgen/histogram.h"
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

// Owned by one worker's thread; merged when all are done.
struct Tally {
  Window window;
  Histogram latency;                     // ns, of requests sent within the window and answered well
  std::uint64_t answered = 0;            // complete answers, good and bad, the warm-up's too
  std::uint64_t answered_in_window = 0;  // those of them that came within the window
  std::uint64_t unanswered = 0;          // given up because the run was interrupted: no error, no answer
  std::uint64_t bytes_received = 0;
  std::uint64_t reconnects = 0;  // connections beyond the first of each place, not those of --no-keepalive
  ErrorCounts errors;
  std::string_view parse_error;  // of the first answer that could not be parsed, a literal

  void answer_well(Time sent, Time now) {
    count_answer(now);
    if (window.holds(sent)) latency.record((now - sent).count());
  }
  void answer_badly(ErrorKind kind, Time now) {
    count_answer(now);
    errors.add(kind, 1);
  }

  void merge(const Tally& other) {
    latency.merge(other.latency);
    answered += other.answered;
    answered_in_window += other.answered_in_window;
    unanswered += other.unanswered;
    bytes_received += other.bytes_received;
    reconnects += other.reconnects;
    errors.merge(other.errors);
    if (parse_error.empty()) parse_error = other.parse_error;
  }

 private:
  void count_answer(Time now) {
    ++answered;
    if (window.holds(now)) ++answered_in_window;
  }
};

}  // namespace httpdyno::loadgen
