// A stream of requests means the same however it is cut, with vector code and without, and what the parser calls a
// request is one.
#include "net/base/assert.h"
#include "tests/fuzz/request_reading.h"

namespace httpdyno::fuzz {
namespace {

using Result = http::RequestParser::Result;

// Small enough for an input to reach each of them.
http::ParseLimits tight_limits() {
  http::ParseLimits limits;
  limits.request_bytes_max = 256;
  limits.head_bytes_max = 192;
  limits.body_bytes_max = 96;
  limits.field_bytes_max = 40;
  limits.target_bytes_max = 32;
  limits.method_bytes_max = 8;
  limits.fields_max = 4;
  limits.trailer_bytes_max = 48;
  limits.chunk_extension_bytes_max = 16;
  limits.chunk_overhead_bytes_max = 64;
  return limits;
}

void check_every_cut(std::string_view stream, const http::ParseLimits& limits) {
  const Reading expected = read_requests(stream, whole(stream.size()), limits, Parsers::plain);
  Prng prng = prng_of(stream);
  constexpr std::size_t kDripMax = 256;  // a longer one would cost its square in copies
  for (const Pieces& pieces : {random_pieces(stream.size(), prng), random_pieces(stream.size(), prng),
                               octet_by_octet(std::min(stream.size(), kDripMax))}) {
    if (pieces.size() == kDripMax && stream.size() != kDripMax) continue;
    const Reading reading = read_requests(stream, pieces, limits);
    ASSERT(reading.requests == expected.requests && "the same requests, however the stream is cut");
    ASSERT(reading.bodies == expected.bodies && "with the same bodies");
    ASSERT(reading.end == expected.end && "and the same end");
    ASSERT(reading.why == expected.why && "for the same reason");
  }
}

// A bound refuses a request, it never changes one.
void check_tight(std::string_view stream) {
  const Reading loose = read_requests(stream, whole(stream.size()), {});
  const Reading tight = read_requests(stream, whole(stream.size()), tight_limits());
  ASSERT(tight.requests.size() <= loose.requests.size());
  ASSERT(std::equal(tight.requests.begin(), tight.requests.end(), loose.requests.begin()));
  ASSERT(std::equal(tight.bodies.begin(), tight.bodies.end(), loose.bodies.begin()));
  ASSERT(tight.end == Result::refused || (tight.requests == loose.requests && tight.end == loose.end));
}

}  // namespace
}  // namespace httpdyno::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace httpdyno::fuzz;
  const std::string_view stream = text_of(data, size);
  check_every_cut(stream, {});
  check_every_cut(stream, tight_limits());
  check_tight(stream);
  return 0;
}
