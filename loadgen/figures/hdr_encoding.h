// A histogram as octets and as text: the V2 encoding of HdrHistogram, which all of its libraries read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "loadgen/figures/histogram.h"

namespace httpdyno::loadgen {

// No encoding that encode() gives is longer: a head, and nine octets for each count.
inline constexpr std::size_t kEncodedHeadBytes = 40;
inline constexpr std::size_t kEncodedBytesMax = kEncodedHeadBytes + 9 * Histogram::kCounts;

// Counts alone are encoded. What is decoded has the same counts, and so the same percentiles to the width of a
// bucket; its min(), max() and mean() are those of its buckets, and an overflow counts at Histogram::kHighest.
std::string encode(const Histogram& histogram);
// The same deflated, in Base64, as a line of a .hlog has it. Equal histograms give equal texts.
std::string encode_text(const Histogram& histogram);

// The inverse; `out` becomes what was encoded. Empty, or what is wrong ("ends within a count") and `out` is of
// no use. Refused besides what is broken: another layout (significant digits, lowest value), values beyond
// Histogram::kHighest, more values than an int64 counts. Not looked at, because the libraries disagree about
// them: normalizingIndexOffset and the conversion ratio.
std::string decode(std::string_view octets, Histogram& out);
std::string decode_text(std::string_view text, Histogram& out);

}  // namespace httpdyno::loadgen
