// loadgen: reads the command line, runs what it asks for, and says in one line why if that failed.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <exception>

#include "loadgen/base/output_file.h"
#include "loadgen/commands/knee.h"
#include "loadgen/commands/merge.h"
#include "loadgen/commands/options.h"
#include "loadgen/commands/run.h"
#include "loadgen/commands/versus.h"

namespace httpdyno::loadgen {

namespace {

int dispatch(const CommandLine& command, Failure& failure) {
  switch (command.mode) {
    case CommandLine::Mode::print: return write_all(STDOUT_FILENO, command.text) == 0 ? 0 : kExitFailed;
    case CommandLine::Mode::run: return run(command.run, failure);
    case CommandLine::Mode::knee: return find_knee(command.knee, command.run, failure);
    case CommandLine::Mode::versus: return versus(command.versus, failure);
    case CommandLine::Mode::merge: return merge(command.merge, failure);
  }
  return kExitUsage;
}

int run_main(int argc, const char* const* argv) {
  // A closed pipe is an error of the write, not a silent end.
  ::signal(SIGPIPE, SIG_IGN);
  CommandLine command;
  Failure failure = parse_command_line(argc, argv, command);
  const int code = failure ? failure.exit_code : dispatch(command, failure);
  if (failure) write_all(STDERR_FILENO, fmt::format("loadgen: {}\n", failure.line));
  return code;
}

}  // namespace

}  // namespace httpdyno::loadgen

int main(int argc, char** argv) {
  try {
    return httpdyno::loadgen::run_main(argc, argv);
  } catch (const std::exception& error) {
    // Out of memory or of threads.
    fmt::print(stderr, "loadgen: cannot go on: {}\n", error.what());
    return httpdyno::loadgen::kExitFailed;
  }
}
