#include "net/http/segment.h"

#include <cstdint>

#include "net/http/chars.h"

namespace httpdyno::http {

namespace {

// Takes one character off the front of `text`, of which there is some. False when it is no UTF-8 (RFC 3629 3),
// or one of those that a segment may not hold.
bool take_character(std::string_view& text) {
  const auto octet = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = octet(0);
  const std::size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // with fewer octets it would be overlong
  if (size > 1 && (first < 0xc0 || first > 0xf7 || text.size() < size)) return false;
  std::uint32_t character = size == 1 ? first : first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return false;
    character = character << 6 | (octet(i) & 0x3f);
  }
  text.remove_prefix(size);
  const bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return character >= kLeast[size] && character <= 0x10ffff && !control && !surrogate && character != '/';
}

bool is_name(std::string_view text) {
  if (text == "." || text == "..") return false;
  while (!text.empty()) {
    if (!take_character(text)) return false;
  }
  return true;
}

bool decode(std::string_view encoded, std::string& decoded) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '%') {
      decoded.push_back(encoded[i]);
      continue;
    }
    if (encoded.size() - i < 3) return false;
    const int high = hex_value(encoded[i + 1]);
    const int low = hex_value(encoded[i + 2]);
    if (high < 0 || low < 0) return false;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

}  // namespace

bool decode_segment(std::string_view segment, std::string& decoded) {
  decoded.clear();
  if (decode(segment, decoded) && is_name(decoded)) return true;
  decoded.clear();
  return false;
}

}  // namespace httpdyno::http
