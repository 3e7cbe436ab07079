// How a program speaks to its surroundings: signals, the ready line, failures in one line, exit codes.
#pragma once

#include <string>
#include <string_view>

#include "net/base/error.h"
#include "net/io/socket.h"
#include "server/config.h"
#include "variants/identity.h"

namespace httpdyno::variants {

inline constexpr int kExitFailedRun = 1;
inline constexpr int kExitUsage = 2;

// SIGTERM and SIGINT call stop(argument), which must be async-signal-safe; SIGPIPE is ignored. The limit of
// open files is raised as far as it may be. Once per process, from the main thread.
void stop_on_signals(void (*stop)(void*), void* argument);
// The server has ended and will go: a further signal must not reach it.
void ignore_signals();

// "inline-system: ready on http://127.0.0.1:8080/" or "inline-system: ready on unix:/run/site.sock"
void print_ready(const Row& row, const io::Address& address);
// To stdout, at once. A closed or full stdout is no reason to stop serving.
void print_line(std::string_view line);

// One line on stderr that begins with the program's name; they return the exit code.
int fail_start(const Row& row, std::string_view why);
int fail_to_listen(const Row& row, const Config& config, const Error& error);
int fail_run(const Row& row, std::string_view why);

}  // namespace httpdyno::variants
