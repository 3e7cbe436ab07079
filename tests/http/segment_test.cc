#include "net/http/segment.h"

#include <gtest/gtest.h>

#include "net/http/chars.h"

namespace httpdyno::http {
namespace {

std::string decoded(std::string_view segment) {
  std::string out = "left over";
  const bool good = decode_segment(segment, out);
  EXPECT_TRUE(good || out.empty()) << segment;
  return good ? out : "refused";
}

TEST(DecodeSegment, DecodesWhatIsAName) {
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("plain-name_1.txt"), "plain-name_1.txt");
  EXPECT_EQ(decoded("a%20b%2b+c"), "a b++c");  // a plus sign is one
  EXPECT_EQ(decoded("%41%4a%4A"), "AJJ");
  EXPECT_EQ(decoded("100%25"), "100%");
  EXPECT_EQ(decoded("%2541"), "%41");  // once, not twice
  EXPECT_EQ(decoded("%2e%2e%2e"), "...");
  EXPECT_EQ(decoded(".hidden"), ".hidden");
  // The first and the last character of each length.
  EXPECT_EQ(decoded("%7E"), "~");
  EXPECT_EQ(decoded("%C2%A0%DF%BF"), "\xc2\xa0\xdf\xbf");
  EXPECT_EQ(decoded("%E0%A0%80%ED%9F%BF%EE%80%80%EF%BF%BF"),
            "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf");
  EXPECT_EQ(decoded("%F0%90%80%80%F4%8F%BF%BF"), "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(DecodeSegment, RefusesWhatIsNone) {
  for (std::string_view segment : {
           "%",
           "a%",
           "a%4",
           "%zz",
           "%4g",
           "%%41",
           "% 41",  // no encoding
           "%00",
           "a%00b",
           "%0d%0a",
           "%1f",
           "%7f",
           "%c2%80",
           "%c2%9f",  // controls
           "%c0%80",
           "%c0%af",
           "%c1%bf",
           "%e0%80%af",
           "%e0%9f%bf",
           "%f0%80%80%af",
           "%f0%8f%bf%bf",  // overlong
           "%80",
           "%bf",
           "%ff",
           "%fe",
           "%f8%88%80%80%80",
           "%c3",
           "%c3%28",
           "%e2%82",
           "%e2%28%a1",
           "%f0%9f%98",
           "%ed%a0%80",
           "%ed%bf%bf",  // surrogates
           "%f4%90%80%80",
           "%f7%bf%bf%bf",  // beyond Unicode
           "%2f",
           "a%2Fb",
           "a/b",
           ".",
           "..",
           "%2e",
           "%2e%2e",
           ".%2E",  // another place
       }) {
    EXPECT_EQ(decoded(segment), "refused") << segment;
  }
}

// Against the two-octet grammar written out: each pair of octets is one or two characters, or none.
TEST(DecodeSegment, EveryPairOfOctets) {
  const auto is_ascii_name = [](int octet) { return octet >= 0x20 && octet < 0x7f && octet != '/'; };
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      std::string segment = "%..%..";
      const auto put = [&](std::size_t at, int octet) {
        segment[at] = kDigits[static_cast<std::size_t>(octet / 16)];
        segment[at + 1] = kDigits[static_cast<std::size_t>(octet % 16)];
      };
      put(1, a);
      put(4, b);
      const bool one = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf && !(a == 0xc2 && b < 0xa0);
      const bool two = is_ascii_name(a) && is_ascii_name(b) && !(a == '.' && b == '.');
      EXPECT_EQ(decoded(segment) != "refused", one || two) << segment;
    }
  }
}

}  // namespace
}  // namespace httpdyno::http
