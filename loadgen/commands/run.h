// A measured run from the first answer to the report.
#pragma once

#include "loadgen/base/failure.h"
#include "loadgen/commands/options.h"

namespace httpdyno::loadgen {

// Opens the outputs, asks the server once, drives the load on options.threads threads, writes the outputs and
// prints the summary. Returns the exit code; `failure` has the line for stderr when it is not 0 (an
// interrupted run has a code and no line).
int run(const RunOptions& options, Failure& failure);

}  // namespace httpdyno::loadgen
