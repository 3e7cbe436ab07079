// Where connections live: stable places in blocks, reused last-freed first, told apart by generation.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "net/base/assert.h"
#include "net/io/io.h"
#include "server/connection.h"

namespace httpdyno {

// Memory grows with the largest number of connections that there ever were, in blocks; it is not given back.
// One thread.
class ConnectionTable {
 public:
  explicit ConnectionTable(std::uint32_t capacity) : capacity_(capacity) {}

  std::uint32_t active() const { return active_; }
  bool full() const { return active_ == capacity_; }

  // A free place and the id under which it is known until free(). The table must not be full.
  Connection& allocate(io::ConnId& id) {
    ASSERT(!full());
    if (free_.empty()) add_block();
    const std::uint32_t index = free_.back();
    free_.pop_back();
    ++active_;
    id = {index, generations_[index]};
    return at(index);
  }

  // The id is stale from now on.
  void free(io::ConnId id) {
    DASSERT(generations_[id.index] == id.generation);
    ++generations_[id.index];
    free_.push_back(id.index);
    --active_;
  }

  // Null when the id is stale.
  Connection* find(io::ConnId id) {
    return id.index < generations_.size() && generations_[id.index] == id.generation ? &at(id.index)
                                                                                     : nullptr;
  }

  void check_invariants() {
    std::uint32_t open = 0;
    each([&](Connection& connection) {
      ASSERT(find(connection.id()) == &connection);
      ++open;
    });
    ASSERT(open == active_ && active_ <= capacity_);
    ASSERT(active_ + free_.size() == generations_.size());
  }

  // Every connection that is not free. visit() may close connections.
  template <class Visit>
  void each(Visit visit) {
    for (auto& block : blocks_) {
      for (std::uint32_t i = 0; i < kBlock; ++i) {
        if (block[i].state() != Connection::State::free) visit(block[i]);
      }
    }
  }

 private:
  static constexpr std::uint32_t kBlock = 64;

  Connection& at(std::uint32_t index) { return blocks_[index / kBlock][index % kBlock]; }

  void add_block() {
    const auto first = static_cast<std::uint32_t>(generations_.size());
    blocks_.push_back(std::make_unique<Connection[]>(kBlock));
    generations_.resize(first + kBlock);
    for (std::uint32_t i = kBlock; i > 0; --i) free_.push_back(first + i - 1);
  }

  std::uint32_t capacity_;
  std::uint32_t active_ = 0;
  std::vector<std::unique_ptr<Connection[]>> blocks_;
  std::vector<std::uint32_t> generations_;
  std::vector<std::uint32_t> free_;
};

}  // namespace httpdyno
