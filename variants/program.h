// What every server program of variants.json does, whatever its row: flags, identity, workloads, signals,
// counters.
#pragma once

#include <string>

#include "server/config.h"
#include "server/router.h"
#include "server/server.h"
#include "variants/identity.h"
#include "variants/options.h"
#include "variants/process.h"
#include "variants/workloads.h"

namespace httpdyno::variants {

// The program of one row. `ServerOf` is Server or PooledServer. Exit codes: 0 stopped by a signal or asked
// for --help or
// --identity, 1 failed while running, 2 could not start (bad flag, address in use).
template <template <class...> class ServerOf>
int run_program(const Row& row, int argc, char** argv) {
  Options options;
  options.config.thread_pool_count = row.pooled() ? kDefaultWorkers : 0;
  options.config.loops = static_cast<std::uint32_t>(row.loops);
  if (int code = 0; !parse_options(row, argc, argv, options, code)) return code;

  using Site = ServerOf<Router<Workloads>>;
  if (const std::string problem = Site::problem(options.config); !problem.empty())
    return fail_start(row, problem);

  Workloads workloads;
  Site server(options.config, make_router(workloads));
  if (Error error = server.listen()) return fail_to_listen(row, options.config, error);
  workloads.stats = &server.stats();

  stop_on_signals([](void* site) { static_cast<Site*>(site)->stop(); }, &server);
  print_ready(row, server.address());
  const Error error = server.run();
  ignore_signals();
  print_line(server.stats().total().json());
  if (error) return fail_run(row, error.message());
  return 0;
}

}  // namespace httpdyno::variants
