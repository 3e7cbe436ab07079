// What a comparison of two servers writes down: slices, and the ratio that they come to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/figures/latency.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

enum class SideName : std::uint8_t { a, b };
std::string_view name_of(SideName side);

// One server driven for a while. What was sent within it is counted in it, also when its answer came after it.
struct Slice {
  std::uint32_t pair = 0;  // counts from 0, settling pairs apart
  SideName side = SideName::a;
  std::uint32_t position = 0;  // 0: the first of its pair
  std::uint64_t requests = 0;  // answered
  Duration cpu{};              // of the driven server's processes, all threads, user and system
  Duration wall{};             // from the first request to the last answer
  std::uint64_t errors = 0;
  std::uint64_t sent = 0;
  std::uint64_t due = 0;  // of an open loop
};

// The mean over the pairs of ln(CPU per request of B / of A), and its standard error.
struct LogRatio {
  double mean = 0;
  double standard_error = 0;
  std::uint32_t pairs = 0;
};
// Two slices in a row with the same `pair` are a pair. Pairs without requests or without CPU time are left
// out.
LogRatio log_ratio(const std::vector<Slice>& slices);

// A line of JSON. `latency` is of the slice's requests: the response of an open loop, the service of a closed
// one. Its histogram has only the buckets that are not empty, each by the highest of its values.
std::string slice_ndjson(const Slice& slice, bool open_loop, const Latency& latency);

}  // namespace httpdyno::loadgen
