// The request parser: octets in, one request out; strict (RFC 9112), incremental, and no octet is scanned
// twice.
//
// The caller keeps the octets of one request contiguous, from its first, and calls parse() with all of them
// whenever there are more; they may have moved in between. Everything the parser remembers is an offset. A
// chunked body is decoded in place: its data moves to the front of the body, and what lies between the
// decoded data and the octets that are still to be read is dead (see compact()).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "net/http/method.h"

namespace httpdyno::http {

enum class ParseError : std::uint8_t {
  none,
#define PARSE_ERROR(name, status, text) name,
#include "net/http/parse_errors.def"
#undef PARSE_ERROR
};

struct ParseErrorRow {
  std::string_view name;  // as in the table
  int status;             // what the client is answered
  std::string_view text;  // what it is told
};
const ParseErrorRow& parse_error_row(ParseError error);  // not for `none`

// All sizes in octets. What lies beyond a bound is refused, never cut.
struct ParseLimits {
  std::size_t request_bytes_max = 1 << 20;  // head and decoded body together; up to 4,000 MiB
  std::size_t head_bytes_max = 64 << 10;    // of those, the head
  std::size_t body_bytes_max = SIZE_MAX;    // and the decoded body
  std::size_t target_bytes_max = 8192;      // RFC 9112 section 3 asks for a request line of at least 8000
  std::size_t field_bytes_max = 32 << 10;   // one line of the header section
  std::size_t method_bytes_max = 32;
  std::uint32_t fields_max = 100;  // header fields, and again trailer fields
  std::size_t trailer_bytes_max = 8192;
  std::size_t chunk_extension_bytes_max = 4096;  // all of one request's
  std::size_t chunk_overhead_bytes_max =
      102'400;                        // chunk framing above this must not exceed 4 octets a body octet
  std::uint32_t blank_lines_max = 2;  // before the request line
};

// Where something stands, counted from the request's first octet. Valid until the parser is reset.
struct Range {
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;

  std::string_view in(const char* request) const { return {request + offset, bytes}; }
};

struct FieldRange {
  Range name;
  Range value;  // without the white space around it
};

// Owned by one thread at a time. parse() allocates nothing.
class RequestParser {
 public:
  enum class Result : std::uint8_t { need_more, complete, refused };

  explicit RequestParser(const ParseLimits& limits);

  // `bytes` holds the request from its first octet: what the last call saw, and more. After `complete` or
  // `refused` only reset() may follow.
  Result parse(std::span<char> bytes);
  // The same without vector code, for the tests that compare the two.
  Result parse_scalar(std::span<char> bytes);
  // Ready for the next request.
  void reset() {
    phase_ = Phase::start;
    line_ = Line::start;
    error_ = ParseError::none;
    chunked_ = false;
    seen_ = 0;
    at_ = 0;
    method_bytes_ = 0;
    field_count_ = 0;
    length_ = 0;
  }

  // True once the head is whole and in order, even while the body is still to come.
  bool head_complete() const { return phase_ > Phase::head; }
  // False until the first octet that is not an empty line.
  bool started() const { return phase_ != Phase::start; }
  ParseError error() const { return error_; }
  // The method was read and is HEAD: true in a refused request, too, whose answer then has no content (RFC
  // 9110 9.3.2).
  bool is_head() const {
    return method_bytes_ == 4 && method_ == Method::head && (seen_ & kUnknownMethod) == 0;
  }

  // After `complete`: how many octets of the input belong to this request.
  std::size_t request_bytes() const { return at_; }
  // With a declared length: head and body together, known when the head is complete; otherwise 0.
  std::size_t declared_bytes() const {
    return head_complete() && !chunked_ ? head_end_ + static_cast<std::size_t>(length_) : 0;
  }
  // Chunked bodies: moves the octets that are still to be read down to the decoded ones; returns how many are
  // left in `bytes` altogether. For a caller that must keep an unfinished request.
  std::size_t compact(std::span<char> bytes);

  // The parts of the request, once the head is complete (the body: once all is).
  Method method() const { return method_; }
  int minor_version() const { return minor_version_; }
  // What the client wishes and its version allows, RFC 9112 9.3.
  bool keep_alive() const {
    if ((seen_ & kSeenClose) != 0) return false;
    return minor_version_ > 0 || (seen_ & kSeenKeepAlive) != 0;
  }
  bool expects_continue() const { return (seen_ & kSeenExpect) != 0; }
  bool has_body() const { return chunked_ || length_ > 0; }
  Range method_range() const { return {start_, method_bytes_}; }
  Range target_range() const { return {target_, target_end_ - target_}; }
  // The target without scheme and authority: "/path?query", "*", or what is left of an absolute-form.
  Range path_range() const { return {path_, target_end_ - path_}; }
  std::span<const FieldRange> fields() const { return {fields_.get(), field_count_}; }
  Range body_range() const {
    return {head_end_, chunked_ ? decoded_ - head_end_ : static_cast<std::uint32_t>(length_)};
  }

