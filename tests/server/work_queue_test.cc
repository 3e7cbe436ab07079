// What waits for workers: each job is taken once, oldest first, and nobody sleeps while there is one.
#include "server/work_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

namespace httpdyno {
namespace {

struct Item {
  int number = 0;
  Item* next = nullptr;
};

constexpr auto kNothing = [] {};

IntrusiveQueue<Item> batch_of(std::vector<Item>& items) {
  IntrusiveQueue<Item> batch;
  for (Item& item : items) batch.push(&item);
  return batch;
}

TEST(WorkQueue, OldestFirstAndNothingAfterTheStop) {
  std::vector<Item> items(3);
  for (int i = 0; i < 3; ++i) items[static_cast<std::size_t>(i)].number = i;
  WorkQueue<Item> queue(Duration::zero());
  queue.push(batch_of(items));
  EXPECT_EQ(queue.take(1, kNothing).pop()->number, 0);
  EXPECT_FALSE(queue.stopped());
  queue.stop();
  EXPECT_TRUE(queue.stopped());
  EXPECT_TRUE(queue.take(1, kNothing).empty());
  EXPECT_EQ(queue.take_all().size(), 2U);
}

TEST(WorkQueue, NoMoreThanAreWanted) {
  std::vector<Item> items(5);
  WorkQueue<Item> queue(Duration::zero());
  queue.push(batch_of(items));
  EXPECT_EQ(queue.take(2, kNothing).size(), 2U);
  EXPECT_EQ(queue.take(9, kNothing).size(), 3U);
}

TEST(WorkQueue, SaysBeforeItWaits) {
  std::vector<Item> items(1);
  WorkQueue<Item> queue(Duration::zero());
  int waits = 0;
  IntrusiveQueue<Item> taken = queue.take(1, [&] {
    ++waits;
    queue.push(batch_of(items));
  });
  EXPECT_EQ(taken.pop(), &items.front()) << "what comes meanwhile is seen";
  EXPECT_EQ(waits, 1);
}

// Jobs that only end when all of them have begun: every worker must have been woken, though each push wakes one.
void all_at_work(Duration spin) {
  constexpr std::size_t kWorkers = 4;
  for (int round = 0; round < 200; ++round) {
    std::vector<Item> items(kWorkers);
    WorkQueue<Item> queue(spin);
    std::latch together(kWorkers);
    std::atomic<std::size_t> done{0};
    std::vector<std::thread> workers;
    for (std::size_t i = 0; i < kWorkers; ++i) {
      workers.emplace_back([&] {
        while (!queue.take(1, kNothing).empty()) {
          together.arrive_and_wait();
          ++done;
        }
      });
    }
    queue.push(batch_of(items));
    while (done < kWorkers) std::this_thread::yield();
    queue.stop();
    for (std::thread& worker : workers) worker.join();
  }
}
TEST(WorkQueue, LongJobsHaveAllWorkers) { all_at_work(Duration::zero()); }
TEST(WorkQueue, LongJobsHaveAllWorkersThatSpin) { all_at_work(std::chrono::microseconds(50)); }

}  // namespace
}  // namespace httpdyno
