// What a server is to keep to: percentiles of the response time below limits, as "p99<2ms,p50<300us".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/figures/quantile.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// The share `percent` of the responses is to take less than `limit`.
struct Objective {
  std::string name;  // of the percentile, as it was written: "p99.9"
  double percent = 0;
  Duration limit{};
};

inline constexpr std::size_t kObjectivesMax = 8;

// At least one, separated by commas. Returns what is wrong with the first that is none, as a clause that begins
// with its text in quotes, or an empty string; `out` is set only then.
std::string parse_objectives(std::string_view text, std::vector<Objective>& out);

// What a run tells of objectives.
enum class Outcome : std::uint8_t {
  holds,
  fails,
  undecided,   // the run is too short to tell
  unmeasured,  // the run is void, for a reason that is not the server's: it tells nothing
};
std::string_view name_of(Outcome outcome);

// Holds or fails only where the whole interval lies on one side of the limit.
Outcome outcome_of(const Objective& objective, const Quantile& measured);
// Of several: one that fails is enough to fail, and all must hold.
Outcome worst(std::span<const Outcome> outcomes);

}  // namespace httpdyno::loadgen
