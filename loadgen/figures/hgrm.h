// The percentile distribution as text, as HdrHistogram's Java library prints it (.hgrm): plotters read it.
#pragma once

#include <string>

#include "loadgen/figures/histogram.h"

namespace httpdyno::loadgen {

// Values are divided by `unit`: by default ns become ms, the unit that the plotters assume. `ticks` reporting
// levels for each halving of the distance to 100 %. The layout leaves no place to state the unit. Mean,
// StdDeviation and Max are Java's, which it derives from the buckets.
std::string percentile_distribution(const Histogram& histogram, double unit = 1e6, int ticks = 5);

}  // namespace httpdyno::loadgen
