#include "net/http/scan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno::http {
namespace {

// Every scanner against its scalar twin, with each octet at each position, and with each distance to the end.
TEST(Scan, FieldScannersAgreeOnEveryOctetAtEveryPosition) {
  ASSERT_FALSE(field_scanners().empty());
  EXPECT_EQ(field_scanners().front().name, "scalar");
  for (std::size_t size = 0; size <= 100; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int octet = 0; octet < 256; octet += (size % 16 < 2 ? 1 : 7)) {
        // Exactly sized, so that ASan sees a read past the end.
        std::vector<char> text(size, 'v');
        text[at] = static_cast<char>(octet);
        const char* begin = text.data();
        const char* expected = find_end_of<kFieldChar>(begin, begin + size);
        for (const NamedScanner& scanner : field_scanners()) {
          ASSERT_EQ(scanner.scan(begin, begin + size), expected)
              << scanner.name << " octet " << octet << " at " << at;
        }
        ASSERT_EQ(find_field_end(begin, begin + size), expected) << "octet " << octet << " at " << at;
        ASSERT_EQ(find_target_end(begin, begin + size), find_end_of<kTargetChar>(begin, begin + size))
            << "octet " << octet << " at " << at;
      }
    }
  }
}

TEST(Scan, ScannersAgreeOnRandomText) {
  Prng random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> text(random.below(200));
    for (char& c : text)
      c = static_cast<char>(random.below(20) == 0 ? random.below(256) : 'a' + random.below(26));
    const char* begin = text.data();
    const char* end = begin + text.size();
    for (const NamedScanner& scanner : field_scanners()) {
      ASSERT_EQ(scanner.scan(begin, end), find_end_of<kFieldChar>(begin, end)) << scanner.name;
    }
    ASSERT_EQ(find_field_end(begin, end), find_end_of<kFieldChar>(begin, end));
    ASSERT_EQ(find_target_end(begin, end), find_end_of<kTargetChar>(begin, end));
  }
}

// The classes, against the RFCs' own lists written out by hand.
TEST(Chars, ClassesAreTheGrammars) {
  const std::string_view token =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    EXPECT_EQ(is(kTokenChar, c), token.find(c) != token.npos) << octet;
    EXPECT_EQ(is(kFieldChar, c), octet == 9 || (octet >= 32 && octet != 127)) << octet;
    const bool target =
        octet > 32 && octet < 127 && std::string_view("\"#<>\\^`{|}").find(c) == std::string_view::npos;
    EXPECT_EQ(is(kTargetChar, c), target) << octet;
  }
}

TEST(Chars, TokenEqualsIgnoresCaseAndNothingElse) {
  EXPECT_TRUE(token_equals("HoSt", "host"));
  EXPECT_TRUE(token_equals("Content-Length", "content-length"));
  EXPECT_TRUE(token_equals("TRANSFER-ENCODING", "transfer-encoding"));
  EXPECT_FALSE(token_equals("Content_Length", "content-length"));
  EXPECT_FALSE(token_equals("Content-Lengt", "content-length"));
  // Each position matters, and no other tchar passes for the right one.
  const std::string name = "transfer-encoding";
  for (std::size_t at = 0; at < name.size(); ++at) {
    for (int octet = 0; octet < 256; ++octet) {
      const char c = static_cast<char>(octet);
      if (!is(kTokenChar, c)) continue;
      std::string changed = name;
      changed[at] = c;
      EXPECT_EQ(token_equals(changed, "transfer-encoding"), to_lower(c) == name[at]) << changed;
    }
  }
}

}  // namespace
}  // namespace httpdyno::http
