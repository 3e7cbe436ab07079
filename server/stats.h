// The counters of one loop, their sum over the loops of a server, and both renderings of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace httpdyno {

// Written by one thread, read by any: a relaxed load and store, no locked instruction.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Of one loop.
struct Stats {
#define COUNTER(name, help) Counter name;
#include "server/counters.def"
#undef COUNTER

  // Connections that are open now.
  std::uint64_t active() const {
    const std::uint64_t gone = closed.value();
    return accepted.value() - gone;
  }
};

// What was read of one or more loops. Each number is exact, together they are not one instant.
struct StatsTotal {
#define COUNTER(name, help) std::uint64_t name = 0;
#include "server/counters.def"
#undef COUNTER
  std::uint64_t active = 0;

  StatsTotal& operator+=(const Stats& stats);

  // One JSON object on one line, keys as in counters.def, and "active".
  std::string json() const;
  // OpenMetrics 1.0 text: each counter as httpdyno_NAME_total (bytes_NAME as httpdyno_NAME_bytes_total), the open
  // connections as a gauge.
  std::string openmetrics() const;
};

inline constexpr std::string_view kOpenMetricsType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// The counters of a server's loops, summed when they are read: any thread, while the server lives.
class ServerStats {
 public:
  void add_loop(const Stats& stats) { loops_.push_back(&stats); }

  StatsTotal total() const {
    StatsTotal total;
    for (const Stats* loop : loops_) total += *loop;
    return total;
  }

 private:
  std::vector<const Stats*> loops_;
};

}  // namespace httpdyno
