// Whether a figure that was taken again and again moved during a run: warm-up that was too short, a leak, a
// queue that grows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace httpdyno::loadgen {

// Of fewer values nothing can be told.
inline constexpr std::size_t kDriftValuesMin = 10;

// `values` are in order of time, each from a stretch of the same length, such as the medians of seconds. Gives by
// how much the median of the second half differs from that of the first, relative to the smaller of the two: 0
// when the values have no trend that chance would not explain in 99 of 100 runs (Mann and Kendall's test).
// Empty when there are too few.
std::optional<double> drift(std::span<const std::int64_t> values);

}  // namespace httpdyno::loadgen
