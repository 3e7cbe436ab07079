// What a connection has to send: one half is filled while the other is in flight and must not move.
// Invariant: in flight implies that the flying half is not empty; an output that has nothing to send owns no
// memory, so an idle connection has one null pointer of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "net/base/assert.h"
#include "net/base/byte_buffer.h"

namespace httpdyno {

// The two halves of an output, lent by the pool from the first octet to be sent to the last.
struct OutputBuffers {
  ByteBuffer filling;
  ByteBuffer flying;
  bool in_flight = false;
};

// Answer buffers that rest, last used first, bounded like the frames. One thread.
class OutputPool {
 public:
  explicit OutputPool(std::size_t retain_bytes_max) : retain_bytes_max_(retain_bytes_max) {}

  // With room in its filling half.
  std::unique_ptr<OutputBuffers> take() {
    if (resting_.empty()) {
      auto buffers = std::make_unique<OutputBuffers>();
      buffers->filling = ByteBuffer(kFirstBytes);
      return buffers;
    }
    std::unique_ptr<OutputBuffers> buffers = std::move(resting_.back());
    resting_.pop_back();
    retained_bytes_ -= bytes_of(*buffers);
    return buffers;
  }
  void give_back(std::unique_ptr<OutputBuffers> buffers) {
    buffers->in_flight = false;
    tidy(buffers->filling);
    tidy(buffers->flying);
    if (buffers->filling.capacity() < buffers->flying.capacity()) buffers->filling.swap(buffers->flying);
    const std::size_t bytes = bytes_of(*buffers);
    if (buffers->filling.capacity() == 0 || retained_bytes_ + bytes > retain_bytes_max_) return;
    retained_bytes_ += bytes;
    resting_.push_back(std::move(buffers));
  }

  // One large answer must not make every later small one carry its memory.
  static void tidy(ByteBuffer& buffer) {
    buffer.clear();
    if (buffer.capacity() > kLargestBytes) buffer.release();
  }

 private:
  static constexpr std::size_t kFirstBytes = 1024;
  static constexpr std::size_t kLargestBytes = 64 * 1024;

  static std::size_t bytes_of(const OutputBuffers& buffers) {
    return sizeof buffers + buffers.filling.capacity() + buffers.flying.capacity();
  }

  std::size_t retain_bytes_max_;
  std::size_t retained_bytes_ = 0;
  std::vector<std::unique_ptr<OutputBuffers>> resting_;
};

class Output {
 public:
  std::size_t size() const { return buffers_ ? buffers_->filling.size() + buffers_->flying.size() : 0; }
  bool empty() const { return size() == 0; }
  // Octets that are not part of the send in flight.
  std::size_t waiting() const { return buffers_ ? buffers_->filling.size() : 0; }
  bool in_flight() const { return buffers_ && buffers_->in_flight; }
  // There are octets, and none are in flight.
  bool sendable() const { return !empty() && !buffers_->in_flight; }

  // Where new output goes.
  ByteBuffer& filling(OutputPool& pool) {
    if (!buffers_) buffers_ = pool.take();
    return buffers_->filling;
  }

  // The next octets to send. They stay where they are until sent().
  std::string_view begin_send() {
    DASSERT(sendable());
    if (buffers_->flying.empty()) buffers_->flying.swap(buffers_->filling);
    buffers_->in_flight = true;
    return buffers_->flying.view();
  }
  // The kernel took `count` of what begin_send() gave.
  void sent(std::size_t count, OutputPool& pool) {
    DASSERT(buffers_->in_flight && count > 0);
    buffers_->in_flight = false;
    buffers_->flying.consume(count);
    if (!buffers_->flying.empty()) return;
    if (buffers_->filling.empty()) return pool.give_back(std::move(buffers_));
    OutputPool::tidy(buffers_->flying);
  }
  void check_invariants() const {
    ASSERT(!buffers_ || !empty());
    ASSERT(!in_flight() || !buffers_->flying.empty());
  }

  // After filling() when nothing may have been put there.
  void give_back_if_empty(OutputPool& pool) {
    if (buffers_ && empty()) pool.give_back(std::move(buffers_));
  }

  // Nothing is in flight any more, and nothing will be sent.
  void abandon(OutputPool& pool) {
    if (buffers_) pool.give_back(std::move(buffers_));
  }

 private:
  std::unique_ptr<OutputBuffers> buffers_;
};

}  // namespace httpdyno
