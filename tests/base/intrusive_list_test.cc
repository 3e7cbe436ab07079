#include "net/base/intrusive_list.h"

#include <gtest/gtest.h>

namespace httpdyno {
namespace {

struct Node {
  int value = 0;
  Node* next = nullptr;
};

TEST(IntrusiveQueue, FirstInFirstOut) {
  Node nodes[3] = {{1}, {2}, {3}};
  IntrusiveQueue<Node> queue;
  EXPECT_EQ(queue.pop(), nullptr);
  for (Node& node : nodes) queue.push(&node);
  EXPECT_EQ(queue.size(), 3U);
  for (Node& node : nodes) EXPECT_EQ(queue.pop(), &node);
  EXPECT_TRUE(queue.empty());
  queue.push(&nodes[1]);
  EXPECT_EQ(queue.pop(), &nodes[1]);
}

TEST(IntrusiveQueue, TakeAllLeavesNothing) {
  Node nodes[2] = {{1}, {2}};
  IntrusiveQueue<Node> queue;
  queue.push(&nodes[0]);
  queue.push(&nodes[1]);
  IntrusiveQueue<Node> taken = queue.take_all();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken.pop(), &nodes[0]);
}

TEST(IntrusiveStack, LastInFirstOut) {
  Node nodes[2] = {{1}, {2}};
  IntrusiveStack<Node> stack;
  EXPECT_EQ(stack.pop(), nullptr);
  stack.push(&nodes[0]);
  stack.push(&nodes[1]);
  EXPECT_EQ(stack.size(), 2U);
  EXPECT_EQ(stack.pop(), &nodes[1]);
  EXPECT_EQ(stack.pop(), &nodes[0]);
  EXPECT_EQ(stack.pop(), nullptr);
  EXPECT_EQ(stack.size(), 0U);
  EXPECT_TRUE(stack.empty());
}

}  // namespace
}  // namespace httpdyno
