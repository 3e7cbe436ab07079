// Whether a figure that was taken again and again moved during a run: warm-up that was too short, a leak, a
// queue that grows. The percentiles of a run that drifts are those of its length.
//
// The series is tested twice: for a trend (the slope of Theil 1950 and Sen 1968, the median of all pairs' slopes)
// and for a step (the median of its second half against that of its first). Each has to be great against the
// noise: the residuals' median absolute deviation, widened by their lag-1 correlation r as (1 + r) / (1 - r)
// widens the variance of a mean. Unlike a test of ranks (Mann and Kendall's) this knows that a queue that grows
// tenfold in ten seconds is no chance and that a slow phase of some seconds is, and unlike least squares it does
// not mind a second with a stall. By simulation (drift_test.cc) fewer than 1 % of series that forget within four
// values move by a tenth; one whose memory is a good part of its length looks like a drift, and is called one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace httpdyno::loadgen {

// Of fewer values the noise cannot be told from what is looked for.
inline constexpr std::size_t kDriftValuesMin = 10;

// `values` are in order of time, each from a stretch of the same length, such as the medians of seconds. Gives by
// how much they moved, relative to their median: from end to end where it was a trend, from half to half where
// it was a step, the greater one. 0 when chance may have moved them; empty when there are too few.
std::optional<double> drift(std::span<const std::int64_t> values);

}  // namespace httpdyno::loadgen
