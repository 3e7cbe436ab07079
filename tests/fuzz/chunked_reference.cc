#include "tests/fuzz/chunked_reference.h"

#include <algorithm>

namespace httpdyno::fuzz {

namespace {

struct Ended {};      // the octets ended inside the grammar
struct Malformed {};  // no continuation could make them fit it

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_tchar(char c) {
  return is_alnum(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}
bool is_text(char c) {  // field-vchar, SP, HTAB and obs-text
  const auto octet = static_cast<unsigned char>(c);
  return octet == 0x09 || (octet >= 0x20 && octet != 0x7f);
}
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

class Decoder {
 public:
  Decoder(std::string_view input, std::size_t body_bytes_max)
      : input_(input), body_bytes_max_(body_bytes_max) {}

  // chunked-body = *chunk last-chunk trailer-section CRLF
  Decoded run() {
    Decoded decoded;
    try {
      for (;;) {
        const std::uint64_t size = chunk_size(decoded.body.size());
        extensions();
        if (size == 0) break;
        for (std::uint64_t i = 0; i < size; ++i) decoded.body.push_back(take());
        line_end();
      }
      trailers();
      decoded.verdict = Decoded::Verdict::complete;
      decoded.consumed = at_;
    } catch (const Ended&) {
      decoded.verdict = Decoded::Verdict::need_more;
    } catch (const Malformed&) {
      decoded.verdict = Decoded::Verdict::refused;
    }
    return decoded;
  }

 private:
  char peek() const {
    if (at_ == input_.size()) throw Ended();
    return input_[at_];
  }
  char take() {
    const char c = peek();
    ++at_;
    return c;
  }
  void expect(char wanted) {
    if (take() != wanted) throw Malformed();
  }
  void line_end() {
    expect('\r');
    expect('\n');
  }
  bool blanks() {
    const std::size_t before = at_;
    while (peek() == ' ' || peek() == '\t') ++at_;
    return at_ != before;
  }
  std::string token() {
    std::string text;
    while (is_tchar(peek())) text.push_back(take());
    if (text.empty()) throw Malformed();
    return text;
  }

  // 1*HEXDIG, of which the parsers take sixteen.
  std::uint64_t chunk_size(std::size_t body_bytes) {
    std::uint64_t size = 0;
    int digits = 0;
    for (;; ++at_) {
      const std::size_t value = std::string_view("0123456789abcdef").find(lower({peek()}));
      if (value == std::string_view::npos) break;
      if (++digits > 16) throw Malformed();
      size = size * 16 + value;
    }
    if (digits == 0 || size > body_bytes_max_ - body_bytes) throw Malformed();
    return size;
  }

  // *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) CRLF
  void extensions() {
    while (peek() != '\r') {
      blanks();
      expect(';');
      blanks();
      token();
      const bool blank = blanks();
      if (peek() == '=') {
        ++at_;
        blanks();
        if (peek() == '"') {
          quoted_string();
        } else {
          token();
        }
      } else if (blank && peek() != ';') {
        throw Malformed();  // white space belongs in front of something
      }
    }
    line_end();
  }
  void quoted_string() {
    expect('"');
    for (;;) {
      char c = take();
      if (c == '"') return;
      if (c == '\\') c = take();
      if (!is_text(c)) throw Malformed();
    }
  }

  // *( field-line CRLF ) CRLF
  void trailers() {
    while (peek() != '\r') {
      const std::string name = lower(token());
      expect(':');
      while (is_text(peek())) ++at_;
      line_end();
      if (name == "host" || name == "content-length" || name == "transfer-encoding") throw Malformed();
    }
    line_end();
  }

  std::string_view input_;
  std::size_t body_bytes_max_;
  std::size_t at_ = 0;
};

}  // namespace

Decoded decode_chunked(std::string_view input, std::size_t body_bytes_max) {
  return Decoder(input, body_bytes_max).run();
}

}  // namespace httpdyno::fuzz
