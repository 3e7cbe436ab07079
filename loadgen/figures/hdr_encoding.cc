#include "loadgen/figures/hdr_encoding.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "loadgen/base/base64.h"
#include "net/base/assert.h"

namespace httpdyno::loadgen {

namespace {

// The version 2 of the encoding, with its word size, as HdrHistogram marks it.
constexpr std::uint32_t kCookie = 0x1c849313;
constexpr std::uint32_t kCompressedCookie = 0x1c849314;
constexpr std::size_t kCompressedHeadBytes = 8;
constexpr std::size_t kLastIndex = Histogram::index_of(Histogram::kHighest);

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

std::uint64_t take(std::string_view& in, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<unsigned char>(in[static_cast<std::size_t>(i)]);
  in.remove_prefix(static_cast<std::size_t>(bytes));
  return value;
}

// ZigZag, then seven bits in an octet, the least significant first, and the ninth octet has eight.
void put_number(std::string& out, std::int64_t number) {
  std::uint64_t rest = static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
  for (int i = 0; i < 8 && rest >= 0x80; ++i, rest >>= 7) out.push_back(static_cast<char>(rest | 0x80));
  out.push_back(static_cast<char>(rest));
}

// False when the octets end first.
bool take_number(std::string_view& in, std::int64_t& number) {
  std::uint64_t zigzag = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    if (i == in.size()) return false;
    const auto octet = static_cast<unsigned char>(in[i]);
    const bool last = i == 8 || octet < 0x80;
    zigzag |= static_cast<std::uint64_t>(i == 8 ? octet : octet & 0x7f) << 7 * i;
    if (!last) continue;
    in.remove_prefix(i + 1);
    break;
  }
  number = static_cast<std::int64_t>(zigzag >> 1 ^ (0 - (zigzag & 1)));
  return true;
}

std::string take_counts(std::string_view in, Histogram& out) {
  std::uint64_t index = 0;
  while (!in.empty()) {
    std::int64_t number = 0;
    if (!take_number(in, number)) return "ends within a count";
    // A negative number is a run of so many zeros.
    if (number <= 0) {
      const std::uint64_t run = number == 0 ? 1 : 0 - static_cast<std::uint64_t>(number);
      if (run > Histogram::kCounts - index) return "has more counts than its layout";
      index += run;
      continue;
    }
    if (index > kLastIndex) return fmt::format("has values beyond {}", Histogram::kHighest);
    if (number > std::numeric_limits<std::int64_t>::max() - out.total()) return "counts too many values";
    out.record_bucket(static_cast<std::size_t>(index++), number);
  }
  return {};
}

}  // namespace

std::string encode(const Histogram& histogram) {
  std::string counts;
  std::int64_t zeros = 0;
  const auto put_zeros = [&] {
    if (zeros != 0) put_number(counts, zeros == 1 ? 0 : -zeros);
    zeros = 0;
  };
  const std::size_t end = Histogram::index_of(std::min(histogram.max(), Histogram::kHighest)) + 1;
  for (std::size_t i = 0; i < end; ++i) {
    const std::int64_t count = histogram.count_at(i);
    if (count == 0) {
      ++zeros;
    } else {
      put_zeros();
      put_number(counts, count);
    }
  }
  put_zeros();  // of an empty histogram, whose greatest value is 0
  std::string out;
  put(out, kCookie, 4);
  put(out, counts.size(), 4);
  put(out, 0, 4);  // normalizingIndexOffset
  put(out, Histogram::kDigits, 4);
  put(out, Histogram::kLowest, 8);
  put(out, Histogram::kHighest, 8);
  put(out, std::bit_cast<std::uint64_t>(1.0), 8);  // of integers to what was recorded
  return out + counts;
}

std::string encode_text(const Histogram& histogram) {
  const std::string plain = encode(histogram);
  uLongf size = compressBound(plain.size());
  std::string deflated(size, '\0');
  const int code = compress(reinterpret_cast<Bytef*>(deflated.data()), &size,
                            reinterpret_cast<const Bytef*>(plain.data()), plain.size());
  ASSERT(code == Z_OK);
  std::string octets;
  put(octets, kCompressedCookie, 4);
  put(octets, size, 4);
  octets.append(deflated, 0, size);
  return to_base64(octets);
}

std::string decode(std::string_view octets, Histogram& out) {
  out.clear();
  if (octets.size() < kEncodedHeadBytes) return "is too short for an encoded histogram";
  if (take(octets, 4) != kCookie) return "is not in the V2 encoding";
  const std::uint64_t length = take(octets, 4);
  take(octets, 4);
  const std::uint64_t digits = take(octets, 4);
  const std::uint64_t lowest = take(octets, 8);
  take(octets, 8);  // the highest value: what index a value has does not depend on it
  take(octets, 8);
  if (digits != Histogram::kDigits || lowest != Histogram::kLowest) {
    return fmt::format("has another layout: {} significant digits from {} up, not {} from {} up", digits,
                       lowest, Histogram::kDigits, Histogram::kLowest);
  }
  if (length != octets.size()) {
    return fmt::format("has {} octets of counts, not the {} that it says", octets.size(), length);
  }
  return take_counts(octets, out);
}

std::string decode_text(std::string_view text, Histogram& out) {
  std::string octets;
  if (!from_base64(text, octets)) return "is not in Base64, or cut off";
  std::string_view rest = octets;
  if (rest.size() < kCompressedHeadBytes || take(rest, 4) != kCompressedCookie) {
    return "is not in the compressed V2 encoding";
  }
  if (take(rest, 4) != rest.size()) return "has another length than it says";
  // One octet more than there may be tells what is too long from what fits.
  std::string plain(kEncodedBytesMax + 1, '\0');
  uLongf size = plain.size();
  uLong used = rest.size();
  const int code = uncompress2(reinterpret_cast<Bytef*>(plain.data()), &size,
                               reinterpret_cast<const Bytef*>(rest.data()), &used);
  if (code == Z_BUF_ERROR && size == plain.size()) return "has more counts than its layout";
  if (code != Z_OK || used != rest.size()) return "does not inflate";
  return decode(std::string_view(plain).substr(0, size), out);
}

}  // namespace httpdyno::loadgen
