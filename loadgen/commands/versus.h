// Two servers driven in turn, in short slices, by one thread: the ratio of their CPU per request on a noisy
// machine.
//
// Whatever lasts longer than two slices hits both sides and cancels. Both sides' connections, memory and code
// are the same in number and kind, and what is outstanding at the end of a slice is waited for, so that the
// server's CPU time of a slice belongs to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/commands/options.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

enum class SideName : std::uint8_t { a, b };

struct Slice {
  std::uint32_t pair = 0;  // counts from 0, settling pairs apart
  SideName side = SideName::a;
  std::uint32_t position = 0;  // 0: the first of its pair
  std::uint64_t requests = 0;  // answered within it
  Duration cpu{};              // of the driven server's process, all threads, user and system
  Duration wall{};             // from the first request to the last answer
  std::uint64_t errors = 0;
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

// One line of JSON for each slice.
std::string ndjson_line(const Slice& slice);

// As run() in run.h.
int versus(const VersusOptions& options, Failure& failure);

}  // namespace httpdyno::loadgen
