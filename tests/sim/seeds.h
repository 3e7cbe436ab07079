// One seed, one run: alone, or with a bug planted into the server's surroundings.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tests/sim/world.h"

namespace httpdyno::sim {

// A deliberate bug, of which the world must complain.
struct Plant {
  std::string_view name;
  std::string_view what;
  Outcome (*run)(std::uint64_t seed, bool trace);
};
std::span<const Plant> plants();

// The same seed gives the same outcome, digest included.
Outcome run_seed(std::uint64_t seed, bool trace = false);

}  // namespace httpdyno::sim
