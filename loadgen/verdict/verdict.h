// Whether a run may be believed: what speaks against it, weighed by the table reasons.def.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/time.h"

namespace httpdyno::loadgen {

enum class VerdictLevel : std::uint8_t {
  valid,
  suspect,  // the figures stand, with a doubt that is named
  voided,   // a figure would mislead whoever reads it: none is reported
};
std::string_view name_of(VerdictLevel level);  // "valid", "suspect", "void"

enum class Unit : std::uint8_t { ns, share, count, per_second };

// A limit of what is never void by itself.
inline constexpr double kNeverOver = std::numeric_limits<double>::infinity();

enum class Reason : std::uint8_t {
#define LOADGEN_REASON(name, unit, suspect, voided, text) name,
#include "loadgen/verdict/reasons.def"
#undef LOADGEN_REASON
};

struct ReasonRow {
  Reason reason;
  std::string_view key;
  Unit unit;
  double suspect_over;
  double void_over;
  std::string_view text;  // with {value} and {limit}
};

inline constexpr std::array kReasonRows = {
#define LOADGEN_REASON(name, unit, suspect, voided, text) \
  ReasonRow{Reason::name, #name, Unit::unit, suspect, voided, text},
#include "loadgen/verdict/reasons.def"
#undef LOADGEN_REASON
};
inline constexpr std::size_t kReasons = kReasonRows.size();
constexpr const ReasonRow& row_of(Reason reason) { return kReasonRows[static_cast<std::size_t>(reason)]; }

// What the machine told about the measured part (watch.h). A field that it did not tell is not known, which
// the verdict says; it is never taken as 0.
struct MachineEvidence {
  std::optional<double> busiest_second;          // share of it that one thread worked, spinning not counted
  std::optional<double> run_queue;               // share of the time that one thread waited for a core
  std::optional<double> involuntary_per_second;  // switches of one thread
  std::optional<double> steal;                   // share of the time of the cores that this process may use
  std::optional<double> throttled;      // time of the control group, over its cores, to the time that went by
  std::optional<double> retransmitted;  // segments, to those sent, in this network namespace
  std::optional<double> listen_dropped;  // connections, by listeners of this network namespace
};

// What is held against a run. Fields that do not apply to it stay empty: they are not judged.
struct Evidence {
  Duration measured{};  // the length of the measured part
  std::uint32_t threads = 1;

  MachineEvidence machine;
  Duration longest_pause{};  // a worker's turn that took so much longer than it meant to wait: it was stopped
  Duration paused{};         // all of them, over all threads

  // Of an open loop.
  std::optional<Duration> send_lag_p99;  // of the requests that found a free slot when they were due
  std::optional<Duration> response_p50;
  std::uint64_t due = 0;               // within the measured part
  std::uint64_t missed_by_client = 0;  // of these: not sent within it although a slot was free
  bool overloaded = false;             // more were queued than the limit allows

  // With the kernel's stamps.
  std::optional<Duration> receive_delay_p99;
  std::optional<Duration> kernel_service_p50;

  std::uint64_t wrong_answers = 0;                // in status, length or body
  std::optional<std::uint64_t> count_difference;  // of client and server, if the server was asked
  // Rate x mean latency against the time average of the requests in flight: |1 - ratio|.
  std::optional<double> littles_law;
  // By how much the seconds' medians moved, relative to their median, where it is more than chance.
  std::optional<double> drift;
};

struct Finding {
  Reason reason;
  VerdictLevel level = VerdictLevel::suspect;
  double value = 0;  // in the reason's unit
  double limit = 0;  // of this level
  std::string text;  // what, how much, what to do
};

struct Verdict {
  VerdictLevel level = VerdictLevel::valid;
  std::vector<Finding> findings;                         // in the table's order
  std::array<std::optional<double>, kReasons> values{};  // by Reason; empty: not known, or not applicable
  std::vector<Reason> not_known;                         // the machine did not tell
};

Verdict judge(const Evidence& evidence);

}  // namespace httpdyno::loadgen
