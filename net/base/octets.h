// Copies and comparisons of short texts. memcpy and memcmp cost a call, and most texts of a head are shorter than
// that is worth: two words that overlap reach from one end to the other.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace httpdyno {

// Copies `text` to `out`, which must not overlap it; returns the end of the copy.
inline char* put_octets(char* out, std::string_view text) {
  const std::size_t size = text.size();
  const char* const from = text.data();
  const auto put_ends = [&](std::size_t word) {
    std::memcpy(out, from, word);
    std::memcpy(out + size - word, from + size - word, word);
  };
  if (size - 8 <= 8) {
    put_ends(8);
  } else if (size - 16 <= 16) {
    put_ends(16);
  } else if (size > 0) {
    std::memcpy(out, from, size);
  }
  return out + size;
}

// Without the call however much the compiler has inlined already: every request compares its Host.
[[gnu::always_inline]] inline bool equal_octets(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size - 8 > 8) return a == b;
  const auto word_at = [](std::string_view text, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + offset, sizeof word);
    return word;
  };
  return word_at(a, 0) == word_at(b, 0) && word_at(a, size - 8) == word_at(b, size - 8);
}

}  // namespace httpdyno