 private:
  // In the order in which a request passes through them.
  enum class Phase : std::uint8_t {
    start,
    method,
    target,
    version,
    head,  // the header section
    length_body,
    chunk_size,
    chunk_extension,
    chunk_data,
    chunk_end,
    trailer,
    complete,
    refused
  };
  // Within a line of a header or trailer section.
  enum class Line : std::uint8_t { start, name, value };
  // Within the part of a chunk's first line that follows its size: RFC 9112 7.1.1.
  enum class Extension : std::uint8_t {
    line,  // where the line may end
    before_semicolon,
    before_name,
    name,
    after_name,
    before_value,
    token,
    quoted,
    escaped
  };
  enum class LineResult : std::uint8_t { need_more, field, section_end };

  struct Input {
    char* data;
    std::size_t size;

    const char* at(std::size_t offset) const { return data + offset; }
    const char* end() const { return data + size; }
    std::uint32_t offset(const char* p) const { return static_cast<std::uint32_t>(p - data); }
    std::string_view view(Range range) const { return range.in(data); }
  };

  // Each reads on from at_. True: its part is done, and phase_ is the next one. False: octets are missing, or
  // the request is refused.
  bool read_start(Input in);
  bool read_method(Input in);
  template <class Scan>
  bool read_target(Input in);
  bool read_version(Input in);
  template <class Scan>
  bool read_head(Input in);
  template <class Scan>
  bool read_body(Input in);
  bool read_chunk_size(Input in);
  bool read_chunk_extension(Input in);
  bool read_chunk_data(Input in);
  bool read_chunk_end(Input in);
  template <class Scan>
  bool read_trailer(Input in);
  template <class Scan>
  LineResult read_field_line(Input in, std::size_t line_bytes_max, ParseError too_large);
  template <class Scan>
  Result parse_with(std::span<char> bytes);

  bool accept_request_line(Input in);
  bool accept_field(Input in);
  bool accept_once(unsigned seen_bit);
  bool accept_length(std::string_view value);
  bool accept_encoding(std::string_view value);
  bool accept_connection(std::string_view value);
  bool accept_head(Input in);
  bool accept_host(Input in);
  bool accept_trailer_field(Input in);
  Range field_name() const { return {name_, name_end_ - name_}; }

  std::string_view known_host() const { return {known_host_.data(), known_host_bytes_}; }
  void know_host(std::string_view host) {
    if (host.size() > known_host_.size()) return;
    std::memcpy(known_host_.data(), host.data(), host.size());
    known_host_bytes_ = host.size();
  }

  // How large the decoded body behind this head may be.
  std::size_t body_bytes_max() const {
    const std::size_t rest = limits_.request_bytes_max - head_end_;
    return rest < limits_.body_bytes_max ? rest : limits_.body_bytes_max;
  }
  bool refuse(ParseError error);

  static constexpr unsigned kSeenHost = 1, kSeenLength = 2, kSeenEncoding = 4, kSeenUnknownCoding = 8,
                            kSeenClose = 16, kSeenKeepAlive = 32, kSeenExpect = 64, kAbsoluteForm = 128,
                            kUnknownMethod = 256;
  // Fields of a request that are no lists (RFC 9110), one bit each; Host and Content-Length have theirs above.
  static constexpr unsigned kSeenDate = 1 << 9, kSeenFrom = 1 << 10, kSeenRange = 1 << 11,
                            kSeenReferer = 1 << 12, kSeenIfRange = 1 << 13, kSeenUserAgent = 1 << 14,
                            kSeenContentType = 1 << 15, kSeenMaxForwards = 1 << 16,
                            kSeenAuthorization = 1 << 17, kSeenContentRange = 1 << 18,
                            kSeenContentLocation = 1 << 19, kSeenIfModifiedSince = 1 << 20,
                            kSeenIfUnmodifiedSince = 1 << 21, kSeenProxyAuthorization = 1 << 22;

  ParseLimits limits_;
  std::unique_ptr<FieldRange[]> fields_;
  std::array<char, 64> known_host_;  // a Host value that was valid
  std::size_t known_host_bytes_ = 0;

  // Everything below is set anew for each request.
  Phase phase_ = Phase::start;
  Line line_ = Line::start;
  Extension extension_ = Extension::line;
  ParseError error_ = ParseError::none;
  Method method_ = Method::get;
  std::uint8_t minor_version_ = 1;
  bool chunked_ = false;
  std::uint8_t chunk_digits_ = 0;
  unsigned seen_ = 0;
  std::uint32_t at_ = 0;     // the next octet to be read
  std::uint32_t start_ = 0;  // the method's first octet
  std::uint32_t method_bytes_ = 0;
  std::uint32_t target_ = 0;
  std::uint32_t path_ = 0;
  std::uint32_t target_end_ = 0;
  std::uint32_t name_ = 0;  // of the field line being read
  std::uint32_t name_end_ = 0;
  std::uint32_t value_end_ = 0;
  std::uint32_t field_count_ = 0;
  std::uint32_t host_index_ = 0;
  std::uint32_t head_end_ = 0;
  std::uint32_t decoded_ = 0;  // the end of the decoded chunk data
  std::uint32_t trailer_fields_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  std::uint32_t extension_bytes_ = 0;
  std::uint64_t overhead_bytes_ = 0;
  std::uint64_t length_ = 0;  // as declared, or what is left of the present chunk
};

}  // namespace httpdyno::http
