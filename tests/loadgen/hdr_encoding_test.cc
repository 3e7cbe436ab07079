// The encoding of histograms: octet by octet as HdrHistogram's Java library gives it, and strict in what it
// takes.
#include "loadgen/figures/hdr_encoding.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "loadgen/base/base64.h"
#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::string hex(std::string_view octets) {
  std::string text;
  for (const char c : octets) {
    for (const int shift : {4, 0})
      text.push_back("0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15]);
  }
  return text;
}

std::string octets_of(std::string_view hex) {
  std::string octets;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    octets.push_back(static_cast<char>(std::stoi(std::string(hex.substr(0, 2)), nullptr, 16)));
  }
  return octets;
}

struct Vector {
  const char* name;
  Histogram histogram;
  std::string counts;  // behind the head, in hex
};

std::vector<Vector> vectors() {
  std::vector<Vector> all = {{"nothing", {}, "00"},
                             {"few", {}, "020002039003"},
                             {"many", {}, "0dfeffffffffffffffff"},
                             {"high", {}, "c1ae0102d3db0202"}};
  for (const int value : {0, 2}) all[1].histogram.record(value);
  for (int i = 0; i < 200; ++i) all[1].histogram.record(5);
  all[2].histogram.record_bucket(7, kMost);
  for (const std::int64_t value : {std::int64_t{1'000'000}, Histogram::kHighest})
    all[3].histogram.record(value);
  return all;
}

// Cookie, length, offset, digits, lowest, highest, ratio.
std::string head_of(std::size_t counts_bytes, const char* digits = "00000003", const char* lowest = "01",
                    const char* offset = "00000000", const char* ratio = "3ff0000000000000") {
  std::string text = "1c849313";
  const std::string length = {'\0', '\0', static_cast<char>(counts_bytes >> 8),
                              static_cast<char>(counts_bytes)};
  return octets_of(text + hex(length) + offset + digits + "00000000000000" + lowest + "0000034630b8a000" +
                   ratio);
}

std::string encoding_of(const char* counts) { return head_of(octets_of(counts).size()) + octets_of(counts); }

std::string deflated_text(const std::string& plain, std::string_view behind = "") {
  uLongf size = compressBound(plain.size());
  std::string deflated(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(deflated.data()), &size,
                     reinterpret_cast<const Bytef*>(plain.data()), plain.size()),
            Z_OK);
  deflated.resize(size);
  deflated += behind;
  std::string length;
  for (int shift = 24; shift >= 0; shift -= 8) length.push_back(static_cast<char>(deflated.size() >> shift));
  return to_base64(octets_of("1c849314") + length + deflated);
}

void expect_equal_counts(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.total(), b.total());
  for (std::size_t i = 0; i < Histogram::kCounts; ++i) ASSERT_EQ(a.count_at(i), b.count_at(i)) << i;
}

TEST(HdrEncoding, IsThatOfTheJavaLibrary) {
  for (const Vector& each : vectors()) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(hex(encode(each.histogram)), hex(encoding_of(each.counts.c_str())));
    EXPECT_EQ(encode_text(each.histogram).substr(0, 8), "HISTFAAA");
  }
}

TEST(HdrEncoding, ComesBackAsItWas) {
  std::vector<Vector> all = vectors();
  all.push_back({"drawn", {}, ""});
  Prng prng(7);
  for (int i = 0; i < 100'000; ++i) {
    all.back().histogram.record(
        static_cast<std::int64_t>(prng.below(1000) * prng.below(1000) * prng.below(3'600'000)));
  }
  Histogram decoded;
  for (const Vector& each : all) {
    SCOPED_TRACE(each.name);
    ASSERT_EQ(decode(encode(each.histogram), decoded), "");
    expect_equal_counts(decoded, each.histogram);
    ASSERT_EQ(decode_text(encode_text(each.histogram), decoded), "");
    expect_equal_counts(decoded, each.histogram);
    EXPECT_EQ(encode(decoded), encode(each.histogram));
  }
  for (const double percent : {0.0, 50.0, 99.0, 99.9, 100.0}) {
    const auto exact = static_cast<double>(all.back().histogram.percentile(percent));
    EXPECT_NEAR(static_cast<double>(decoded.percentile(percent)), exact, exact / 1000) << percent;
  }
  EXPECT_NEAR(decoded.mean(), all.back().histogram.mean(), all.back().histogram.mean() / 1000);
}

