// The scanners: how far a run of allowed octets reaches. Vector code where the machine has it, a scalar twin
// everywhere.
#pragma once

#include <span>
#include <string_view>

#include "net/http/chars.h"

#if HTTPDYNO_SIMD && defined(__SSE2__)
#include <emmintrin.h>
#define HTTPDYNO_SSE2 1
#else
#define HTTPDYNO_SSE2 0
#endif

namespace httpdyno::http {

// The first octet of [begin, end) outside the class; `end` if there is none.
template <CharClass kClass>
inline const char* find_end_of(const char* begin, const char* end) {
  while (begin != end && is(kClass, *begin)) ++begin;
  return begin;
}

using Scanner = const char* (*)(const char* begin, const char* end);

// Scanners of one meaning: the first octet that may not stand in a field value (a control other than HTAB, or
// DEL).
struct NamedScanner {
  std::string_view name;
  Scanner scan;
};
// All that this machine can run, the scalar twin first. For the tests that compare them.
std::span<const NamedScanner> field_scanners();
// The best of them for long runs, chosen once when the program starts.
extern const Scanner scan_long_field;

// The first octet that may not stand in a request target; `end` if there is none.
inline const char* find_target_end(const char* begin, const char* end) {
#if HTTPDYNO_SSE2
  while (end - begin >= 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin));
    const auto is_one_of = [octets](char with_bit, char bit) {  // the octet, with or without one bit
      return _mm_cmpeq_epi8(_mm_or_si128(octets, _mm_set1_epi8(bit)), _mm_set1_epi8(with_bit));
    };
    // Signed comparison: controls, SP and everything from 0x80 up.
    __m128i bad = _mm_cmplt_epi8(octets, _mm_set1_epi8('!'));
    bad = _mm_or_si128(bad, is_one_of('#', 0x01));  // " #
    bad = _mm_or_si128(bad, is_one_of('>', 0x02));  // < >
    bad = _mm_or_si128(bad, is_one_of('^', 0x02));  // \\ ^
    bad = _mm_or_si128(bad, _mm_cmpeq_epi8(octets, _mm_set1_epi8('`')));
    bad = _mm_or_si128(bad, _mm_andnot_si128(_mm_cmpeq_epi8(octets, _mm_set1_epi8('~')),
                                             _mm_cmpgt_epi8(octets, _mm_set1_epi8('z'))));  // { | } DEL
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(bad));
    if (mask != 0) return begin + __builtin_ctz(mask);
    begin += 16;
  }
#endif
  return find_end_of<kTargetChar>(begin, end);
}

#if HTTPDYNO_SSE2
// A bit for each of 16 octets that may not stand in a field value: unsigned <= 0x1f except HTAB, or DEL.
inline unsigned field_stops(const char* octets16) {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets16));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(octets, _mm_set1_epi8(0x1f)), octets);
  const __m128i tab = _mm_cmpeq_epi8(octets, _mm_set1_epi8('\t'));
  const __m128i del = _mm_cmpeq_epi8(octets, _mm_set1_epi8(0x7f));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del)));
}
#endif

// The end of a field value, as above. Most values end within 32 octets and are found here without a call.
inline const char* find_field_end(const char* begin, const char* end) {
#if HTTPDYNO_SSE2
  for (int i = 0; i < 2; ++i) {
    if (end - begin < 16) return find_end_of<kFieldChar>(begin, end);
    const unsigned mask = field_stops(begin);
    if (mask != 0) return begin + __builtin_ctz(mask);
    begin += 16;
  }
  return scan_long_field(begin, end);
#else
  return find_end_of<kFieldChar>(begin, end);
#endif
}

// What a parser scans with: the best that there is, or the scalar twins alone.
struct VectorScan {
  static const char* target_end(const char* begin, const char* end) { return find_target_end(begin, end); }
  static const char* field_end(const char* begin, const char* end) { return find_field_end(begin, end); }
};
struct ScalarScan {
  static const char* target_end(const char* begin, const char* end) {
    return find_end_of<kTargetChar>(begin, end);
  }
  static const char* field_end(const char* begin, const char* end) {
    return find_end_of<kFieldChar>(begin, end);
  }
};

}  // namespace httpdyno::http
