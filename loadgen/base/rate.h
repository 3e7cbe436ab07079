// Rates as people type them: "20000", "0.5", "1e6", "50k".
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace httpdyno::loadgen {

// Requests per second, in millionths: an integer, so that due times come out exact.
struct Rate {
  std::uint64_t micro = 0;

  static constexpr std::uint64_t kMicro = 1'000'000;
  static constexpr Rate of(std::uint64_t per_second) { return {per_second * kMicro}; }
  constexpr double per_second() const { return static_cast<double>(micro) / kMicro; }
  friend auto operator<=>(Rate, Rate) = default;
};

inline constexpr Rate kRateMax = Rate::of(100'000'000);

// A decimal number, with an exponent or with k or M behind it (thousands, millions) if need be; more than
// zero, at most kRateMax, and a whole number of millionths. Returns what is wrong with it as a clause ("is no
// number"), or an empty view; `out` is set only then.
std::string_view parse_rate(std::string_view text, Rate& out);

}  // namespace httpdyno::loadgen