TEST(HdrEncoding, KnowsOfADecodedValueOnlyItsBucket) {
  Histogram histogram;
  histogram.record(1'000'000);
  Histogram decoded;
  ASSERT_EQ(decode(encode(histogram), decoded), "");
  EXPECT_EQ(decoded.min(), 999'936);
  EXPECT_EQ(decoded.max(), 1'000'447);
  EXPECT_EQ(decoded.mean(), 1'000'192);
}

TEST(HdrEncoding, IgnoresWhatTheLibrariesDisagreeAbout) {
  Histogram decoded;
  // The JavaScript library writes an offset of 1, and the ratio as an integer.
  const std::string octets = head_of(1, "00000003", "01", "00000001", "0000000000000001") + octets_of("06");
  ASSERT_EQ(decode(octets, decoded), "");
  EXPECT_EQ(decoded.count_at(0), 3);
}

TEST(HdrEncoding, SaysWhatIsWrong) {
  Histogram decoded;
  decoded.record(1);
  EXPECT_EQ(decode("", decoded), "is too short for an encoded histogram");
  EXPECT_EQ(decoded.total(), 0) << "nothing is left of what was there";
  EXPECT_EQ(decode(std::string(40, 'x'), decoded), "is not in the V2 encoding");
  EXPECT_EQ(decode(head_of(1, "00000002") + octets_of("06"), decoded),
            "has another layout: 2 significant digits from 1 up, not 3 from 1 up");
  EXPECT_EQ(decode(head_of(1, "00000003", "0a") + octets_of("06"), decoded),
            "has another layout: 3 significant digits from 10 up, not 3 from 1 up");
  EXPECT_EQ(decode(head_of(2) + octets_of("06"), decoded), "has 1 octets of counts, not the 2 that it says");
  EXPECT_EQ(decode(head_of(1) + octets_of("0606"), decoded),
            "has 2 octets of counts, not the 1 that it says");
  for (const char* counts : {"80", "0680", "ffffffffffffffff"}) {
    EXPECT_EQ(decode(encoding_of(counts), decoded), "ends within a count") << counts;
  }
  // Runs of 33,792 zeros, of one more, of one zero more behind it, and of the most that can be written.
  EXPECT_EQ(decode(encoding_of("ff8f04"), decoded), "");
  for (const char* counts : {"819004", "ff8f0400", "ffffffffffffffffff"}) {
    EXPECT_EQ(decode(encoding_of(counts), decoded), "has more counts than its layout") << counts;
  }
  EXPECT_EQ(decode(encoding_of("ff8f0402"), decoded), "has values beyond 3600000000000");
  EXPECT_EQ(decode(encoding_of("feffffffffffffffff"), decoded), "");
  EXPECT_EQ(decode(encoding_of("feffffffffffffffff02"), decoded), "counts too many values");
}

TEST(HdrEncoding, SaysWhatIsWrongWithAText) {
  Histogram decoded;
  const std::string good = encode_text(vectors()[1].histogram);
  ASSERT_EQ(decode_text(good, decoded), "");
  EXPECT_EQ(decode_text("", decoded), "is not in the compressed V2 encoding");
  EXPECT_EQ(decode_text(to_base64(encode(vectors()[1].histogram)), decoded),
            "is not in the compressed V2 encoding");
  EXPECT_EQ(decode_text(good + " ", decoded), "is not in Base64, or cut off");
  EXPECT_EQ(decode_text(good.substr(0, good.size() - 4), decoded), "has another length than it says");
  EXPECT_EQ(decode_text(to_base64(octets_of("1c84931400000000")), decoded), "does not inflate");
  EXPECT_EQ(decode_text(deflated_text(encode({}), "x"), decoded), "does not inflate");
  EXPECT_EQ(decode_text(deflated_text("short"), decoded), "is too short for an encoded histogram");
  // What would fill the memory does not get that far.
  EXPECT_EQ(decode_text(deflated_text(std::string(std::size_t{4} << 20, '\0')), decoded),
            "has more counts than its layout");
  // However it is cut or damaged: a reason or a histogram, never more.
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(decode_text(std::string_view(good).substr(0, i), decoded), "") << i;
    std::string damaged = good;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(decode_text(damaged, decoded), "") << i;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
