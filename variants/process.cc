#include "variants/process.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <initializer_list>

#include "net/base/assert.h"

namespace httpdyno::variants {

namespace {

void (*stop_function)(void*) = nullptr;
void* stop_argument = nullptr;

void on_signal(int) { stop_function(stop_argument); }

void handle(std::initializer_list<int> signals, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  for (const int signal : signals) ASSERT(sigaction(signal, &action, nullptr) == 0);
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // if it fails, there is room for fewer connections
}

void complain(const Row& row, std::string_view why) { fmt::print(stderr, "{}: {}\n", row.name, why); }

}  // namespace

void stop_on_signals(void (*stop)(void*), void* argument) {
  stop_function = stop;
  stop_argument = argument;
  handle({SIGTERM, SIGINT}, on_signal);
  handle({SIGPIPE}, SIG_IGN);
  raise_file_limit();
}

void ignore_signals() { handle({SIGTERM, SIGINT}, SIG_IGN); }

void print_ready(const Row& row, const io::Address& address) {
  const bool unix = address.family() == AF_UNIX;
  print_line(
      fmt::format("{}: ready on {}{}{}", row.name, unix ? "" : "http://", address.text(), unix ? "" : "/"));
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

int fail_start(const Row& row, std::string_view why) {
  complain(row, why);
  return kExitUsage;
}

int fail_to_listen(const Row& row, const Config& config, const Error& error) {
  const bool unix = config.bind.starts_with(io::kUnixPrefix);
  const std::string where = unix ? config.bind : fmt::format("{} port {}", config.bind, config.port);
  complain(row, fmt::format("cannot listen on {}: {}", where, error.message()));
  return kExitUsage;
}

int fail_run(const Row& row, std::string_view why) {
  complain(row, why);
  return kExitFailedRun;
}

}  // namespace httpdyno::variants
