// A growable run of raw bytes, written at the end and consumed from the front. It never initialises what it
// holds. Invariant: begin_ <= end_ <= capacity_; when empty, begin_ == end_ == 0.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "net/base/assert.h"

namespace httpdyno {

// Not thread-safe; may be handed from one thread to another. Capacity comes from malloc, so that the
// allocator under test serves it. Out of memory aborts: a server that cannot get 16 KiB has no good answer
// left.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  explicit ByteBuffer(std::size_t capacity) { grow(capacity); }
  ByteBuffer(ByteBuffer&& other) noexcept { swap(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    ByteBuffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~ByteBuffer() { std::free(data_); }

  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  // How much fits behind the present bytes without moving or growing.
  std::size_t room() const { return capacity_ - end_; }

  // Views are valid until the next call that is not const.
  char* data() { return data_ + begin_; }
  const char* data() const { return data_ + begin_; }
  std::span<char> bytes() { return {data(), size()}; }
  std::string_view view() const { return {data(), size()}; }

  void append(std::string_view bytes) {
    if (bytes.size() > room()) [[unlikely]]
      make_room(bytes.size());
    if (!bytes.empty()) std::memcpy(data_ + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  // For writers that fill in place: at least `count` bytes behind the present ones, then commit(how many were
  // written).
  char* reserve(std::size_t count) {
    if (count > room()) [[unlikely]]
      make_room(count);
    return data_ + end_;
  }
  void commit(std::size_t count) {
    DASSERT(count <= room());
    end_ += count;
  }

  void consume(std::size_t count) {
    DASSERT(count <= size());
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // Keeps the first `count` bytes.
  void truncate(std::size_t count) {
    DASSERT(count <= size());
    end_ = begin_ + count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void clear() { begin_ = end_ = 0; }

  // Capacity for exactly `total` bytes from the front of the present ones, in one step; never shrinks.
  void reserve_total(std::size_t total) {
    if (begin_ + total > capacity_) make_room_exact(total);
  }

  // Gives the memory back.
  void release() {
    std::free(data_);
    data_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }

  void swap(ByteBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  // Moves the bytes to the front where that suffices, else at least doubles: appending n bytes costs O(n) in
  // total.
  [[gnu::noinline]] void make_room(std::size_t count) {
    std::size_t total = size() + count;
    if (total <= capacity_ && begin_ >= capacity_ / 2) {
      slide();
    } else {
      std::size_t doubled = capacity_ * 2 < kSmallest ? kSmallest : capacity_ * 2;
      make_room_exact(total > doubled ? total : doubled);
    }
  }
  [[gnu::noinline]] void make_room_exact(std::size_t total) {
    slide();
    if (total > capacity_) grow(total);
  }
  void slide() {
    if (begin_ == 0) return;
    std::memmove(data_, data_ + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  void grow(std::size_t capacity) {
    auto* grown = static_cast<char*>(std::realloc(data_, capacity));
    ASSERT(grown != nullptr || capacity == 0);
    data_ = grown;
    capacity_ = capacity;
  }

  static constexpr std::size_t kSmallest = 256;

  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace httpdyno
