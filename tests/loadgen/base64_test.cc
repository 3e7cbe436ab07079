// Octets as text and back, and nothing else taken for such a text.
#include "loadgen/base/base64.h"

#include <gtest/gtest.h>

namespace httpdyno::loadgen {
namespace {

TEST(Base64, HasTheAlphabetAndThePaddingOfTheStandard) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("\xfb\xff\xfe"), "+//+");
  std::string octets;
  for (int length = 0; length < 70; ++length) {
    std::string all;
    for (int i = 0; i < length; ++i) all.push_back(static_cast<char>(i * 37));
    ASSERT_TRUE(from_base64(to_base64(all), octets));
    EXPECT_EQ(octets, all);
  }
  for (const char* bad :
       {"Z", "Zg", "Zg=", "Zg=A", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9-", "Zg==Zg=="}) {
    EXPECT_FALSE(from_base64(bad, octets)) << bad;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
