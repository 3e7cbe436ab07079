#include "net/base/octets.h"

#include <gtest/gtest.h>

#include <string>

namespace httpdyno {
namespace {

std::string text_of(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text.push_back(static_cast<char>('A' + i * 7 % 50));
  return text;
}

TEST(Octets, EachSizeIsCopiedWholeAndNothingBehindItIsTouched) {
  for (std::size_t size = 0; size < 100; ++size) {
    const std::string text = text_of(size);
    std::string out(size + 10, '#');
    EXPECT_EQ(put_octets(out.data() + 5, text), out.data() + 5 + size);
    EXPECT_EQ(out, "#####" + text + "#####");
  }
}

TEST(Octets, EachOctetCountsInAComparison) {
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string text = text_of(size);
    EXPECT_TRUE(equal_octets(text, std::string(text)));
    EXPECT_FALSE(equal_octets(text, text + "x"));
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] = '#';
      EXPECT_FALSE(equal_octets(text, other)) << size << " " << i;
    }
  }
}

}  // namespace
}  // namespace httpdyno
