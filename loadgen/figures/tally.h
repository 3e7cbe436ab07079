// What one worker counts: requests, answers, errors, octets, and the latencies of the measured requests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "loadgen/figures/errors.h"
#include "loadgen/figures/kernel_latency.h"
#include "loadgen/figures/latency.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// The measured part of a run, seen in two ways. Latencies are of the requests that were due within it (in a
// closed loop: sent), whenever their answers came: a slow answer is not lost at the end, and nothing of the
// warm-up counts. Rates are of the answers that came within it, whenever they were asked for: work done per
// time.
struct Window {
  Time from = kNever;
  Time until = kNever;

  bool holds(Time time) const { return time >= from && time < until; }
  // How much of the stretch from `begin` to `end` lies within.
  Duration part_of(Time begin, Time end) const {
    return std::max(std::min(end, until) - std::max(begin, from), Duration::zero());
  }
};

// When a request was due, handed to the kernel, and begun to be answered.
struct Stamps {
  Time due;  // in a closed loop: as `sent`
  Time sent;
  Time first_byte;
};

// What came of the requests of one kind. A request that was sent is counted in exactly one place: answered
// (well or badly, which is an error too), lost with an error, or given up at the end.
struct KindTally {
  Latencies latencies;                   // of requests of the window that were answered well, or timed out
  std::uint64_t sent = 0;                // the warm-up's too, as all counts but answered_in_window
  std::uint64_t answered = 0;            // complete answers, good and bad
  std::uint64_t answered_in_window = 0;  // those of them that came within the window
  std::uint64_t unanswered = 0;          // given up when the run ended: no error, no answer
  ErrorCounts errors;

  // Whatever was sent has one fate. Not so between two ticks: what was sent in one may be answered in another.
  bool balances() const { return sent == answered + errors.of(ErrorFate::lost) + unanswered; }

  // How many requests of the window were answered well.
  std::uint64_t measured() const {
    const Latency& service = latencies.service;
    return static_cast<std::uint64_t>(service.values().total() - service.censored());
  }

  void merge(const KindTally& other) {
    latencies.merge(other.latencies);
    add_counts(other);
  }
  void add_counts(const KindTally& other) {
    sent += other.sent;
    answered += other.answered;
    answered_in_window += other.answered_in_window;
    unanswered += other.unanswered;
    errors.merge(other.errors);
  }
  void clear() {
    latencies.clear();
    sent = answered = answered_in_window = unanswered = 0;
    errors = {};
  }
};

// How the thread that counts has fared: the grounds to doubt its stamps.
struct ThreadTime {
  Duration spun{};           // of its CPU time: waiting awake for the next due time
  Duration paused{};         // in turns that took far longer than they should: stopped, or not scheduled
  Duration longest_pause{};  // of one of them

  void merge(const ThreadTime& other) {
    spun += other.spun;
    paused += other.paused;
    longest_pause = std::max(longest_pause, other.longest_pause);
  }
};

// What one thread, or all, counted in a stretch of time. A request is counted once, under its kind; the whole
// is the sum, and of histograms the sum of their counts.
struct Tally {
  std::vector<KindTally> kinds = std::vector<KindTally>(1);  // as the script's
  ErrorCounts connection_errors;                             // those of no request
  std::uint64_t bytes_received = 0;
  std::uint64_t connections = 0;  // that have been made
  std::uint64_t reconnects = 0;   // in place of one that ended before its last request

  // Of an open loop.
  std::uint64_t due_in_window = 0;
  std::uint64_t missed =
      0;  // sent after the end although a connection had been free: the generator was too slow
  std::uint64_t queued = 0;  // due, but not sent when the run ended
  std::uint64_t shed = 0;    // the same, when it ended because too many waited
  Latency unsent;            // how long those have waited, at least
  Histogram send_lag;  // due -> sent of requests that found a connection free: the generator's own delay

  // Of requests within the window: the time in flight that the service histogram does not hold (errors, and
  // what reaches over the window's edges) and that it holds too much. For Little's law.
  Duration in_flight_apart{};
  ThreadTime thread;
  std::optional<KernelLatencies> kernel;  // only where the kernel's stamps are asked for

  template <class T>
  T sum(T KindTally::*member) const {
    T out{};
    for (const KindTally& kind : kinds) out += kind.*member;
    return out;
  }
  std::uint64_t answered() const { return sum(&KindTally::answered); }
  std::uint64_t answered_in_window() const { return sum(&KindTally::answered_in_window); }
  std::uint64_t sent() const { return sum(&KindTally::sent); }
  std::uint64_t unanswered() const { return sum(&KindTally::unanswered); }
  std::uint64_t measured() const {
    std::uint64_t out = 0;
    for (const KindTally& kind : kinds) out += kind.measured();
    return out;
  }
  ErrorCounts errors() const {
    ErrorCounts out = connection_errors;
    for (const KindTally& kind : kinds) out.merge(kind.errors);
    return out;
  }
  // Of all kinds, and of what was due and never sent.
  Latencies latencies() const {
    Latencies out;
    add_latencies_to(out);
    return out;
  }
  void add_latencies_to(Latencies& out) const {
    for (const KindTally& kind : kinds) out.merge(kind.latencies);
    out.queue.merge(unsent);
    out.response.merge(unsent);
  }

  void merge(const Tally& other) {
    kinds.resize(std::max(kinds.size(), other.kinds.size()));
    for (std::size_t i = 0; i < other.kinds.size(); ++i) kinds[i].merge(other.kinds[i]);
    connection_errors.merge(other.connection_errors);
    bytes_received += other.bytes_received;
    connections += other.connections;
    reconnects += other.reconnects;
    due_in_window += other.due_in_window;
    missed += other.missed;
    queued += other.queued;
    shed += other.shed;
    unsent.merge(other.unsent);
    send_lag.merge(other.send_lag);
    in_flight_apart += other.in_flight_apart;
    thread.merge(other.thread);
    if (!other.kernel) return;
    if (!kernel) kernel.emplace();
    kernel->merge(*other.kernel);
  }
  // As new, for as many kinds; the memory is kept.
  void clear() {
    for (KindTally& kind : kinds) kind.clear();
    connection_errors = {};
    bytes_received = connections = reconnects = due_in_window = missed = queued = shed = 0;
    unsent.clear();
    send_lag.clear();
    in_flight_apart = {};
    thread = {};
    if (kernel) kernel->clear();
  }
};

}  // namespace httpdyno::loadgen
