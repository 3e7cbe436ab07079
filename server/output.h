// What a connection has to send: one half is filled while the other is in flight and must not move.
// Invariant: in flight implies that the flying half is not empty; an output that has nothing to send owns no
// memory, so an idle connection has one null pointer of it.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "net/base/assert.h"
#include "net/base/byte_buffer.h"
#include "net/base/intrusive_list.h"

namespace httpdyno {

// The two halves of an output, lent by the pool from the first octet to be sent to the last. They change their
// parts instead of their memory.
struct OutputBuffers {
  std::array<ByteBuffer, 2> halves;
  unsigned flying_half = 0;
  bool in_flight = false;
  OutputBuffers* next = nullptr;

  ByteBuffer& flying() { return halves[flying_half]; }
  ByteBuffer& filling() { return halves[flying_half ^ 1]; }
  void change_parts() { flying_half ^= 1; }
  std::size_t size() const { return halves[0].size() + halves[1].size(); }
  std::size_t capacity() const { return halves[0].capacity() + halves[1].capacity(); }
};

// Answer buffers that rest, last used first, bounded like the frames. One thread.
class OutputPool {
 public:
  explicit OutputPool(std::size_t retain_bytes_max) : retain_bytes_max_(retain_bytes_max) {}
  OutputPool(const OutputPool&) = delete;
  OutputPool& operator=(const OutputPool&) = delete;
  ~OutputPool() {
    while (OutputBuffers* buffers = resting_.pop()) delete buffers;
  }

  // With room in its filling half.
  OutputBuffers* take() {
    OutputBuffers* buffers = resting_.pop();
    if (buffers == nullptr) [[unlikely]]
      return make();
    retained_bytes_ -= sizeof *buffers + buffers->capacity();
    return buffers;
  }
  // Empty.
  void give_back(OutputBuffers* buffers) {
    tidy(buffers->flying());
    tidy(buffers->filling());
    if (buffers->filling().capacity() < buffers->flying().capacity()) buffers->change_parts();
    const std::size_t bytes = sizeof *buffers + buffers->capacity();
    if (buffers->filling().capacity() == 0 || retained_bytes_ + bytes > retain_bytes_max_) {
      delete buffers;
      return;
    }
    retained_bytes_ += bytes;
    resting_.push(buffers);
  }

  // One large answer must not make every later small one carry its memory.
  static void tidy(ByteBuffer& buffer) {
    if (buffer.capacity() > kLargestBytes) [[unlikely]]
      buffer.release();
  }

 private:
  static constexpr std::size_t kFirstBytes = 1024;
  // The most that a half keeps, however small the next answer is.
  static constexpr std::size_t kLargestBytes = 1 << 20;

  [[gnu::noinline]] static OutputBuffers* make() {
    auto* buffers = new OutputBuffers;
    buffers->filling() = ByteBuffer(kFirstBytes);
    return buffers;
  }

  std::size_t retain_bytes_max_;
  std::size_t retained_bytes_ = 0;
  IntrusiveStack<OutputBuffers> resting_;
};

class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { delete buffers_; }

  std::size_t size() const { return buffers_ != nullptr ? buffers_->size() : 0; }
  bool empty() const { return buffers_ == nullptr; }
  // Octets that are not part of the send in flight.
  std::size_t waiting() const { return buffers_ != nullptr ? buffers_->filling().size() : 0; }
  bool in_flight() const { return buffers_ != nullptr && buffers_->in_flight; }
  // There are octets, and none are in flight.
  bool sendable() const { return buffers_ != nullptr && !buffers_->in_flight; }

  // Where new output goes. At least one octet must follow, or give_back_if_empty().
  ByteBuffer& filling(OutputPool& pool) {
    if (buffers_ == nullptr) buffers_ = pool.take();
    return buffers_->filling();
  }
  void give_back_if_empty(OutputPool& pool) {
    if (buffers_ != nullptr && buffers_->size() == 0) pool.give_back(std::exchange(buffers_, nullptr));
  }

  // The next octets to send. They stay where they are until sent().
  std::string_view begin_send() {
    DASSERT(sendable());
    if (buffers_->flying().empty()) buffers_->change_parts();
    buffers_->in_flight = true;
    return buffers_->flying().view();
  }
  // The kernel took `count` of what begin_send() gave.
  void sent(std::size_t count, OutputPool& pool) {
    DASSERT(in_flight() && count > 0);
    buffers_->in_flight = false;
    ByteBuffer& flying = buffers_->flying();
    flying.consume(count);
    if (!flying.empty()) return;
    if (buffers_->filling().empty()) return pool.give_back(std::exchange(buffers_, nullptr));
    OutputPool::tidy(flying);
  }
  // Nothing is in flight any more, and nothing will be sent.
  void abandon(OutputPool& pool) {
    if (buffers_ == nullptr) return;
    buffers_->in_flight = false;
    for (ByteBuffer& half : buffers_->halves) half.clear();
    pool.give_back(std::exchange(buffers_, nullptr));
  }

  void check_invariants() const {
    ASSERT(buffers_ == nullptr || size() > 0);
    ASSERT(!in_flight() || !buffers_->flying().empty());
  }

 private:
  OutputBuffers* buffers_ = nullptr;
};

}  // namespace httpdyno
