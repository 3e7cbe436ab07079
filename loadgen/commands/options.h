// The command line: what it may hold, and what it came to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/base/url.h"
#include "loadgen/work/objective.h"
#include "loadgen/work/request.h"
#include "loadgen/work/schedule.h"
#include "loadgen/work/script.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// What a run and a comparison have in common.
struct LoadOptions {
  std::vector<RequestSpec> requests = std::vector<RequestSpec>(1);  // one for each kind
  std::uint32_t connections = 10;
  std::uint32_t pipeline = 1;
  std::uint64_t requests_per_connection = Script::kUnlimited;
  Duration timeout = 2s;
  std::string mix_path;    // empty: one kind, the command line's
  std::uint64_t seed = 1;  // of everything that is drawn
  bool any_length = false;
  bool any_body = false;
};

struct RunOptions {
  LoadOptions load;
  Url url;
  std::uint32_t threads = 1;
  Duration duration = 10s;
  Duration warmup{};
  Duration drain{};   // how long is waited for what is outstanding at the end
  Arrivals arrivals;  // closed or open loop
  std::uint64_t queue_limit =
      0;                  // of an open loop: how many due requests may wait for a connection; 0: any number
  std::string json_path;  // empty: none; "-": the standard output
  std::string hgrm_path;  // likewise
  std::string csv_path;   // likewise, as the two that follow
  std::string ndjson_path;
  std::string hlog_path;
  bool kernel_timestamps = false;
  bool live = false;       // a line for each second on stderr
  std::string stats_path;  // empty: the server's counter is not asked for
};

// Of a search for the highest rate at which objectives hold; its runs are RunOptions'.
struct KneeOptions {
  std::vector<Objective> objectives;
  std::uint32_t steps_max = 40;
};

struct VersusOptions {
  LoadOptions load;
  Url url_a;
  Url url_b;
  std::vector<int> pids_a;  // at least one
  std::vector<int> pids_b;
  Arrivals arrivals;  // at each side while it is driven; closed loop, or open with a fixed rate
  Duration slice = 25ms;
  std::uint32_t pairs = 80;
  std::uint32_t settle_pairs = 2;
  std::string ndjson_path;
};

struct MergeOptions {
  std::vector<std::string> paths;  // at least one
  std::string hlog_path;
  std::string hgrm_path;
  std::string tag;  // of which --hgrm is; empty: response, else service, else the first
};

struct CommandLine {
  enum class Mode : std::uint8_t { print, run, knee, versus, merge };
  Mode mode = Mode::print;
  std::string text;        // with print: for the standard output
  std::string completion;  // the shell that print is for, if that was asked
  RunOptions run;          // also of each step of a knee
  KneeOptions knee;
  VersusOptions versus;
  MergeOptions merge;
};

// Reads the body file and the mix, if they are named; opens nothing else. The failure's exit code is kExitUsage.
Failure parse_command_line(int argc, const char* const* argv, CommandLine& out);

}  // namespace httpdyno::loadgen
