// The part of the command line that a run and a comparison have in common, and how any part of it is read.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/base/rate.h"
#include "loadgen/commands/options.h"
#include "loadgen/work/schedule.h"

namespace httpdyno::loadgen {

// What CLI11 fills before it is checked and converted.
struct RawLoad {
  std::string timeout = "2s";
  std::vector<std::string> fields;
  std::string method;
  std::string body_file;
  std::size_t body_bytes = 0;
  int expected_status = 0;
  bool no_keepalive = false;
};

// Likewise: when requests are due.
struct RawArrivals {
  std::string rate;  // empty: closed loop
  std::string kind = "constant";
};

// The options from here on stand under this heading; the call for help comes last.
void begin_group(CLI::App& app, const char* heading);
void add_program_options(CLI::App& app);
void add_load_options(CLI::App& app, LoadOptions& load, RawLoad& raw);
void add_arrival_options(CLI::App& app, RawArrivals& raw);
void add_socket_option(CLI::App& app, const char* flag, Url& url, const char* text);

// Also takes a call for help: then out.text holds it, and there is nothing to do.
Failure parse_with(CLI::App& app, int argc, const char* const* argv, CommandLine& out);

Failure finish_load(const CLI::App& app, const RawLoad& raw, LoadOptions& load);
Failure finish_arrivals(const RawArrivals& raw, std::uint64_t seed, Arrivals& out);
Failure read_rate(const char* flag, const std::string& text, Rate& out);
Failure read_duration(const char* flag, const std::string& text, bool may_be_zero, Duration& out);
Failure read_url(const std::string& text, Url& out);

}  // namespace httpdyno::loadgen
