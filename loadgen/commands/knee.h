// The highest rate of an open loop at which objectives hold, found in runs of a few seconds.
#pragma once

#include <span>

#include "loadgen/base/failure.h"
#include "loadgen/commands/options.h"
#include "loadgen/report/result.h"
#include "loadgen/work/objective.h"

namespace httpdyno::loadgen {

// What one run tells of the objectives. It holds only without an error, with a verdict that is not void and with
// at least kDeliveredMin of what was due answered; it fails with an error, with a queue beyond its limit, or where
// an objective's whole interval lies above its limit.
inline constexpr double kDeliveredMin = 0.99;
Outcome outcome_of(const RunResult& result, std::span<const Objective> objectives);

// As run() in run.h. 0 only when the knee was found: there is a rate at which the objectives hold, and one above
// it at which they do not.
int find_knee(const KneeOptions& knee, const RunOptions& options, Failure& failure);

}  // namespace httpdyno::loadgen
