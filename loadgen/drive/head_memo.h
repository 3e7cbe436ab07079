// A response head that is equal, octet for octet, to the last one need not be parsed again.
//
// Servers repeat their heads; only Date changes, once a second. Comparing costs a tenth of parsing and loses
// nothing: the parser has no state at the start of a response, so equal octets mean the same.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "loadgen/base/limits.h"
#include "net/http/response_parser.h"

namespace httpdyno::loadgen {

// One for each kind of request of a worker, shared by its connections: in the cache when it is needed.
class HeadMemo {
 public:
  // `octets` is a whole head, interim responses before it included, and `head` what the parser made of it.
  // Larger heads and bodies without a length are not kept.
  void learn(std::string_view octets, const http::ResponseHead& head) {
    const bool sized = head.framing == http::BodyFraming::length || head.framing == http::BodyFraming::none;
    if (!sized || octets.size() > octets_.size()) return;
    std::memcpy(octets_.data(), octets.data(), octets.size());
    size_ = octets.size();
    head_ = head;
    body_bytes_ = head.framing == http::BodyFraming::length ? head.content_length : 0;
  }

  // Whether `bytes` begin with the head that was learnt.
  bool matches(std::string_view bytes) const {
    return bytes.size() >= size_ && std::memcmp(bytes.data(), octets_.data(), size_) == 0;
  }
  const http::ResponseHead& head() const { return head_; }
  std::size_t head_bytes() const { return size_; }
  std::uint64_t body_bytes() const { return body_bytes_; }

 private:
  std::size_t size_ = SIZE_MAX;  // before the first: longer than anything that could match
  std::uint64_t body_bytes_ = 0;
  http::ResponseHead head_;
  std::array<char, kHeadMemoBytes> octets_;
};

}  // namespace httpdyno::loadgen
