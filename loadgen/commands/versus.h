// Two servers driven in turn, in short slices, by one thread: the ratio of their CPU per request on a noisy
// machine.
//
// Whatever lasts longer than two slices hits both sides and cancels. Both sides' connections, memory and code
// are the same in number and kind, and what is outstanding at the end of a slice is waited for, so that the
// server's CPU time of a slice belongs to it.
//
// In an open loop each slice is a schedule of its own that begins with it, and the two of a pair are the same:
// no request is due while the other side is driven.
#pragma once

#include "loadgen/base/failure.h"
#include "loadgen/commands/options.h"

namespace httpdyno::loadgen {

// As run() in run.h.
int versus(const VersusOptions& options, Failure& failure);

}  // namespace httpdyno::loadgen
