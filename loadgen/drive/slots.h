// Which connections of a worker may be given a request: those without anything outstanding before the others,
// of each sort the one that has waited longest.
#pragma once

#include <cstdint>
#include <vector>

#include "net/base/assert.h"

namespace httpdyno::loadgen {

// Two circular lists of indices, each from its own end mark: everything is O(1). An index that is in none of
// them is linked to itself.
class Slots {
 public:
  explicit Slots(std::uint32_t connections)
      : links_(connections + 2), idle_(connections), partly_(connections + 1) {
    for (std::uint32_t i = 0; i < links_.size(); ++i) links_[i] = {.previous = i, .next = i};
  }

  // `idle`: nothing is outstanding on it. An index that is offered again moves only from one sort to the other.
  void offer(std::uint32_t index, bool idle) {
    Link& link = links_[index];
    if (link.next != index && link.idle == idle) return;
    withdraw(index);
    link.idle = idle;
    const std::uint32_t end = idle ? idle_ : partly_;
    const std::uint32_t last = links_[end].previous;
    link.previous = last;
    link.next = end;
    links_[last].next = links_[end].previous = index;
  }
  // It may not be given a request any more; nothing happens if it could not be.
  void withdraw(std::uint32_t index) {
    Link& link = links_[index];
    links_[link.previous].next = link.next;
    links_[link.next].previous = link.previous;
    link.previous = link.next = index;
  }
  bool empty() const { return !has(idle_) && !has(partly_); }
  // Not when empty().
  std::uint32_t take() {
    DASSERT(!empty());
    const std::uint32_t index = links_[has(idle_) ? idle_ : partly_].next;
    withdraw(index);
    return index;
  }

 private:
  struct Link {
    std::uint32_t previous = 0;
    std::uint32_t next = 0;
    bool idle = false;  // which list, while it is in one
  };
  bool has(std::uint32_t end) const { return links_[end].next != end; }

  std::vector<Link> links_;
  std::uint32_t idle_;
  std::uint32_t partly_;
};

}  // namespace httpdyno::loadgen
