// The runner: many seeds, or one again.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/sim/seeds.h"

namespace httpdyno::sim {
namespace {

struct Options {
  std::uint64_t seeds = 1000;
  std::uint64_t first_seed = 1;
  std::optional<std::uint64_t> seed;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  std::string plant;
};

struct Failure {
  std::uint64_t seed;
  std::string complaint;
};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t turns = 0;
  Duration duration{};
  Sights sights;
  io::SimCounts network;
  StatsTotal server;

  // What one outcome, or another thread's totals, adds.
  template <class Part>
  void add(const Part& one) {
    turns += one.turns;
    duration += one.duration;
#define SIGHT(name, help) sights.name += one.sights.name;
#include "tests/sim/sights.def"
#undef SIGHT
#define SIM_COUNT(name, help) network.name += one.network.name;
#include "net/io/sim/sim_counts.def"
#undef SIM_COUNT
#define COUNTER(name, help) server.name += one.server.name;
#include "server/counters.def"
#undef COUNTER
  }

  void print() const {
    const auto line = [](std::string_view name, std::uint64_t value, std::string_view help) {
      fmt::print("  {:<20} {:>14}  {}\n", name, value, help);
    };
    fmt::print("what the clients met:\n");
#define SIGHT(name, help) line(#name, sights.name, help);
#include "tests/sim/sights.def"
#undef SIGHT
    fmt::print("what the network did:\n");
#define SIM_COUNT(name, help) line(#name, network.name, help);
#include "net/io/sim/sim_counts.def"
#undef SIM_COUNT
    fmt::print("what the server counted:\n");
#define COUNTER(name, help) line(#name, server.name, help);
#include "server/counters.def"
#undef COUNTER
  }
};

// The seed that this thread is running, for the last words of a program that is about to abort.
thread_local std::uint64_t present_seed = 0;
std::string repeat_command;

std::string command_for(std::uint64_t seed) { return fmt::format("{} --seed {}", repeat_command, seed); }

void on_abort(int) {
  std::fprintf(stderr, "seed %llu died; to repeat it: %s --seed %llu\n",
               static_cast<unsigned long long>(present_seed), repeat_command.c_str(),
               static_cast<unsigned long long>(present_seed));
  std::_Exit(1);
}

// Seeds in small portions for whichever thread is free; stops at the first failure.
int run(const Options& options, Outcome (*run_one)(std::uint64_t, bool)) {
  constexpr std::uint64_t kPortion = 16;
  const std::uint64_t first = options.seed.value_or(options.first_seed);
  const std::uint64_t end = first + (options.seed ? 1 : options.seeds);
  std::atomic<std::uint64_t> next{first};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Totals totals;
  std::optional<Failure> failure;

  const auto work = [&] {
    Totals mine;
    while (!failed) {
      const std::uint64_t begin = next.fetch_add(kPortion);
      for (present_seed = begin; present_seed < std::min(begin + kPortion, end); ++present_seed) {
        const Outcome outcome = run_one(present_seed, options.seed.has_value());
        mine.add(outcome);
        ++mine.seeds;
        if (outcome.complaint.empty()) continue;
        failed = true;
        const std::lock_guard lock(mutex);
        if (!failure || present_seed < failure->seed) failure = Failure{present_seed, outcome.complaint};
        break;
      }
      if (begin + kPortion >= end) break;
    }
    const std::lock_guard lock(mutex);
    totals.add(mine);
    totals.seeds += mine.seeds;
  };

  const auto begin = std::chrono::steady_clock::now();
  const std::clock_t processor_begin = std::clock();
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  const double processor = static_cast<double>(std::clock() - processor_begin) / CLOCKS_PER_SEC;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const std::chrono::duration<double> simulated = totals.duration;

  totals.print();
  fmt::print(
      "{} seeds from {} with {} threads in {:.1f} s, {:.1f} s of processor time ({:.0f} seeds a second of "
      "it)\n",
      totals.seeds, first, options.jobs, took.count(), processor,
      static_cast<double>(totals.seeds) / processor);
  fmt::print("{} turns, {:.0f} s of virtual time\n", totals.turns, simulated.count());
  if (!failure) return 0;
  fmt::print("seed {}: {}\nto repeat it: {}\n", failure->seed, failure->complaint,
             command_for(failure->seed));
  return 1;
}

}  // namespace
}  // namespace httpdyno::sim

int main(int argc, char** argv) {
  using namespace httpdyno::sim;
  Options options;
  CLI::App app("Runs the server in simulated worlds, one a seed, and holds it against a model.");
  app.add_option("--seeds", options.seeds, "how many seeds")->check(CLI::PositiveNumber);
  app.add_option("--first-seed", options.first_seed, "the first of them");
  app.add_option("--seed", options.seed, "this seed alone, with a trace of what happens on stderr");
  app.add_option("--jobs", options.jobs, "threads")->check(CLI::Range(1, 256));
  app.add_option("--plant", options.plant, "a deliberate bug, which must be found; 'list' names them");
  CLI11_PARSE(app, argc, argv);

  repeat_command = argv[0];
  auto* run_one = &run_seed;
  if (!options.plant.empty()) {
    repeat_command += " --plant " + options.plant;
    run_one = nullptr;
    for (const Plant& plant : plants()) {
      if (options.plant == "list") fmt::print("{:<16} {}\n", plant.name, plant.what);
      if (options.plant == plant.name) run_one = plant.run;
    }
    if (options.plant == "list") return 0;
    if (run_one == nullptr) {
      fmt::print(stderr, "sim: no plant is called {}; --plant list names them\n", options.plant);
      return 2;
    }
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM}) std::signal(signal, on_abort);
  return run(options, run_one);
}
