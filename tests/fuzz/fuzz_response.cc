// A stream of responses means what a plain reader makes of it, the same however it is cut, and framing holds.
#include <limits>
#include <string>

#include "net/base/assert.h"
#include "net/http/response_parser.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/response_reference.h"

namespace httpdyno::fuzz {
namespace {

using http::BodyFraming;
using http::ResponseEvent;
using http::ResponseHead;
using http::ResponseParser;
using http::ResponseStep;

void check_head(const ResponseHead& head, bool to_head) {
  ASSERT(head.status >= 200 && head.status <= 999);
  ASSERT(head.head_bytes > 0);
  ASSERT(head.framing != BodyFraming::until_close || !head.keep_alive);
  ASSERT(head.framing != BodyFraming::chunked || head.minor_version == 1);
  ASSERT(!(to_head || head.status == 204 || head.status == 304) || head.framing == BodyFraming::none);
}

void check_complete(const ResponseParser& parser, std::size_t body_bytes) {
  ASSERT(parser.body_bytes() == body_bytes);
  if (parser.head().framing == BodyFraming::none) ASSERT(body_bytes == 0);
  if (parser.head().framing == BodyFraming::length) ASSERT(body_bytes == parser.head().content_length);
}

// The stream, read as a client does: heads, bodies and the end in words. Each piece vanishes after its call.
std::string read_responses(std::string_view stream, const Pieces& pieces, bool to_head,
                           const http::ResponseLimits& limits) {
  std::string reading;
  ResponseParser parser(limits);
  parser.start(to_head);
  std::size_t body_bytes = 0;
  const auto failed = [&] { return reading + std::string(http::response_error_text(parser.error())); };
  for (const std::size_t piece : pieces) {
    Exact octets(stream.substr(0, piece));
    stream.remove_prefix(piece);
    std::string_view rest = octets.view();
    while (!rest.empty()) {
      const ResponseStep step = parser.next(rest);
      ASSERT(step.consumed <= rest.size());
      ASSERT(step.body.empty() || (step.body.data() >= rest.data() &&
                                   step.body.data() + step.body.size() <= rest.data() + step.consumed));
      rest.remove_prefix(step.consumed);
      body_bytes += step.body.size();
      reading.append(step.body);
      if (step.event == ResponseEvent::head) {
        check_head(parser.head(), to_head);
        reading.append(describe(parser.head()));
      } else if (step.event == ResponseEvent::error) {
        return failed();
      }
      // A body may be complete without an octet of its own: asked again before the next piece.
      if (step.event != ResponseEvent::complete && !rest.empty()) continue;
      ResponseStep end = step;
      while (end.event != ResponseEvent::complete && end.event != ResponseEvent::more) {
        end = parser.next({});
        if (end.event == ResponseEvent::head) {
          check_head(parser.head(), to_head);
          reading.append(describe(parser.head()));
        }
        if (end.event == ResponseEvent::error) return failed();
      }
      if (end.event != ResponseEvent::complete) continue;
      check_complete(parser, body_bytes);
      reading.append(kComplete);
      body_bytes = 0;
      parser.start(to_head);
    }
  }
  if (parser.at_start()) return reading;
  if (parser.end().event == ResponseEvent::error) return failed();
  check_complete(parser, body_bytes);
  return reading.append(kCompleteAtEnd);
}

// A head that is known from its octets leads to the same as reading it.
void check_known_head(std::string_view stream) {
  ResponseParser reader;
  const ResponseStep head = reader.next(stream);
  if (head.event != ResponseEvent::head) return;
  ResponseParser knower;
  knower.assume_head(reader.head());
  std::string_view rest = stream.substr(head.consumed);
  for (;;) {
    const ResponseStep read = reader.next(rest);
    const ResponseStep known = knower.next(rest);
    ASSERT(read.event == known.event && read.consumed == known.consumed && read.body == known.body);
    rest.remove_prefix(read.consumed);
    if (read.event == ResponseEvent::more) break;
    if (read.event == ResponseEvent::complete || read.event == ResponseEvent::error) return;
  }
  ASSERT(reader.end().event == knower.end().event);
}

// Large enough for no input to reach any of them.
http::ResponseLimits no_limits() {
  constexpr auto kMax = std::numeric_limits<std::uint32_t>::max();
  return {.head_bytes_max = kMax, .fields_max = kMax, .interim_max = kMax, .chunk_line_bytes_max = kMax};
}

// Small enough for an input to reach each of them.
http::ResponseLimits tight_limits() {
  return {.head_bytes_max = 64, .fields_max = 2, .interim_max = 1, .chunk_line_bytes_max = 8};
}

}  // namespace
}  // namespace httpdyno::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace httpdyno::fuzz;
  const std::string_view stream = text_of(data, size);
  httpdyno::Prng prng = prng_of(stream);
  for (const bool to_head : {false, true}) {
    ASSERT(read_responses(stream, whole(size), to_head, no_limits()) == read_plainly(stream, to_head) &&
           "the parser and the plain reader agree");
    for (const auto& limits : {httpdyno::http::ResponseLimits(), tight_limits()}) {
      const std::string expected = read_responses(stream, whole(size), to_head, limits);
      for (const Pieces& pieces : {random_pieces(size, prng), octet_by_octet(size)}) {
        ASSERT(read_responses(stream, pieces, to_head, limits) == expected &&
               "the same responses, however the stream is cut");
      }
    }
  }
  check_known_head(stream);
  return 0;
}
