// The percentiles that every report has.
#pragma once

#include <array>

namespace httpdyno::loadgen {

struct Level {
  double percent;
  const char* key;   // in JSON
  const char* text;  // for people
};

inline constexpr std::array<Level, 6> kLevels = {{{50, "p50", "p50"},
                                                  {90, "p90", "p90"},
                                                  {95, "p95", "p95"},
                                                  {99, "p99", "p99"},
                                                  {99.9, "p99_9", "p99.9"},
                                                  {99.99, "p99_99", "p99.99"}}};

}  // namespace httpdyno::loadgen
