// What a connection has to send: one half is filled while the other is in flight and must not move.
// Invariant: in_flight_ implies that flying_ is not empty; an empty output owns no memory.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "net/base/assert.h"
#include "net/base/byte_buffer.h"

namespace httpdyno {

// Answer buffers that rest, last used first, bounded like the frames. One thread.
class OutputPool {
 public:
  explicit OutputPool(std::size_t retain_bytes_max) : retain_bytes_max_(retain_bytes_max) {}

  ByteBuffer take() {
    if (resting_.empty()) return ByteBuffer(kFirstBytes);
    ByteBuffer buffer = std::move(resting_.back());
    resting_.pop_back();
    retained_bytes_ -= buffer.capacity();
    return buffer;
  }
  void give_back(ByteBuffer&& buffer) {
    buffer.clear();
    // One large answer must not make every later small one carry its memory.
    if (buffer.capacity() > kLargestBytes || retained_bytes_ + buffer.capacity() > retain_bytes_max_) {
      buffer.release();
      return;
    }
    retained_bytes_ += buffer.capacity();
    resting_.push_back(std::move(buffer));
  }

 private:
  static constexpr std::size_t kFirstBytes = 1024;
  static constexpr std::size_t kLargestBytes = 64 * 1024;

  std::size_t retain_bytes_max_;
  std::size_t retained_bytes_ = 0;
  std::vector<ByteBuffer> resting_;
};

class Output {
 public:
  std::size_t size() const { return filling_.size() + flying_.size(); }
  bool empty() const { return filling_.empty() && flying_.empty(); }
  bool in_flight() const { return in_flight_; }
  // There are octets, and none are in flight.
  bool sendable() const { return !in_flight_ && !empty(); }

  // Where new output goes.
  ByteBuffer& filling(OutputPool& pool) {
    if (filling_.capacity() == 0) filling_ = pool.take();
    return filling_;
  }

  // The next octets to send. They stay where they are until sent().
  std::string_view begin_send() {
    DASSERT(sendable());
    if (flying_.empty()) flying_.swap(filling_);
    in_flight_ = true;
    return flying_.view();
  }
  // The kernel took `count` of what begin_send() gave.
  void sent(std::size_t count, OutputPool& pool) {
    DASSERT(in_flight_ && count > 0);
    in_flight_ = false;
    flying_.consume(count);
    if (flying_.empty()) pool.give_back(std::move(flying_));
  }
  // Nothing is in flight any more, and nothing will be sent.
  void abandon(OutputPool& pool) {
    in_flight_ = false;
    if (flying_.capacity() > 0) pool.give_back(std::move(flying_));
    if (filling_.capacity() > 0) pool.give_back(std::move(filling_));
  }

 private:
  ByteBuffer filling_;
  ByteBuffer flying_;
  bool in_flight_ = false;
};

}  // namespace httpdyno
