// What the programs serve: the workloads that the bench asks for.
#pragma once

#include <string>

#include "server/router.h"
#include "server/stats.h"

namespace httpdyno::variants {

// GET /             "OK"
// POST / and /echo  the body
// GET /plaintext    13 bytes
// GET /json         an object that is built and rendered for each request, as an application would
// GET /bytes/N      N bytes, up to 64 MiB
// GET /stream/N     N bytes that are produced as the client takes them, up to 8 GiB
// GET /work/MICROS  so many microseconds of CPU time, up to 1 s
// GET /sleep/MS     so many milliseconds of waiting, up to 60 s
// GET /wait/MICROS  so many microseconds of waiting without timer slack, up to 1 s
// POST /upload      the length and the CRC-32 of the body, as JSON
// GET /stats        the server's counters, as JSON
// GET /metrics      the same as OpenMetrics text
struct Workloads {
  const ServerStats* stats = nullptr;
};

// `workloads` must outlive the router.
Router<Workloads> make_router(Workloads& workloads);

}  // namespace httpdyno::variants
