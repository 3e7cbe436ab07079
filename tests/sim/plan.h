// What one seed decides: the server's configuration, the network's faults, and how each client behaves.
#pragma once

#include <cstdint>
#include <vector>

#include "net/base/prng.h"
#include "net/base/time.h"
#include "net/io/sim/sim_net.h"
#include "server/config.h"
#include "tests/sim/exchange.h"

namespace httpdyno::sim {

enum class Manner : std::uint8_t {
  polite,       // reads everything, then closes
  lingers,      // reads everything, then waits for the server to close
  half_closes,  // ends its side behind its last request and reads on
  truncates,    // ends its side somewhere
  stalls,       // sends no more from somewhere on
  deaf,         // reads no more after some answers
  vanishes,     // closes or resets somewhere
};
inline constexpr int kManners = 7;

struct ClientPlan {
  Manner manner = Manner::polite;
  Duration begins_after{};
  std::size_t depth = 1;        // requests that may be unanswered at a time
  std::size_t piece_bytes = 0;  // the largest write
  std::uint32_t pauses = 0;     // out of 1000 writes
  Duration pause_max{};
  std::size_t breaks_at = 0;  // octets of its requests after which it stalls, truncates, vanishes
  std::size_t hears = 0;      // answers that one that is deaf still reads
  bool rude = false;          // vanishes with a reset
};

struct Plan {
  std::uint64_t seed = 0;
  Config config;
  io::SimFaults faults;
  bool pooled = false;
  bool patient =
      false;  // every timeout is far above every delay: none may strike a client that does its part
  Duration stops_after{};  // the graceful stop; zero: when everything is done
  std::vector<ClientPlan> clients;
  std::vector<std::vector<Exchange>> scripts;
};

Plan make_plan(std::uint64_t seed);

// No time at which something still happens is later than this after the start.
Duration longest_run(const Plan& plan);

}  // namespace httpdyno::sim
