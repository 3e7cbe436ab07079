// Which octets may stand where: one table of character classes, made at compile time from the grammar's own
// lists.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace httpdyno::http {

enum CharClass : std::uint8_t {
  kTokenChar = 1,   // tchar, RFC 9110 5.6.2
  kTargetChar = 2,  // what a request target may hold: RFC 3986's path, query and authority characters and '%'
  kFieldChar = 4,   // field-vchar, SP, HTAB, obs-text: RFC 9110 5.5
  kHostChar = 8,    // reg-name without ',' (RFC 3986 3.2.2): a list of hosts is no host
};

namespace detail {
constexpr std::array<std::uint8_t, 256> make_char_classes() {
  constexpr std::string_view kAlnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::array<std::uint8_t, 256> classes{};
  auto mark = [&](std::string_view chars, std::uint8_t bit) {
    for (char c : chars) classes[static_cast<unsigned char>(c)] |= bit;
  };
  mark(kAlnum, kTokenChar | kTargetChar | kHostChar);
  mark("!#$%&'*+-.^_`|~", kTokenChar);
  mark("-._~:/?[]@!$&'()*+,;=%", kTargetChar);
  mark("-._~!$&'()*+;=%", kHostChar);
  for (unsigned c = 0; c < 256; ++c) {
    if ((c >= 0x20 && c != 0x7f) || c == '\t') classes[c] |= kFieldChar;
  }
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kCharClasses = make_char_classes();
}  // namespace detail

constexpr bool is(CharClass wanted, char c) {
  return (detail::kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// Case-insensitive equality with a text that is already in lower case.
constexpr bool equals_lower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

// Case-insensitive equality of a token with a literal of at least four lower-case letters, digits or hyphens,
// a word at a time. Setting the bit that tells upper from lower case is exact for letters; what else it would
// merge is no tchar.
template <std::size_t n>
inline bool token_equals(std::string_view token, const char (&lower)[n]) {
  constexpr std::size_t kSize = n - 1;
  using Word = std::conditional_t<(kSize >= 8), std::uint64_t, std::uint32_t>;
  static_assert(kSize >= sizeof(Word) && kSize <= 3 * sizeof(Word));
  if (token.size() != kSize) return false;
  constexpr Word kCaseBits = static_cast<Word>(0x2020202020202020U);
  const auto equal_at = [&](std::size_t offset) {
    Word a = 0;
    Word b = 0;
    std::memcpy(&a, token.data() + offset, sizeof a);
    std::memcpy(&b, lower + offset, sizeof b);
    return (a | kCaseBits) == b;
  };
  // The last word overlaps the one before it.
  bool equal = equal_at(0) && equal_at(kSize - sizeof(Word));
  if constexpr (kSize > 2 * sizeof(Word)) equal = equal && equal_at(sizeof(Word));
  return equal;
}

// Without the SP and HTAB at both ends: optional white space, RFC 9110 5.6.3.
constexpr std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace httpdyno::http
