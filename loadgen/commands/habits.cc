#include "loadgen/commands/habits.h"

#include <fmt/format.h>

namespace httpdyno::loadgen {

namespace {

struct Habit {
  const char* flag;
  const char* instead;
};

constexpr Habit kHabits[] = {
    {"-s", "wrk's scripts are not run: --mix takes kinds of requests, with weights, from a JSON file"},
    {"--script", "wrk's scripts are not run: --mix takes kinds of requests, with weights, from a JSON file"},
    {"-U", "the latency that wrk2 calls uncorrected is always printed, as service"},
    {"--u_latency", "the latency that wrk2 calls uncorrected is always printed, as service"},
    {"-n", "a run has a duration, not a number of requests: -d; with -R the number is their product"},
    {"--requests", "a run has a duration, not a number of requests: -d; with -R the number is their product"},
    {"-D", "the duration is -d here"},
    {"--rps", "h2load's rate is for each connection: -R is for all together"},
    {"--h1", "HTTP/1.1 is all that is spoken here: leave it out"},
};

}  // namespace

void add_habits(CLI::App& app) {
  for (const Habit& habit : kHabits) app.add_option(habit.flag)->expected(0, 1)->group("");
}

Failure refuse_habits(const CLI::App& app) {
  for (const Habit& habit : kHabits) {
    if (app.count(habit.flag) != 0) return usage_failure(fmt::format("{}: {}", habit.flag, habit.instead));
  }
  return {};
}

}  // namespace httpdyno::loadgen
