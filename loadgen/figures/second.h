// What one second of a run came to: the source of the CSV, of the NDJSON and of the log of histograms.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "loadgen/figures/kernel_latency.h"
#include "loadgen/figures/latency.h"

namespace httpdyno::loadgen {

struct SecondFigures {
  double begin_s = 0;   // since the measured part began
  double length_s = 1;  // the last may be shorter
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t errors = 0;
  // Null: the run has no such latency, in this second and in all others. They are only looked at, not kept.
  const Latency* queue = nullptr;
  const Latency* service = nullptr;
  const Latency* first_byte = nullptr;
  const Latency* response = nullptr;
  const KernelLatencies* kernel = nullptr;

  // Calls visit(name, latency) for each latency that there is, in the order of all reports.
  template <class Visit>
  void each_latency(Visit visit) const {
    if (queue != nullptr) visit(std::string_view("queue"), *queue);
    if (service != nullptr) visit(std::string_view("service"), *service);
    if (first_byte != nullptr) visit(std::string_view("first_byte"), *first_byte);
    if (response != nullptr) visit(std::string_view("response"), *response);
    if (kernel != nullptr) kernel->each(visit);
  }
};

// The percentiles of a second: its own values', as they are; what a whole run's are worth is the report's to
// say.
struct SecondPercentile {
  std::string_view key;
  double percent;
};
inline constexpr std::array kSecondPercentiles = {
    SecondPercentile{"p50", 50}, SecondPercentile{"p90", 90}, SecondPercentile{"p99", 99},
    SecondPercentile{"p99_9", 99.9}, SecondPercentile{"max", 100}};

}  // namespace httpdyno::loadgen
