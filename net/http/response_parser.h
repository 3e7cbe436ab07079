// The response parser: octets in; status, framing and body out. Strict (RFC 9112), incremental, no octet
// scanned twice.
//
// Unlike the request parser it keeps no octets: a reader of responses needs the meaning of three fields, not
// views of all. So the octets may come in any pieces, each piece may vanish after the call, and a head of any
// size costs the same small fixed state. Byte by byte gives the same as whole, because a piece's end is no
// event to it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpdyno::http {

enum class ResponseError : std::uint8_t {
  none,
#define RESPONSE_ERROR(name, text) name,
#include "net/http/response_errors.def"
#undef RESPONSE_ERROR
};
// Completes the sentence "the answer ..."; empty for `none`.
std::string_view response_error_text(ResponseError error);

// How the end of the body is found: RFC 9112 6.3.
enum class BodyFraming : std::uint8_t {
  none,    // HEAD, 204, 304: no body whatever the fields say
  length,  // Content-Length
  chunked,
  until_close,  // neither: the body is all until the end of the stream
};

// What the head says. Sizes in octets.
struct ResponseHead {
  int status = 0;          // 200 to 999; a 1xx is not final and never seen here
  int minor_version = 1;   // HTTP/1.0 or HTTP/1.1
  bool keep_alive = true;  // RFC 9112 9.3: by version and Connection; never with until_close
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0;  // with BodyFraming::length
  std::uint64_t head_bytes = 0;      // status line to empty line, interim (1xx) responses before it included
};

// Sizes in octets. What lies beyond a bound is an error, never a wait.
struct ResponseLimits {
  std::uint64_t head_bytes_max = 1 << 20;         // interim responses included; trailers anew
  std::uint32_t fields_max = 4096;                // header lines of one head, and again trailer lines
  std::uint32_t interim_max = 64;                 // 1xx responses before the final one
  std::uint64_t chunk_line_bytes_max = 16 << 10;  // a chunk's size and extensions
};

enum class ResponseEvent : std::uint8_t {
  more,      // all octets were taken; the response goes on
  head,      // the final head is complete: head() is valid
  body,      // `body` holds the next octets of the body (transfer coding removed), a view of the input
  complete,  // the octets up to here are the response; start() the next
  error,     // error() says why; only start() may follow
};

struct ResponseStep {
  ResponseEvent event = ResponseEvent::more;
  std::size_t consumed = 0;  // how many of the octets given belong to this step
  std::string_view body;
};

// Owned by one thread. Allocates nothing.
class ResponseParser {
 public:
  explicit ResponseParser(const ResponseLimits& limits = {}) : limits_(limits) { start(false); }

  // Ready for the next response. `to_head`: it answers a HEAD, so that it has no body (RFC 9112 6.3).
  void start(bool to_head);
  // The next event of the response that `bytes` go on with. Call again, without the consumed octets, until
  // the event is `more`, `complete` or `error`: even when no octets are left, for a body may be complete with
  // the head.
  ResponseStep next(std::string_view bytes);
  // The stream has ended: `complete` for a body that lasts until then, else `error` (truncated).
  ResponseStep end();

  // A head that is known without being parsed, because the same octets have been parsed before. Only right
  // after start(); the octets of the head must not be given to next().
  void assume_head(const ResponseHead& head);

  // No octet of the response has been seen.
  bool at_start() const { return phase_ == Phase::status_line && head_.head_bytes == 0; }
  // Valid from the event `head` until start().
  const ResponseHead& head() const { return head_; }
  std::uint64_t body_bytes() const { return body_bytes_; }  // so far, transfer coding removed
  ResponseError error() const { return error_; }

 private:
  // The phases in which lines are read come first: they are what the limits bound.
  enum class Phase : std::uint8_t {
    status_line,  // column_ counts the octets that have been read of "HTTP/1.1 200 "
    reason,
    line_start,
    name,
    value,
    line_end,     // LF expected
    section_end,  // the LF of the empty line expected
    chunk_size,
    chunk_extension,
    chunk_line_end,  // LF expected
    // Between two parts: no octet is read here.
    section_done,
    chunk_line_done,
    // The body's own octets.
    length_body,
    close_body,
    chunk_data,
    chunk_data_cr,
    chunk_data_lf,
    complete,
    failed,
  };
  // The fields that decide about framing and persistence.
  enum class Field : std::uint8_t { other, content_length, transfer_encoding, connection };

  // Each reads on from `at` and returns where it stopped: at `end`, or where another phase begins.
  const char* read_lines(const char* at, const char* end);
  const char* read_status_line(const char* at, const char* end);
  const char* read_line_start(const char* at);
  const char* read_name(const char* at, const char* end);
  const char* read_text(const char* at, const char* end);
  const char* read_words(const char* at, const char* end);
  const char* read_line_feed(const char* at, Phase next);
  const char* read_chunk_size(const char* at, const char* end);
  const char* read_chunk_extension(const char* at, const char* end);

  void begin_section(Phase phase, std::uint64_t bytes_max);
  void end_section();
  void end_head();
  void end_chunk_line();
  Field classify(std::string_view name) const;
  void append_to_word(std::string_view octets);
  void take_word();
  void take_length();
  const char* fail(ResponseError error, const char* at);

  ResponseLimits limits_;
  ResponseHead head_;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t remaining_ = 0;  // of the body or of the chunk
  std::uint64_t allowance_ =
      0;  // how many octets the present head, trailer section or chunk line may still have
  std::uint32_t fields_ = 0;  // of the present section
  std::uint32_t interim_ = 0;

  Phase phase_ = Phase::status_line;
  ResponseError error_ = ResponseError::none;
  Field field_ = Field::other;
  std::uint8_t column_ = 0;  // of the status line; digits of a chunk size; whether its ';' has come
  bool to_head_ = false;
  bool in_trailer_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
  bool word_ended_ = false;  // white space has followed the word

  // The field name in lower case, later the present word of its value. A longer one is none of ours.
  static constexpr std::uint8_t kWordTooLong = 0xff;
  std::uint8_t word_size_ = 0;
  std::array<char, 22> word_{};
};

}  // namespace httpdyno::http
