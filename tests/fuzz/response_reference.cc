#include "tests/fuzz/response_reference.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace httpdyno::fuzz {

namespace {

using http::BodyFraming;
using http::ResponseError;
using http::ResponseHead;

struct Refused {
  ResponseError why;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_tchar(char c) {
  return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool is_text(char c) {  // field-vchar, SP, HTAB and obs-text
  const auto octet = static_cast<unsigned char>(c);
  return octet == 0x09 || (octet >= 0x20 && octet != 0x7f);
}
std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}
std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// Reads from left to right, so that what is refused is refused at the first octet that is wrong.
class Reader {
 public:
  Reader(std::string_view stream, bool to_head) : stream_(stream), to_head_(to_head) {}

  std::string run() {
    try {
      while (at_ != stream_.size()) {
        const ResponseHead head = read_head();
        words_ += describe(head);
        if (head.framing == BodyFraming::until_close) {
          words_.append(stream_.substr(at_)).append(kCompleteAtEnd);
          return words_;
        }
        if (head.framing == BodyFraming::length) body(head.content_length);
        if (head.framing == BodyFraming::chunked) chunks();
        words_ += kComplete;
      }
    } catch (const Refused& refused) {
      words_ += http::response_error_text(refused.why);
    }
    return words_;
  }

 private:
  enum class Section : std::uint8_t { head, trailer };
  struct Fields {
    std::optional<std::uint64_t> length;
    bool chunked = false;
    bool close = false;
    bool keep_alive = false;
  };

  char peek() const {
    if (at_ == stream_.size()) throw Refused{ResponseError::truncated};
    return stream_[at_];
  }
  char take() {
    const char c = peek();
    ++at_;
    return c;
  }
  void expect(char wanted, ResponseError otherwise) {
    if (take() != wanted) throw Refused{otherwise};
  }
  // Up to the CR, which is left.
  std::string text() {
    std::string out;
    while (is_text(peek())) out.push_back(take());
    if (peek() == '\n') throw Refused{ResponseError::bad_line_end};
    if (peek() != '\r') throw Refused{ResponseError::bad_field};
    return out;
  }
  void line_end() {
    ++at_;
    expect('\n', ResponseError::bad_line_end);
  }

  ResponseHead read_head() {
    const std::size_t begin = at_;
    for (;;) {
      ResponseHead head;
      status_line(head);
      const Fields fields = section(Section::head);
      head.head_bytes = at_ - begin;
      if (head.status == 101) throw Refused{ResponseError::unexpected_upgrade};
      if (head.status < 200) continue;
      if (fields.chunked && fields.length) throw Refused{ResponseError::conflicting_length};
      if (fields.chunked && head.minor_version == 0) throw Refused{ResponseError::bad_coding};
      frame(head, fields);
      return head;
    }
  }

  void status_line(ResponseHead& head) {
    constexpr ResponseError kBad = ResponseError::bad_status_line;
    for (const char c : std::string_view("HTTP/1.")) expect(c, kBad);
    const auto digit = [&] {
      if (!is_digit(peek())) throw Refused{kBad};
      return take() - '0';
    };
    head.minor_version = std::min(digit(), 1);
    expect(' ', kBad);
    for (int i = 0; i < 3; ++i) head.status = head.status * 10 + digit();
    expect(' ', kBad);
    if (head.status < 100) throw Refused{kBad};
    text();
    line_end();
  }

  // *( field-line CRLF ) CRLF
  Fields section(Section kind) {
    Fields fields;
    while (peek() != '\r') {
      if (is_blank(peek())) throw Refused{ResponseError::folded_line};
      std::string name;
      while (is_tchar(peek())) name.push_back(take());
      if (name.empty()) throw Refused{ResponseError::bad_field};
      expect(':', ResponseError::bad_field);
      const std::string value = text();
      // Trailers change nothing: RFC 9112 7.1.2.
      if (kind == Section::head) take_field(lower(name), value, fields);
      line_end();
    }
    line_end();
    return fields;
  }

  static void take_field(const std::string& name, const std::string& value, Fields& fields) {
    if (name == "content-length") {
      const std::string digits = trimmed(value);
      const bool good =
          !digits.empty() && digits.size() <= 18 && std::all_of(digits.begin(), digits.end(), is_digit);
      if (!good) throw Refused{ResponseError::bad_length};
      const std::uint64_t length = std::stoull(digits);
      if (fields.length && *fields.length != length) throw Refused{ResponseError::conflicting_length};
      fields.length = length;
    } else if (name == "transfer-encoding") {
      if (fields.chunked || lower(trimmed(value)) != "chunked") throw Refused{ResponseError::bad_coding};
      fields.chunked = true;
    } else if (name == "connection") {
      for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t comma = std::min(value.find(',', begin), value.size());
        const std::string option = lower(trimmed(value.substr(begin, comma - begin)));
        fields.close = fields.close || option == "close";
        fields.keep_alive = fields.keep_alive || option == "keep-alive";
        begin = comma + 1;
      }
    }
  }

  // RFC 9112 6.3 and 9.3.
  void frame(ResponseHead& head, const Fields& fields) const {
    head.keep_alive = !fields.close && (head.minor_version == 1 || fields.keep_alive);
    head.content_length = fields.length.value_or(0);
    if (to_head_ || head.status == 204 || head.status == 304) {
      head.framing = BodyFraming::none;
    } else if (fields.chunked) {
      head.framing = BodyFraming::chunked;
    } else if (fields.length) {
      head.framing = BodyFraming::length;
    } else {
      head.framing = BodyFraming::until_close;
      head.keep_alive = false;
    }
  }

  void body(std::uint64_t size) {
    for (std::uint64_t i = 0; i < size; ++i) words_.push_back(take());
  }

  // *chunk last-chunk trailer-section CRLF
  void chunks() {
    constexpr ResponseError kBad = ResponseError::bad_chunk;
    for (;;) {
      const std::uint64_t size = chunk_size();
      if (peek() != '\r') extension();
      line_end();
      if (size == 0) break;
      body(size);
      expect('\r', kBad);
      expect('\n', kBad);
    }
    section(Section::trailer);
  }
  std::uint64_t chunk_size() {
    std::uint64_t size = 0;
    int digits = 0;
    for (;; ++at_) {
      const std::size_t value = std::string_view("0123456789abcdef").find(lower({peek()}));
      if (value == std::string_view::npos) break;
      if (++digits > 16) throw Refused{ResponseError::bad_chunk};
      size = size * 16 + value;
    }
    if (digits == 0) throw Refused{ResponseError::bad_chunk};
    return size;
  }
  void extension() {
    while (is_blank(peek())) ++at_;
    expect(';', ResponseError::bad_chunk);
    while (is_text(peek())) ++at_;
    if (peek() != '\r') throw Refused{ResponseError::bad_chunk};
  }

  std::string_view stream_;
  bool to_head_;
  std::size_t at_ = 0;
  std::string words_;
};

}  // namespace

std::string describe(const ResponseHead& head) {
  return std::to_string(head.status) + " 1." + std::to_string(head.minor_version) +
         (head.keep_alive ? " keep-alive" : " close") + " framing " +
         std::to_string(static_cast<int>(head.framing)) + " length " + std::to_string(head.content_length) +
         " head " + std::to_string(head.head_bytes) + "\n";
}

std::string read_plainly(std::string_view stream, bool to_head) { return Reader(stream, to_head).run(); }

}  // namespace httpdyno::fuzz
