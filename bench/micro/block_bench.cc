// Where a block of memory is freed: by the thread that allocated it, by another one, or by its owner after it came
// back; and what it saves to keep it instead. With another allocator than the system's:
//   LD_PRELOAD=libjemalloc.so.2 build/release/bin/micro --benchmark_filter=blocks
// (libmimalloc.so.2, libtcmalloc_minimal.so.4); which one was there is in the benchmark's context.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "bench/micro/channels.h"
#include "bench/micro/partner.h"
#include "variants/allocator.h"

namespace httpdyno::micro {
namespace {

[[maybe_unused]] const bool in_context = [] {
  benchmark::AddCustomContext("allocator", variants::probe_allocator().name);
  return true;
}();

// The beginning of each block, which is longer.
struct Block {
  Block* next;
  std::uint64_t number;
};
using Blocks = IntrusiveQueue<Block>;

// As many as are handed over together, so that the hand-off is a small part.
constexpr std::uint64_t kBatch = 64;

char& last_octet(Block* block, std::size_t bytes) { return reinterpret_cast<char*>(block)[bytes - 1]; }

// Written at both ends, as what is in use is.
void write(Block* block, std::size_t bytes, std::uint64_t number) {
  block->number = number;
  last_octet(block, bytes) = static_cast<char>(number);
}

Blocks allocate(std::size_t bytes) {
  Blocks blocks;
  for (std::uint64_t number = 0; number < kBatch; ++number) {
    auto* block = static_cast<Block*>(std::malloc(bytes));
    write(block, bytes, number);
    blocks.push(block);
  }
  return blocks;
}

void free_all(Blocks blocks) {
  while (Block* block = blocks.pop()) std::free(block);
}

// What their user does: it looks at them, and counts those that are as they were written.
class Reader {
 public:
  explicit Reader(std::size_t bytes) : bytes_(bytes) {}

  Blocks read(Blocks blocks) {
    Blocks seen;
    for (std::uint64_t number = 0; Block* block = blocks.pop(); ++number) {
      whole_ += block->number == number && last_octet(block, bytes_) == static_cast<char>(number);
      seen.push(block);
    }
    return seen;
  }

  void report(benchmark::State& state) const {
    const auto blocks = static_cast<std::uint64_t>(state.iterations()) * kBatch;
    if (whole_ != blocks) state.SkipWithError("a block was lost or damaged");
    state.SetItemsProcessed(static_cast<std::int64_t>(blocks));
  }

 private:
  std::size_t bytes_;
  std::uint64_t whole_ = 0;
};

// range(0): octets of a block.
void blocks_of_one_thread(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Reader reader(bytes);
  for (auto _ : state) free_all(reader.read(allocate(bytes)));
  reader.report(state);
}

// range(1), in all that follow: cores.
void blocks_freed_by_another_thread(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Reader reader(bytes);
  const auto read_and_free = [&](Blocks blocks) {
    free_all(reader.read(blocks));
    return Blocks();
  };
  Partner<ListChannel<Block>, decltype(read_and_free)> partner(state.range(1), read_and_free);
  for (auto _ : state) partner.ask(allocate(bytes));
  partner.stop({});
  reader.report(state);
}

void blocks_returned_and_freed(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Reader reader(bytes);
  const auto read = [&](Blocks blocks) { return reader.read(blocks); };
  Partner<ListChannel<Block>, decltype(read)> partner(state.range(1), read);
  for (auto _ : state) free_all(partner.ask(allocate(bytes)));
  partner.stop({});
  reader.report(state);
}

void blocks_returned_and_kept(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  Reader reader(bytes);
  const auto read = [&](Blocks blocks) { return reader.read(blocks); };
  Partner<ListChannel<Block>, decltype(read)> partner(state.range(1), read);
  Blocks kept = allocate(bytes);
  for (auto _ : state) {
    Blocks written;
    for (std::uint64_t number = 0; Block* block = kept.pop(); ++number) {
      write(block, bytes, number);
      written.push(block);
    }
    kept = partner.ask(written);
  }
  partner.stop({});
  free_all(kept);
  reader.report(state);
}

const std::vector<std::int64_t> kBytes = {64, 1 << 10, 16 << 10, 64 << 10};
void sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("bytes");
  for (const std::int64_t bytes : kBytes) bench->Arg(bytes);
}
void sizes_and_cores(benchmark::internal::Benchmark* bench) {
  on_one_core_and_on_two(bench->ArgNames({"bytes", "cores"}), kBytes);
}
BENCHMARK(blocks_of_one_thread)->Apply(sizes);
BENCHMARK(blocks_freed_by_another_thread)->Apply(sizes_and_cores);
BENCHMARK(blocks_returned_and_freed)->Apply(sizes_and_cores);
BENCHMARK(blocks_returned_and_kept)->Apply(sizes_and_cores);

}  // namespace
}  // namespace httpdyno::micro
