// One measured run: from the first answer to the figures and their verdict.
#pragma once

#include "loadgen/base/failure.h"
#include "loadgen/commands/options.h"
#include "loadgen/report/result.h"
#include "loadgen/report/second_files.h"

namespace httpdyno::loadgen {

// Asks the server once, drives the load on options.threads threads, reads the server's count and judges the run.
// `files` grow meanwhile. A failure leaves nothing to be reported: nothing was measured.
Failure measure(const RunOptions& options, SecondFiles& files, RunResult& result);

}  // namespace httpdyno::loadgen
