// A singly linked FIFO of nodes that own their link, and a LIFO of the same: no allocation, O(1), owned
// elsewhere.
#pragma once

#include <cstddef>

#include "net/base/assert.h"

namespace httpdyno {

// T has a public member `T* next`, which belongs to the list while the node is in it. Not thread-safe.
template <class T>
class IntrusiveQueue {
 public:
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }

  void push(T* node) {
    node->next = nullptr;
    if (tail_ != nullptr) {
      tail_->next = node;
    } else {
      head_ = node;
    }
    tail_ = node;
    ++size_;
  }

  // Before all the others.
  void push_front(T* node) {
    node->next = head_;
    if (head_ == nullptr) tail_ = node;
    head_ = node;
    ++size_;
  }

  // The oldest node, or null.
  T* pop() {
    T* node = head_;
    if (node == nullptr) return nullptr;
    head_ = node->next;
    if (head_ == nullptr) tail_ = nullptr;
    node->next = nullptr;
    --size_;
    return node;
  }

  // All of another queue, behind what is here.
  void append(IntrusiveQueue other) {
    if (other.empty()) return;
    if (tail_ != nullptr) {
      tail_->next = other.head_;
    } else {
      head_ = other.head_;
    }
    tail_ = other.tail_;
    size_ += other.size_;
  }

  // Everything at once; this queue is empty afterwards.
  IntrusiveQueue take_all() {
    IntrusiveQueue taken = *this;
    *this = IntrusiveQueue();
    return taken;
  }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
  std::size_t size_ = 0;
};

template <class T>
class IntrusiveStack {
 public:
  bool empty() const { return top_ == nullptr; }
  std::size_t size() const { return size_; }

  void push(T* node) {
    node->next = top_;
    top_ = node;
    ++size_;
  }
  // The newest node, or null.
  T* pop() {
    T* node = top_;
    if (node == nullptr) return nullptr;
    top_ = node->next;
    --size_;
    return node;
  }

 private:
  T* top_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace httpdyno
