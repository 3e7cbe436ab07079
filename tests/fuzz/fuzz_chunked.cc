// A chunked body, compared with a plain decoder; and the response parser agrees where the request parser accepts.
#include <string>

#include "net/base/assert.h"
#include "net/http/response_parser.h"
#include "tests/fuzz/chunked_reference.h"
#include "tests/fuzz/request_reading.h"

namespace httpdyno::fuzz {
namespace {

constexpr std::string_view kRequest = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kResponse = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// Bounds on what is no part of the coding: no input reaches them.
http::ParseLimits loose_limits() {
  http::ParseLimits limits;
  limits.fields_max = 4096;
  limits.trailer_bytes_max = limits.chunk_extension_bytes_max = limits.chunk_overhead_bytes_max = 1 << 20;
  return limits;
}

void check_request(std::string_view body, const Decoded& expected) {
  const std::string stream = std::string(kRequest).append(body);
  Prng prng = prng_of(body);
  for (const Pieces& pieces : {whole(stream.size()), random_pieces(stream.size(), prng)}) {
    const Reading reading = read_requests(stream, pieces, loose_limits());
    switch (expected.verdict) {
      case Decoded::Verdict::complete:
        ASSERT(!reading.requests.empty() && "the request ends where the plain decoder ends");
        ASSERT(reading.bodies.front() == expected.body && "with the same body");
        break;
      case Decoded::Verdict::need_more:
        ASSERT(reading.requests.empty() && reading.end == http::RequestParser::Result::need_more);
        break;
      case Decoded::Verdict::refused:
        ASSERT(reading.requests.empty() && reading.end == http::RequestParser::Result::refused);
        break;
    }
  }
}

// The response parser is more lenient about extensions: what is strictly right is right for it, too.
void check_response(std::string_view body, const Decoded& expected) {
  if (expected.verdict != Decoded::Verdict::complete) return;
  const std::string stream = std::string(kResponse).append(body);
  http::ResponseParser parser;
  std::string decoded;
  std::string_view rest = stream;
  for (;;) {
    const http::ResponseStep step = parser.next(rest);
    rest.remove_prefix(step.consumed);
    decoded.append(step.body);
    ASSERT(step.event != http::ResponseEvent::error && step.event != http::ResponseEvent::more);
    if (step.event == http::ResponseEvent::complete) break;
  }
  ASSERT(decoded == expected.body);
  ASSERT(rest.size() == body.size() - expected.consumed);
}

}  // namespace
}  // namespace httpdyno::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace httpdyno::fuzz;
  const std::string_view body = text_of(data, size);
  const Decoded expected = decode_chunked(body, loose_limits().request_bytes_max - kRequest.size());
  check_request(body, expected);
  check_response(body, expected);
  return 0;
}
