// A plain decoder of the chunked coding, written from the grammar alone, to compare the parsers with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace httpdyno::fuzz {

struct Decoded {
  enum class Verdict : std::uint8_t { need_more, complete, refused };

  Verdict verdict = Verdict::need_more;
  std::string body;          // as far as it was decoded
  std::size_t consumed = 0;  // octets up to the end of the trailer section; with `complete`
};

// RFC 9112 7.1, as strict as the request parser: extensions and trailers must be well-formed, and no trailer may
// frame or route. A body of more than `body_bytes_max` octets is refused by its chunk's size.
Decoded decode_chunked(std::string_view input, std::size_t body_bytes_max);

}  // namespace httpdyno::fuzz
