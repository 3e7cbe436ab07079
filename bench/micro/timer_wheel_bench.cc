// The timer wheel: re-arming one of many, and firing them all.
#include <benchmark/benchmark.h>

#include <vector>

#include "net/base/prng.h"
#include "net/base/timer_wheel.h"

namespace httpdyno::micro {
namespace {

void reschedule(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Time now(1s);
  TimerWheel wheel(now);
  std::vector<TimerNode> nodes(count);
  Prng random(1);
  for (TimerNode& node : nodes) wheel.schedule(node, now + Duration(random.below(5'000'000'000)));
  std::size_t fired = 0;
  for (auto _ : state) {
    wheel.schedule(nodes[random.below(count)], now + 5s);
    now += 1us;
    wheel.advance(now, [&](TimerNode& node) {
      ++fired;
      wheel.schedule(node, now + 5s);
    });
  }
  std::size_t scheduled = 0;
  for (TimerNode& node : nodes) {
    scheduled += node.scheduled();
    wheel.cancel(node);
  }
  benchmark::DoNotOptimize(fired);
  if (scheduled != count) state.SkipWithError("a timer was lost");
}
BENCHMARK(reschedule)->Arg(64)->Arg(10'000);

void fire(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Time now(1s);
  TimerWheel wheel(now);
  std::vector<TimerNode> nodes(count);
  Prng random(1);
  for (auto _ : state) {
    for (TimerNode& node : nodes) wheel.schedule(node, now + 1ms + Duration(random.below(1'000'000'000)));
    std::size_t fired = 0;
    for (int step = 0; step <= 102; ++step) {
      now += 10ms;
      wheel.advance(now, [&](TimerNode&) { ++fired; });
    }
    if (fired != count) return state.SkipWithError("not every timer fired once");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
}
BENCHMARK(fire)->Arg(10'000);

}  // namespace
}  // namespace httpdyno::micro
