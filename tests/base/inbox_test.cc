// What many threads put in one inbox comes out once, in order, and its owner is woken when it must be.
#include "net/base/inbox.h"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <vector>

namespace httpdyno {
namespace {

struct Node {
  int from = 0;
  int number = 0;
  Node* next = nullptr;
};

TEST(Inbox, IsTakenWholeOldestFirst) {
  std::vector<Node> nodes(3);
  Inbox<Node> inbox;
  for (int i = 0; i < 3; ++i) {
    nodes[static_cast<std::size_t>(i)].number = i;
    EXPECT_EQ(inbox.push(&nodes[static_cast<std::size_t>(i)]), Watch::awake);
  }
  EXPECT_EQ(inbox.count([](const Node& node) { return node.number > 0; }), 2U);
  IntrusiveQueue<Node> taken = inbox.take_all();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(taken.pop()->number, i);
  EXPECT_TRUE(taken.empty());
  EXPECT_TRUE(inbox.take_all().empty());
}

TEST(Inbox, WhoComesFirstLearnsThatTheOwnerRests) {
  Node first;
  Node second;
  Inbox<Node> inbox;
  for (const Watch how : {Watch::dozing, Watch::sleeping}) {
    ASSERT_TRUE(inbox.rest(how));
    EXPECT_EQ(inbox.count([](const Node&) { return true; }), 0U);
    EXPECT_EQ(inbox.push(&first), how);
    EXPECT_EQ(inbox.push(&second), Watch::awake);
    EXPECT_FALSE(inbox.rest(how)) << "there is something to take";
    EXPECT_EQ(inbox.take_all().size(), 2U);
  }
  ASSERT_TRUE(inbox.rest(Watch::dozing));
  ASSERT_TRUE(inbox.rest(Watch::sleeping)) << "a doze may become a sleep";
  EXPECT_EQ(inbox.push(&first), Watch::sleeping);
  EXPECT_EQ(inbox.take_all().size(), 1U);
  ASSERT_TRUE(inbox.rest(Watch::sleeping));
  EXPECT_TRUE(inbox.take_all().empty());
  EXPECT_EQ(inbox.push(&first), Watch::awake) << "to take is to be awake";
}

// The owner sleeps whenever there is nothing; a wake that is not given hangs this test.
TEST(Inbox, NoWakeIsLost) {
  constexpr int kThreads = 3;
  constexpr int kEach = 20'000;
  Inbox<Node> inbox;
  std::counting_semaphore<> wakes{0};
  std::vector<std::vector<Node>> nodes(kThreads, std::vector<Node>(kEach));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        Node& node = nodes[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)];
        node = {.from = t, .number = i};
        if (inbox.push(&node) == Watch::sleeping) wakes.release();
      }
    });
  }
  std::vector<int> expected(kThreads, 0);
  for (int left = kThreads * kEach; left > 0;) {
    if (inbox.rest(Watch::sleeping)) wakes.acquire();
    IntrusiveQueue<Node> taken = inbox.take_all();
    while (const Node* node = taken.pop()) {
      ASSERT_EQ(node->number, expected[static_cast<std::size_t>(node->from)]++) << "in each one's order";
      --left;
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace httpdyno
