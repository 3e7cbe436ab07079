#include "net/http/scan.h"

#include <array>

#if HTTPDYNO_SSE2
#include <immintrin.h>
#endif

namespace httpdyno::http {

namespace {

#if HTTPDYNO_SSE2

const char* sse2_field(const char* begin, const char* end) {
  while (end - begin >= 16) {
    const unsigned mask = field_stops(begin);
    if (mask != 0) return begin + __builtin_ctz(mask);
    begin += 16;
  }
  return find_end_of<kFieldChar>(begin, end);
}

[[gnu::target("avx2")]] const char* avx2_field(const char* begin, const char* end) {
  while (end - begin >= 32) {
    const __m256i octets = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(begin));
    const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(octets, _mm256_set1_epi8(0x1f)), octets);
    const __m256i tab = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8('\t'));
    const __m256i del = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(0x7f));
    const auto mask =
        static_cast<unsigned>(_mm256_movemask_epi8(_mm256_or_si256(_mm256_andnot_si256(tab, control), del)));
    if (mask != 0) return begin + __builtin_ctz(mask);
    begin += 32;
  }
  return sse2_field(begin, end);
}

constexpr std::array<NamedScanner, 3> kFieldScanners = {{
    {"scalar", find_end_of<kFieldChar>},
    {"sse2", sse2_field},
    {"avx2", avx2_field},
}};

std::size_t supported_scanners() { return __builtin_cpu_supports("avx2") ? 3 : 2; }

#else

constexpr std::array<NamedScanner, 1> kFieldScanners = {{{"scalar", find_end_of<kFieldChar>}}};

std::size_t supported_scanners() { return 1; }

#endif

}  // namespace

std::span<const NamedScanner> field_scanners() { return {kFieldScanners.data(), supported_scanners()}; }

const Scanner scan_long_field = field_scanners().back().scan;

}  // namespace httpdyno::http
