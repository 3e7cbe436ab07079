// A hierarchical timing wheel (Varghese and Lauck 1987): schedule, cancel and fire in O(1), deadlines never
// early. Invariant: a linked node sits in the slot that its tick and the wheel's present tick determine, and
// the occupancy bit of a slot is set exactly when its list is not empty.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "net/base/assert.h"
#include "net/base/time.h"

namespace httpdyno {

// A timer embedded in what it times. Must be cancelled (or have fired) before it is destroyed.
struct TimerNode {
  TimerNode* prev = nullptr;
  TimerNode* next = nullptr;
  std::uint64_t tick = 0;
  std::uint32_t slot = 0;  // level * slots per level + index

  bool scheduled() const { return next != nullptr; }
};

// Owned by one thread. Resolution is one tick; a deadline is rounded up, so a timer fires in [deadline,
// deadline + tick) plus whatever time passes between two calls of advance().
class TimerWheel {
 public:
  static constexpr Duration kTick = 1ms;

  explicit TimerWheel(Time origin) : origin_(origin) {
    for (auto& level : levels_) {
      for (auto& head : level.slots) head.prev = head.next = &head;
    }
  }
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Replaces the node's earlier deadline, if it had one. A deadline that has passed fires at the next
  // advance().
  void schedule(TimerNode& node, Time deadline) {
    if (node.scheduled()) unlink(node);
    std::uint64_t tick = tick_up(deadline);
    node.tick = tick <= now_tick_ ? now_tick_ + 1 : tick;
    link(node);
  }

  void cancel(TimerNode& node) {
    if (node.scheduled()) unlink(node);
  }

  // How long the caller may sleep from `now` without firing late: up to the next deadline, or to the next
  // point where a far deadline moves to a finer level. Duration::max() when nothing is scheduled.
  Duration until_next(Time now) const {
    Slot next = next_slot();
    if (next.level < 0) return Duration::max();
    Time due = origin_ + kTick * static_cast<std::int64_t>(next.start);
    return due > now ? due - now : Duration::zero();
  }

  // Fires fire(TimerNode&) for every deadline up to `now`, each node unlinked first. fire() may schedule and
  // cancel any node, itself too.
  template <class Fire>
  void advance(Time now, Fire&& fire) {
    std::uint64_t target = tick_down(now);
    for (;;) {
      Slot next = next_slot();
      if (next.level < 0 || next.start > target) break;
      now_tick_ = next.start;
      TimerNode& head = levels_[static_cast<std::size_t>(next.level)].slots[next.index];
      while (head.next != &head) {
        TimerNode& node = *head.next;
        unlink(node);
        if (node.tick <= now_tick_) {
          fire(node);
        } else {
          link(node);
        }
      }
    }
    if (target > now_tick_) now_tick_ = target;
  }

 private:
  static constexpr int kLevels =
      6;  // 64^6 ms is two years; a later deadline waits in the last level's last slot
  static constexpr int kSlotBits = 6;
  static constexpr std::uint64_t kSlots = 1U << kSlotBits;
  static constexpr std::uint64_t kHorizon = std::uint64_t{1} << (kLevels * kSlotBits);

  struct Level {
    std::array<TimerNode, kSlots> slots;
    std::uint64_t occupied = 0;
  };
  struct Slot {
    int level;  // -1: none
    std::size_t index;
    std::uint64_t start;  // the first tick of the span of time that the slot stands for
  };

  std::uint64_t tick_up(Time time) const {
    if (time <= origin_) return 0;
    if (time == kNever) return now_tick_ + kHorizon;
    return static_cast<std::uint64_t>((time - origin_ + kTick - Duration(1)) / kTick);
  }
  std::uint64_t tick_down(Time time) const {
    return time <= origin_ ? 0 : static_cast<std::uint64_t>((time - origin_) / kTick);
  }

  // The level is where the node's tick and the present first differ, counted in groups of six bits: so a slot
  // of level n is always ahead of the present within the same group of level n + 1.
  int level_of(std::uint64_t tick) const {
    std::uint64_t differing = (tick ^ now_tick_) | (kSlots - 1);
    int level = (63 - std::countl_zero(differing)) / kSlotBits;
    return level < kLevels ? level : kLevels - 1;
  }

  void link(TimerNode& node) {
    // Beyond the horizon a node waits at its end and is placed anew when that is reached.
    std::uint64_t tick = node.tick - now_tick_ < kHorizon / 2 ? node.tick : now_tick_ + kHorizon / 2;
    int at = level_of(tick);
    Level& level = levels_[static_cast<std::size_t>(at)];
    std::size_t index = (tick >> (at * kSlotBits)) & (kSlots - 1);
    TimerNode& head = level.slots[index];
    node.prev = head.prev;
    node.next = &head;
    head.prev->next = &node;
    head.prev = &node;
    level.occupied |= std::uint64_t{1} << index;
    node.slot = (static_cast<std::uint32_t>(at) << kSlotBits) + static_cast<std::uint32_t>(index);
  }

  void unlink(TimerNode& node) {
    node.prev->next = node.next;
    node.next->prev = node.prev;
    Level& level = levels_[node.slot >> kSlotBits];
    std::size_t index = node.slot & (kSlots - 1);
    if (level.slots[index].next == &level.slots[index]) level.occupied &= ~(std::uint64_t{1} << index);
    node.prev = node.next = nullptr;
  }

  Slot next_slot() const {
    for (int at = 0; at < kLevels; ++at) {
      const Level& level = levels_[static_cast<std::size_t>(at)];
      if (level.occupied == 0) continue;
      int shift = at * kSlotBits;
      std::uint64_t now_index = (now_tick_ >> shift) & (kSlots - 1);
      // Slots ahead of the present in this turn of the level first; only the last level can wrap.
      std::uint64_t ahead = level.occupied & ~((std::uint64_t{1} << now_index) - 1);
      std::uint64_t turn = (now_tick_ >> shift) & ~(kSlots - 1);
      if (ahead == 0) {
        ahead = level.occupied;
        turn += kSlots;
      }
      auto index = static_cast<std::size_t>(std::countr_zero(ahead));
      std::uint64_t start = (turn + index) << shift;
      return {at, index, start > now_tick_ ? start : now_tick_};
    }
    return {-1, 0, 0};
  }

  Time origin_;
  std::uint64_t now_tick_ = 0;
  std::array<Level, kLevels> levels_{};
};

}  // namespace httpdyno
