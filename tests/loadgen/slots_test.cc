// Which connection gets the next request.
#include "loadgen/drive/slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

TEST(Slots, GivesTheOneThatHasBeenIdleForLongest) {
  Slots slots(3);
  EXPECT_TRUE(slots.empty());
  for (const std::uint32_t index : {2U, 0U, 1U}) slots.offer(index, true);
  slots.offer(2, true);  // again: it keeps its place
  for (const std::uint32_t index : {2U, 0U, 1U}) EXPECT_EQ(slots.take(), index);
  EXPECT_TRUE(slots.empty());
}

TEST(Slots, PrefersIdleConnectionsToThoseWithRoom) {
  Slots slots(4);
  slots.offer(3, false);
  slots.offer(1, false);
  slots.offer(2, true);
  slots.offer(1, true);  // it has been answered meanwhile
  for (const std::uint32_t index : {2U, 1U, 3U}) EXPECT_EQ(slots.take(), index);
}

TEST(Slots, ForgetsAConnectionThatIsWithdrawn) {
  Slots slots(2);
  slots.withdraw(0);
  slots.offer(0, true);
  slots.offer(1, false);
  slots.withdraw(0);
  EXPECT_EQ(slots.take(), 1U);
  EXPECT_TRUE(slots.empty());
}

// Against two plain queues.
TEST(Slots, DoesAsTwoQueuesWould) {
  constexpr std::uint32_t kConnections = 9;
  Prng random(5);
  Slots slots(kConnections);
  std::deque<std::uint32_t> queues[2];
  const auto erase = [&](std::uint32_t index) {
    for (auto& queue : queues) std::erase(queue, index);
  };
  for (int step = 0; step < 20'000; ++step) {
    const auto index = static_cast<std::uint32_t>(random.below(kConnections));
    const auto what = random.below(4);
    ASSERT_EQ(slots.empty(), queues[0].empty() && queues[1].empty()) << step << " of seed 5";
    if (what == 0 && !slots.empty()) {
      auto& queue = queues[queues[1].empty() ? 0 : 1];
      ASSERT_EQ(slots.take(), queue.front()) << step << " of seed 5";
      queue.pop_front();
    } else if (what == 1) {
      slots.withdraw(index);
      erase(index);
    } else {
      const bool idle = random.coin();
      auto& queue = queues[idle ? 1 : 0];
      slots.offer(index, idle);
      if (std::find(queue.begin(), queue.end(), index) != queue.end()) continue;
      erase(index);
      queue.push_back(index);
    }
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
