// Durations as people type them: "2", "0.5", "500ms", "2s", "1m", "1h".
#pragma once

#include <string_view>

#include "net/base/time.h"

namespace httpdyno::loadgen {

inline constexpr Duration kDurationMax = std::chrono::hours(24 * 7);

// A decimal number of seconds, or with a unit: us, ms, s, m, h. Not negative, at most kDurationMax. False
// when the text is none; `out` is set only on success.
bool parse_duration(std::string_view text, Duration& out);

inline double to_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace httpdyno::loadgen
