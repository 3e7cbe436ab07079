// What a run came to, merged over its threads: the source of every report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/commands/options.h"
#include "loadgen/drive/worker.h"
#include "loadgen/figures/tally.h"
#include "loadgen/report/measured.h"
#include "loadgen/verdict/verdict.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

struct RunResult {
  Tally tally;                           // of all threads, and the first answer
  Measured whole;                        // of all kinds
  std::vector<Measured> kinds;           // of a mix: each
  std::optional<KernelMeasured> kernel;  // with the kernel's stamps
  Duration measured{};                   // the length of the measured part
  Duration cpu{};                        // used by this process within it, user and system
  std::uint64_t due = 0;                 // of an open loop: sent, queued or shed, without the first answer
  Duration time_in_flight{};             // within the measured part, summed over its requests
  RunEnd end = RunEnd::done;
  Error io_error;  // with RunEnd::io_failed
  int signal = 0;  // that interrupted the run, or 0
  Evidence evidence;
  Verdict verdict;
  std::string counter_failure;  // why the server's count could not be read at the end, if it was asked
  std::optional<std::uint64_t> server_requests;  // counted by the server meanwhile, if it was asked

  // No latency and no rate of it may be reported.
  bool is_void() const { return verdict.level == VerdictLevel::voided; }
  // Both by the answers within the measured part.
  double requests_per_second() const;
  double cpu_ns_per_request() const;
  double mean_in_flight() const;
  double cpu_share(std::uint32_t threads) const;
};

// What the run itself says for and against it goes into its evidence; the machine's part is there already.
void gather_evidence(const RunOptions& options, RunResult& result);

// Empty when the run did what was asked for; else what went wrong, one line.
std::string complaint(const RunResult& result, const RunOptions& options);
// kExitVoid when the verdict is void, kExitFailed with a complaint, 128 + signal when interrupted, else 0.
int exit_code(const RunResult& result, const std::string& complaint);

// "17 unanswered: the server ended the connection; 1 connections that were not made (Connection refused)"
std::string describe_errors(const Tally& tally);

// The formats. Each ends with a line end.
std::string json_report(const RunResult& result, const RunOptions& options);
std::string text_report(const RunResult& result, const RunOptions& options);

}  // namespace httpdyno::loadgen
