// Ways to hand something from one thread to another, with nothing around them. Each holds one thing at a time, as in a
// game of ping-pong: a sender sends again only when it has heard of the other side.
#pragma once

#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "net/base/assert.h"
#include "net/base/intrusive_list.h"

namespace httpdyno::micro {

// The least that the kernel has: a word, and a call on each side. No number is 0.
class FutexChannel {
 public:
  using Thing = std::uint64_t;

  void send(Thing number) {
    word_.store(static_cast<std::uint32_t>(number), std::memory_order_release);
    syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  Thing receive() {
    for (;;) {
      if (const std::uint32_t number = word_.exchange(0, std::memory_order_acquire)) return number;
      syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
  }

 private:
  std::atomic<std::uint32_t> word_{0};
};

// What wakes a loop. No number is 0.
class EventfdChannel {
 public:
  using Thing = std::uint64_t;

  EventfdChannel() { ASSERT(fd_ >= 0); }
  EventfdChannel(const EventfdChannel&) = delete;
  EventfdChannel& operator=(const EventfdChannel&) = delete;
  ~EventfdChannel() { close(fd_); }

  void send(Thing number) { ASSERT(write(fd_, &number, sizeof number) == sizeof number); }
  Thing receive() {
    Thing number = 0;
    ASSERT(read(fd_, &number, sizeof number) == sizeof number);
    return number;
  }

 private:
  int fd_ = eventfd(0, EFD_CLOEXEC);
};

// A list under a lock, as a pool's queues are. An empty list can be sent, too.
template <class Node>
class ListChannel {
 public:
  using Thing = IntrusiveQueue<Node>;

  void send(Thing nodes) {
    {
      const std::lock_guard lock(mutex_);
      nodes_ = nodes;
      full_ = true;
    }
    filled_.notify_one();
  }
  Thing receive() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return full_; });
    full_ = false;
    return nodes_.take_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  Thing nodes_;
  bool full_ = false;
};

}  // namespace httpdyno::micro
