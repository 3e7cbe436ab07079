// Why the program ends early: one line for a person and the exit code for a script.
#pragma once

#include <string>
#include <utility>

namespace httpdyno::loadgen {

inline constexpr int kExitFailed =
    1;  // the run failed: errors, nothing answered, no connection, the server gone
inline constexpr int kExitUsage = 2;  // the command line asks for what cannot be done; nothing was measured
inline constexpr int kExitVoid =
    3;  // the run went through, but its figures would mislead, and none was reported (loadgen/verdict/)
inline constexpr int kExitSignalBase = 128;  // plus the signal's number, as a shell would say it

// Empty means "all is well".
struct [[nodiscard]] Failure {
  int exit_code = 0;
  std::string line;  // what, where, what to do; without a line end

  explicit operator bool() const { return exit_code != 0; }
};

inline Failure usage_failure(std::string line) { return {kExitUsage, std::move(line)}; }
inline Failure run_failure(std::string line) { return {kExitFailed, std::move(line)}; }

}  // namespace httpdyno::loadgen
