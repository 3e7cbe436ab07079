// What answer buffers keep of their memory.
#include "server/output.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace httpdyno {
namespace {

constexpr std::size_t kKept = 1 << 20;

// Buffers whose filling half has that capacity, as after an answer of that size.
OutputBuffers* take_of(OutputPool& pool, std::size_t capacity) {
  OutputBuffers* buffers = pool.take();
  buffers->filling().reserve_total(capacity);
  return buffers;
}

// The capacities of what `count` calls of take() give.
std::vector<std::size_t> taken(OutputPool& pool, int count) {
  std::vector<OutputBuffers*> all;
  std::vector<std::size_t> capacities;
  for (int i = 0; i < count; ++i) {
    all.push_back(pool.take());
    capacities.push_back(all.back()->capacity());
  }
  for (OutputBuffers* buffers : all) delete buffers;
  return capacities;
}

TEST(OutputPool, KeepsAMebibyte) {
  OutputPool pool(SIZE_MAX);
  pool.give_back(take_of(pool, kKept));
  EXPECT_EQ(taken(pool, 1), std::vector<std::size_t>{kKept});
}

TEST(OutputPool, GivesBackWhatIsLarger) {
  OutputPool pool(SIZE_MAX);
  const std::size_t first = taken(pool, 1)[0];
  pool.give_back(take_of(pool, kKept + 1));
  EXPECT_EQ(taken(pool, 1), std::vector<std::size_t>{first});
}

TEST(OutputPool, KeepsTheHalfThatIsNotTooLarge) {
  OutputPool pool(SIZE_MAX);
  OutputBuffers* buffers = take_of(pool, kKept + 1);
  buffers->flying().reserve_total(5000);
  pool.give_back(buffers);
  buffers = pool.take();
  EXPECT_EQ(buffers->filling().capacity(), 5000U);
  EXPECT_EQ(buffers->flying().capacity(), 0U);
  pool.give_back(buffers);
}

TEST(OutputPool, KeepsNoMoreThanItMay) {
  constexpr std::size_t kEach = 10'000;
  OutputPool pool(3 * (kEach + sizeof(OutputBuffers)));
  const std::size_t first = taken(pool, 1)[0];
  // Twice: what is taken counts no longer.
  for (int i = 0; i < 2; ++i) {
    std::vector<OutputBuffers*> all;
    for (int k = 0; k < 5; ++k) all.push_back(take_of(pool, kEach));
    for (OutputBuffers* buffers : all) pool.give_back(buffers);
  }
  EXPECT_EQ(taken(pool, 5), (std::vector<std::size_t>{kEach, kEach, kEach, first, first}));
}

TEST(OutputPool, KeepsNothingWhenItMayKeepNothing) {
  OutputPool pool(0);
  const std::size_t first = taken(pool, 1)[0];
  pool.give_back(take_of(pool, 10'000));
  EXPECT_EQ(taken(pool, 1), std::vector<std::size_t>{first});
}

// A connection that goes on sending keeps no more than one that is idle.
TEST(Output, GivesBackALargeHalfThatIsSent) {
  OutputPool pool(SIZE_MAX);
  Output output;
  output.filling(pool).append(std::string(kKept + 1, 'x'));
  const std::size_t size = output.begin_send().size();
  output.filling(pool).append("next");
  output.sent(size, pool);
  EXPECT_EQ(output.begin_send(), "next");
  EXPECT_EQ(output.filling(pool).capacity(), 0U);
  output.abandon(pool);
}

}  // namespace
}  // namespace httpdyno
