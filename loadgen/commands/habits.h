// Flags of other load generators that mean nothing here, or something else: each is refused with what to use
// instead. Those that mean the same are ours, too (-c, -t, -d, -R, -H, --latency, --timeout).
#pragma once

#include <CLI/CLI.hpp>

#include "loadgen/base/failure.h"

namespace httpdyno::loadgen {

// They are neither in the help nor completed.
void add_habits(CLI::App& app);
Failure refuse_habits(const CLI::App& app);

}  // namespace httpdyno::loadgen
