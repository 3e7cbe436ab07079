// Several runs' logs of histograms as one: counts are added, percentiles come from the sums.
#pragma once

#include "loadgen/base/failure.h"
#include "loadgen/commands/options.h"

namespace httpdyno::loadgen {

// Intervals of the same tag that begin at the same time become one; all others stay, in order of time. So the
// merged log of parts is the log of the whole. As run() in run.h; nothing is written unless every file is whole.
int merge(const MergeOptions& options, Failure& failure);

}  // namespace httpdyno::loadgen
