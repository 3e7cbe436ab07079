#include "tests/fuzz/request_reading.h"

#include <algorithm>
#include <memory>

#include "net/base/assert.h"
#include "net/http/request.h"
#include "tests/fuzz/chunked_reference.h"

namespace httpdyno::fuzz {

namespace {

using http::FieldRange;
using http::Range;
using http::RequestParser;
using Result = RequestParser::Result;

bool within(Range range, std::size_t size) { return std::size_t{range.offset} + range.bytes <= size; }

void check_head_ranges(const RequestParser& parser, std::size_t size) {
  ASSERT(within(parser.method_range(), size));
  ASSERT(within(parser.target_range(), size));
  ASSERT(within(parser.path_range(), size));
  ASSERT(parser.path_range().offset >= parser.target_range().offset);
  for (const FieldRange& field : parser.fields()) {
    ASSERT(field.name.offset > parser.target_range().offset && field.name.bytes > 0);
    ASSERT(field.value.offset > field.name.offset + field.name.bytes);
    ASSERT(within(field.value, parser.body_range().offset) && "a field ends before the head does");
  }
  ASSERT(parser.body_range().offset <= size);
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

void check_text(std::string_view value) {
  for (char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    ASSERT((octet >= 0x20 || octet == '\t') && octet != 0x7f && "no control reaches a handler in a value");
  }
  ASSERT(value.empty() || !(is_blank(value.front()) || is_blank(value.back())));
}

// All values of that name, as they came.
std::vector<std::string_view> values_of(const http::Request& request, std::string_view lower_name) {
  std::vector<std::string_view> values;
  request.each_field([&](std::string_view name, std::string_view value) {
    if (http::equals_lower(name, lower_name)) values.push_back(value);
  });
  return values;
}

// RFC 9112 section 6, for a request that is whole: `octets` is it as it was sent.
void check_framing(const RequestParser& parser, const http::Request& request, std::string_view octets,
                   const http::ParseLimits& limits) {
  const std::size_t head_bytes = parser.body_range().offset;
  const auto lengths = values_of(request, "content-length");
  const auto codings = values_of(request, "transfer-encoding");
  if (!codings.empty()) {
    ASSERT(lengths.empty() && request.minor_version() > 0 && "what two parsers could frame in two ways");
    const Decoded decoded = decode_chunked(octets.substr(head_bytes), limits.request_bytes_max - head_bytes);
    ASSERT(decoded.verdict == Decoded::Verdict::complete && "the plain decoder finds the end, too");
    ASSERT(decoded.body == request.body() && "both decode the same body");
    ASSERT(decoded.consumed == octets.size() - head_bytes && "both find the same end");
    return;
  }
  ASSERT(lengths.size() <= 1);
  std::size_t length = 0;
  if (!lengths.empty()) {
    ASSERT(!lengths.front().empty());
    for (char c : lengths.front()) {
      ASSERT(c >= '0' && c <= '9');
      length = length * 10 + static_cast<std::size_t>(c - '0');
    }
  }
  ASSERT(request.body().size() == length);
  ASSERT(octets.size() == head_bytes + length && "a body that nobody declared is the next request");
  ASSERT(parser.declared_bytes() == octets.size());
}

void check_head(const http::Request& request) {
  for (char c : request.target()) ASSERT(c > ' ' && c < 0x7f && c != '#');
  ASSERT(request.path() == "*" || request.path().front() == '/');
  request.each_field([](std::string_view name, std::string_view value) {
    for (char c : name) ASSERT(c > ' ' && c < 0x7f && c != ':');
    check_text(value);
  });
  const auto hosts = values_of(request, "host");
  ASSERT(hosts.size() == 1 || (hosts.empty() && request.minor_version() == 0));
}

std::string describe(const RequestParser& parser, const http::Request& request, std::size_t sent_bytes) {
  std::string text(method_name(request.method()));
  text.append(" ").append(request.target()).append(" ").append(request.path_and_query());
  text.append(" 1.").append(std::to_string(request.minor_version()));
  text.append(parser.keep_alive() ? " keep-alive" : " close");
  if (parser.expects_continue()) text.append(" continue");
  request.each_field([&](std::string_view name, std::string_view value) {
    text.append("\n").append(name).append(": ").append(value);
  });
  return text.append("\n").append(std::to_string(sent_bytes)).append(" octets");
}

}  // namespace

Reading read_requests(std::string_view stream, const Pieces& pieces, const http::ParseLimits& limits,
                      Parsers parsers) {
  Reading reading;
  auto parser_place = std::make_unique<RequestParser>(limits);
  std::string held;          // what is unfinished, from the request's first octet
  std::size_t begin = 0;     // of the present request, in the stream
  std::size_t removed = 0;   // octets of it that compact() has closed up
  std::size_t received = 0;  // of the stream
  for (const std::size_t piece : pieces) {
    Exact octets(held.append(stream.substr(received, piece)));
    received += piece;
    std::span<char> rest = octets.span();
    while (!rest.empty()) {
      RequestParser& parser = *parser_place;
      reading.end = parsers == Parsers::plain ? parser.parse_scalar(rest) : parser.parse(rest);
      if (reading.end == Result::refused) {
        reading.why = http::parse_error_row(parser.error()).name;
        if (parser.is_head()) reading.why.append(" to a HEAD");
        return reading;
      }
      if (parser.head_complete()) check_head_ranges(parser, rest.size());
      if (reading.end == Result::need_more) break;

      ASSERT(parser.request_bytes() > 0 && parser.request_bytes() <= rest.size());
      ASSERT(within(parser.body_range(), parser.request_bytes()));
      const http::Request request(parser, rest.data());
      const std::size_t sent_bytes = parser.request_bytes() + removed;
      check_head(request);
      check_framing(parser, request, stream.substr(begin, sent_bytes), limits);
      reading.requests.push_back(describe(parser, request, sent_bytes));
      reading.bodies.emplace_back(request.body());
      rest = rest.subspan(parser.request_bytes());
      begin += sent_bytes;
      removed = 0;
      parser.reset();
      if (parsers == Parsers::plain) parser_place = std::make_unique<RequestParser>(limits);
      reading.end = Result::need_more;
    }
    const std::size_t left = rest.empty() ? 0 : parser_place->compact(rest);
    ASSERT(left <= rest.size());
    removed += rest.size() - left;
    held.assign(rest.data(), left);
  }
  return reading;
}

}  // namespace httpdyno::fuzz
