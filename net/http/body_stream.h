// A response's content that is produced piece by piece, and its framing: a declared length, chunks, or the
// connection's end.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>

#include "net/base/byte_buffer.h"

namespace httpdyno::http {

// Writes the next octets of a content to the front of `room` (never empty) and returns how many: from 1 to
// room.size(), or 0 at the end, after which it is not called again. It is called when there is room
// for more, so it need not hold more than one piece. It owns what it needs: the request is gone. By throwing
// it breaks the content off. When the connection ends before the content does, it is destroyed on the loop's thread.
using BodyProducer = std::function<std::size_t(std::span<char> room)>;

// Used by one thread at a time: the loop's, or with a pool one worker's after the other's.
class BodyStream {
 public:
  static constexpr std::uint64_t kUnknownLength = UINT64_MAX;
  enum class Result : std::uint8_t {
    more,
    end,
    failed,  // it threw, or ended before its length: the content cannot be completed any more
  };

  BodyStream(std::uint64_t length, BodyProducer producer) : left_(length), producer_(std::move(producer)) {}

  std::uint64_t length() const { return left_; }  // before the first pull()
  bool has_length() const { return left_ != kUnknownLength; }

  // Each piece becomes a chunk (RFC 9112 7.1). Before the first pull().
  void send_in_chunks() { chunked_ = true; }

  // Appends the next piece to `out`: at most `bytes_max` octets, and the framing around them.
  // After the last one the producer is let go of, on the same thread.
  Result pull(ByteBuffer& out, std::size_t bytes_max) {
    result_ = append_piece(out, bytes_max);
    if (result_ != Result::more) producer_ = nullptr;
    return result_;
  }
  // How the last pull() went.
  Result result() const { return result_; }

 private:
  Result append_piece(ByteBuffer& out, std::size_t bytes_max);

  std::uint64_t left_;
  bool chunked_ = false;
  Result result_ = Result::more;
  BodyProducer producer_;
};

}  // namespace httpdyno::http
