// The counters of one loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

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

struct Stats {
#define COUNTER(name, help) Counter name;
#include "server/counters.def"
#undef COUNTER

  // One JSON object, keys as in counters.def. Any thread; each number is exact, together they are not one
  // instant.
  std::string json() const {
    std::string text = "{";
#define COUNTER(name, help) text.append("\"" #name "\":").append(std::to_string(name.value())).append(",");
#include "server/counters.def"
#undef COUNTER
    text.append("\"active\":").append(std::to_string(active())).append("}");
    return text;
  }
  // Connections that are open now.
  std::uint64_t active() const {
    const std::uint64_t gone = closed.value();
    return accepted.value() - gone;
  }
};

}  // namespace httpdyno
