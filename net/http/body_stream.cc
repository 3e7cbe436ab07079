#include "net/http/body_stream.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

namespace httpdyno::http {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// How many octets "1f4\r\n" has.
std::size_t size_line_bytes(std::size_t size) {
  return static_cast<std::size_t>(std::bit_width(size | 1) + 3) / 4 + kLineEnd.size();
}
void write_size_line(std::size_t size, char* out) {
  char* const end = std::to_chars(out, out + size_line_bytes(size), size, 16).ptr;
  std::memcpy(end, kLineEnd.data(), kLineEnd.size());
}

}  // namespace

BodyStream::Result BodyStream::append_piece(ByteBuffer& out, std::size_t bytes_max) {
  const bool sized = has_length();
  const std::size_t room = std::min<std::uint64_t>(bytes_max, left_);
  if (sized && room == 0) return Result::end;
  const std::size_t before = chunked_ ? size_line_bytes(room) : 0;
  char* const begin = out.reserve(before + room + kLineEnd.size());
  std::size_t count = 0;
  try {
    count = producer_({begin + before, room});
  } catch (...) {
    return Result::failed;
  }
  ASSERT(count <= room);
  if (count == 0) {
    if (chunked_) out.append(kLastChunk);
    return sized ? Result::failed : Result::end;
  }
  if (!chunked_) {
    out.commit(count);
    if (sized) left_ -= count;
    return left_ == 0 ? Result::end : Result::more;
  }
  // A smaller piece may have a shorter size line: it moves down to it.
  const std::size_t line = size_line_bytes(count);
  if (line != before) std::memmove(begin + line, begin + before, count);
  write_size_line(count, begin);
  std::memcpy(begin + line + count, kLineEnd.data(), kLineEnd.size());
  out.commit(line + count + kLineEnd.size());
  return Result::more;
}

}  // namespace httpdyno::http
