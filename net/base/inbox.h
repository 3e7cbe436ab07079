// Where many threads put things for one that may be asleep: a stack that is pushed without a lock and taken whole
// (Treiber 1986), and that knows whether its owner must be woken.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "net/base/intrusive_list.h"

namespace httpdyno {

// Whether the owner of an inbox notices by itself what is put in.
enum class Watch : std::uint8_t {
  awake,    // it looks before it sleeps
  dozing,   // it looks soon, whatever happens: whoever has nothing else to do should wake it
  sleeping  // it must be woken
};

// T has a public member `T* next`, as in intrusive_list.h. Nodes are owned elsewhere.
template <class T>
class Inbox {
 public:
  Inbox() = default;
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread. What the owner was doing when its inbox ceased to be empty; awake if it was not empty. Exactly one of
  // those that push meanwhile is told that the owner dozes or sleeps: no wake is lost, and none is doubled.
  Watch push(T* node) {
    T* top = top_.load(std::memory_order_relaxed);
    do {
      node->next = is_mark(top) ? nullptr : top;
    } while (!top_.compare_exchange_weak(top, node, std::memory_order_release, std::memory_order_relaxed));
    if (top == mark(Watch::sleeping)) return Watch::sleeping;
    if (top == mark(Watch::dozing)) return Watch::dozing;
    return Watch::awake;
  }

  // --- the owner's side ---
  // Says that it is about to doze or to sleep. False: there is something, so it must not.
  bool rest(Watch how) {
    T* top = top_.load(std::memory_order_relaxed);
    do {
      if (top != nullptr && !is_mark(top)) return false;
    } while (!top_.compare_exchange_weak(top, mark(how), std::memory_order_relaxed));
    return true;
  }
  // Everything, oldest first; seen(const T&) is called for each, in no order. The owner is awake.
  template <class Seen>
  IntrusiveQueue<T> take_all(Seen seen) {
    T* node = top_.load(std::memory_order_relaxed);
    if (node != nullptr) node = top_.exchange(nullptr, std::memory_order_acquire);
    if (is_mark(node)) return {};
    IntrusiveQueue<T> taken;
    while (node != nullptr) {
      T* const older = node->next;
      seen(std::as_const(*node));
      taken.push_front(node);
      node = older;
    }
    return taken;
  }
  IntrusiveQueue<T> take_all() {
    return take_all([](const T&) {});
  }
  // How many there are now of which `counts` is true. They stay.
  template <class Counts>
  std::size_t count(Counts counts) const {
    std::size_t found = 0;
    const T* node = top_.load(std::memory_order_acquire);
    if (is_mark(node)) return 0;
    for (; node != nullptr; node = node->next) found += counts(*node) ? 1U : 0U;
    return found;
  }

 private:
  // No node has these addresses.
  T* mark(Watch how) const { return reinterpret_cast<T*>(marks_ + static_cast<std::size_t>(how)); }
  bool is_mark(const T* node) const { return node == mark(Watch::dozing) || node == mark(Watch::sleeping); }

  std::atomic<T*> top_{nullptr};
  static inline char marks_[3];
};

}  // namespace httpdyno
