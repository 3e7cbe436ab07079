// What a hand-off to another thread and back costs on this machine when nothing else is done: the floor below the
// pool's.
#include <benchmark/benchmark.h>

#include "bench/micro/channels.h"
#include "bench/micro/partner.h"

namespace httpdyno::micro {
namespace {

// range(1): cores.
template <class Channel>
void ping_pong(benchmark::State& state) {
  const auto increment = [](std::uint64_t number) { return number + 1; };
  Partner<Channel, decltype(increment)> partner(state.range(1), increment);
  std::uint64_t number = 1;
  for (auto _ : state) {
    const std::uint64_t sent = number;
    number = partner.ask(sent);
    if (number != sent + 1) {
      state.SkipWithError("another number came back");
      break;
    }
  }
  partner.stop(1);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_TEMPLATE(ping_pong, FutexChannel)->Apply([](auto* bench) {
  on_one_core_and_on_two(bench->ArgNames({"batch", "cores"}), {1});
});
BENCHMARK_TEMPLATE(ping_pong, EventfdChannel)->Apply([](auto* bench) {
  on_one_core_and_on_two(bench->ArgNames({"batch", "cores"}), {1});
});

struct Item {
  Item* next = nullptr;
  std::uint64_t number = 0;
};

// range(0): items that go to and fro together; range(1): cores.
void batches(benchmark::State& state) {
  const auto increment = [](IntrusiveQueue<Item> items) {
    IntrusiveQueue<Item> done;
    while (Item* item = items.pop()) {
      ++item->number;
      done.push(item);
    }
    return done;
  };
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<Item> items(count);
  IntrusiveQueue<Item> queue;
  for (Item& item : items) queue.push(&item);

  Partner<ListChannel<Item>, decltype(increment)> partner(state.range(1), increment);
  for (auto _ : state) queue = partner.ask(queue);
  partner.stop({});
  bool right = queue.size() == count;
  for (const Item& item : items)
    right = right && item.number == static_cast<std::uint64_t>(state.iterations());
  if (!right) state.SkipWithError("an item did not go to and fro each time");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(batches)->Apply([](auto* bench) {
  on_one_core_and_on_two(bench->ArgNames({"batch", "cores"}), {1, 16, 64});
});

}  // namespace
}  // namespace httpdyno::micro
