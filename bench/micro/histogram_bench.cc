// Recording a latency: once for every request that is measured.
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "loadgen/figures/histogram.h"
#include "net/base/prng.h"

namespace httpdyno::micro {
namespace {

void record_latency(benchmark::State& state) {
  // Like a server's: some 100 µs, with a long tail.
  Prng random(1);
  std::vector<std::int64_t> values(4096);
  std::int64_t largest = 0;
  for (std::int64_t& value : values) {
    value = static_cast<std::int64_t>(100'000.0 * -std::log(1.0 - random.unit())) + 1;
    largest = std::max(largest, value);
  }
  loadgen::Histogram histogram;
  std::size_t at = 0;
  for (auto _ : state) histogram.record(values[at++ % values.size()]);
  const bool counted = histogram.total() == state.iterations();
  if (!counted || (at >= values.size() && histogram.max() != largest))
    state.SkipWithError("a latency was lost");
}
BENCHMARK(record_latency);

}  // namespace
}  // namespace httpdyno::micro
