// The command line of a run, and of a search for a knee, which is made of runs.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "loadgen/base/failure.h"
#include "loadgen/commands/load_options.h"
#include "loadgen/commands/options.h"

namespace httpdyno::loadgen {

// Fills `out`, once `app` has parsed and finish() has said that all is well. Never moves.
class RunLine {
 public:
  explicit RunLine(CommandLine& out);
  RunLine(const RunLine&) = delete;
  RunLine& operator=(const RunLine&) = delete;

  Failure finish();

  CLI::App app;

 private:
  void add_run_options();
  void add_open_loop_options();
  void add_knee_options();
  void add_result_options();
  Failure finish_duration();
  Failure finish_arrivals();
  Failure finish_knee();
  Failure finish_results() const;

  CommandLine& out_;
  RunOptions& run_;
  RawLoad raw_;
  RawArrivals raw_arrivals_;
  std::string url_;
  std::string duration_ = "10s";
  std::string warmup_ = "0";
  std::string drain_;
  std::string rate_to_;
  std::string slo_;
  bool find_knee_ = false;
  bool latency_ = false;
  bool show_version_ = false;
  bool show_identity_ = false;
};

}  // namespace httpdyno::loadgen
