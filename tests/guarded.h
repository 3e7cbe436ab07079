// Octets between two pages that may not be touched: a read before the first or behind the last is a fault.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <span>
#include <string_view>

#include "net/base/assert.h"

namespace httpdyno {

class Guarded {
 public:
  explicit Guarded(std::size_t bytes_max)
      : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))), room_((bytes_max / page_ + 1) * page_) {
    void* mapped = ::mmap(nullptr, room_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT(mapped != MAP_FAILED);
    begin_ = static_cast<char*>(mapped) + page_;
    ASSERT(::mprotect(begin_, room_, PROT_READ | PROT_WRITE) == 0);
  }
  ~Guarded() { ::munmap(begin_ - page_, room_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // A copy that starts right behind the first page, or ends right before the last. Valid until the next.
  std::span<char> at_front(std::string_view octets) { return put(begin_, octets); }
  std::span<char> at_back(std::string_view octets) { return put(begin_ + room_ - octets.size(), octets); }

 private:
  std::span<char> put(char* to, std::string_view octets) {
    ASSERT(octets.size() <= room_);
    if (!octets.empty()) std::memcpy(to, octets.data(), octets.size());
    return {to, octets.size()};
  }

  std::size_t page_;
  std::size_t room_;
  char* begin_;
};

}  // namespace httpdyno
