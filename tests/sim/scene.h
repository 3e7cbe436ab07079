// What everybody in a simulated world shares: its plan, its network, what was seen, and the first thing that
// was wrong.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "net/io/sim/sim_net.h"
#include "tests/sim/app.h"
#include "tests/sim/plan.h"

namespace httpdyno::sim {

// What the clients of a run have met.
struct Sights {
#define SIGHT(name, help) std::uint64_t name = 0;
#include "tests/sim/sights.def"
#undef SIGHT
};

struct Scene {
  explicit Scene(Plan given, bool traced)
      : plan(std::move(given)), net(plan.seed ^ 0x5851f42d4c957f2dU, plan.faults), trace(traced) {
    witness.scripts = std::move(plan.scripts);
  }

  template <class... Args>
  void log(fmt::format_string<Args...> text, Args&&... args) {
    if (!trace) return;
    const std::chrono::duration<double, std::milli> at = net.now() - io::SimNet::kStart;
    fmt::print(stderr, "{:10.4f} ms  {}\n", at.count(), fmt::format(text, std::forward<Args>(args)...));
  }
  // Folds what happened into a number that is the same when the same happens again.
  void note(std::uint64_t what) {
    digest = (digest ^ what ^ static_cast<std::uint64_t>(net.now().time_since_epoch().count())) *
             0x9e3779b97f4a7c15U;
    digest ^= digest >> 32;
  }

  const Plan plan;
  io::SimNet net;
  Witness witness;
  Sights sights;
  Time stopped_at = kNever;  // when the graceful stop was asked for
  std::uint64_t digest = 0;
  bool trace;
};

}  // namespace httpdyno::sim
