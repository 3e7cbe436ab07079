#include "tests/sim/seeds.h"

namespace httpdyno::sim {

Outcome run_seed(std::uint64_t seed, bool trace) {
  Plan plan = make_plan(seed);
  if (plan.pooled) return World<io::SimIo, SimDispatch<App>>(std::move(plan), trace).run();
  return World<io::SimIo, InlineDispatch<App>>(std::move(plan), trace).run();
}

}  // namespace httpdyno::sim
