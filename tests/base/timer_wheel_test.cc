#include "net/base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno {
namespace {

constexpr Time kStart = Time(1000s);

// Which of the nodes fire when the clock is moved to `now`.
std::vector<int> advance(TimerWheel& wheel, std::vector<TimerNode>& nodes, Time now) {
  std::vector<int> fired;
  wheel.advance(now, [&](TimerNode& node) { fired.push_back(static_cast<int>(&node - nodes.data())); });
  return fired;
}

TEST(TimerWheel, FiresAtItsDeadlineAndNotBefore) {
  TimerWheel wheel(kStart);
  std::vector<TimerNode> nodes(1);
  wheel.schedule(nodes[0], kStart + 5ms);
  EXPECT_EQ(wheel.until_next(kStart), Duration(5ms));
  EXPECT_TRUE(advance(wheel, nodes, kStart + 5ms - 1ns).empty());
  EXPECT_EQ(advance(wheel, nodes, kStart + 5ms), std::vector<int>{0});
  EXPECT_FALSE(nodes[0].scheduled());
  EXPECT_EQ(wheel.until_next(kStart + 5ms), Duration::max());
}

TEST(TimerWheel, RoundsADeadlineUpToTheNextTick) {
  TimerWheel wheel(kStart);
  std::vector<TimerNode> nodes(1);
  wheel.schedule(nodes[0], kStart + 5ms + 1ns);
  EXPECT_TRUE(advance(wheel, nodes, kStart + 5ms + 1ns).empty());
  EXPECT_EQ(advance(wheel, nodes, kStart + 6ms), std::vector<int>{0});
}

TEST(TimerWheel, APassedDeadlineFiresAtTheNextTick) {
  TimerWheel wheel(kStart);
  std::vector<TimerNode> nodes(1);
  EXPECT_TRUE(advance(wheel, nodes, kStart + 1s).empty());
  wheel.schedule(nodes[0], kStart);
  EXPECT_EQ(advance(wheel, nodes, kStart + 1s + 1ms), std::vector<int>{0});
}

TEST(TimerWheel, ACancelledTimerNeverFires) {
  TimerWheel wheel(kStart);
  std::vector<TimerNode> nodes(2);
  wheel.schedule(nodes[0], kStart + 5ms);
  wheel.schedule(nodes[1], kStart + 5ms);
  wheel.cancel(nodes[0]);
  wheel.cancel(nodes[0]);
  EXPECT_EQ(advance(wheel, nodes, kStart + 1s), std::vector<int>{1});
}

TEST(TimerWheel, ACallbackMayCancelItsNeighbourAndScheduleItself) {
  TimerWheel wheel(kStart);
  TimerNode first;
  TimerNode second;
  wheel.schedule(first, kStart + 5ms);
  wheel.schedule(second, kStart + 5ms);
  int fired = 0;
  wheel.advance(kStart + 5ms, [&](TimerNode& node) {
    ++fired;
    EXPECT_EQ(&node, &first);
    wheel.cancel(second);
    wheel.schedule(first, kStart + 10ms);
  });
  EXPECT_EQ(fired, 1);
  wheel.advance(kStart + 10ms, [&](TimerNode&) { ++fired; });
  EXPECT_EQ(fired, 2);
}

TEST(TimerWheel, NeverIsFarAway) {
  TimerWheel wheel(kStart);
  std::vector<TimerNode> nodes(1);
  wheel.schedule(nodes[0], kNever);
  EXPECT_TRUE(advance(wheel, nodes, kStart + std::chrono::hours(24 * 300)).empty());
  wheel.cancel(nodes[0]);
}

// Against a map, over spans from milliseconds to weeks: the same nodes in the same instant, each exactly
// once.
TEST(TimerWheel, AgreesWithASortedMap) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Prng random(seed);
    TimerWheel wheel(kStart);
    std::vector<TimerNode> nodes(50);
    std::map<int, Time> due;
    Time now = kStart;
    const Duration spans[] = {10ms, 1s, 100s, 10000s, 1000000s};
    for (int step = 0; step < 400; ++step) {
      const auto i = static_cast<int>(random.below(nodes.size()));
      const Duration span = spans[random.below(5)];
      switch (random.below(4)) {
        case 0:
        case 1: {
          const Time deadline = now + Duration(random.below(static_cast<std::uint64_t>(span.count())));
          wheel.schedule(nodes[static_cast<std::size_t>(i)], deadline);
          due[i] = deadline;
          break;
        }
        case 2:
          wheel.cancel(nodes[static_cast<std::size_t>(i)]);
          due.erase(i);
          break;
        default: {
          // As a loop does: never past the next thing to do, or by an arbitrary time.
          const Duration wait = wheel.until_next(now);
          now += random.coin() && wait < span
                     ? wait
                     : Duration(random.below(static_cast<std::uint64_t>(span.count())));
          for (int fired : advance(wheel, nodes, now)) {
            ASSERT_TRUE(due.contains(fired));
            EXPECT_LE(due[fired], now);
            due.erase(fired);
          }
          for (const auto& [index, deadline] : due) EXPECT_GT(deadline + TimerWheel::kTick * 2, now);
          ASSERT_LE(wheel.until_next(now), [&] {
            Duration nearest = Duration::max();
            for (const auto& [index, deadline] : due)
              nearest = std::min(nearest, deadline + 2 * TimerWheel::kTick - now);
            return nearest;
          }());
        }
      }
    }
    for (auto& node : nodes) wheel.cancel(node);
  }
}

}  // namespace
}  // namespace httpdyno
