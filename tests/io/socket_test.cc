#include "net/io/socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <string>

namespace httpdyno::io {
namespace {

TEST(Socket, AddressesAsText) {
  Address address;
  ASSERT_FALSE(parse_address("127.0.0.1", 8080, address));
  EXPECT_EQ(address.text(), "127.0.0.1:8080");
  EXPECT_EQ(address.path(), "");
  ASSERT_FALSE(parse_address("::1", 80, address));
  EXPECT_EQ(address.text(), "[::1]:80");
  EXPECT_EQ(parse_address("localhost", 80, address).code, EINVAL);
  EXPECT_EQ(parse_address("300.1.1.1", 80, address).code, EINVAL);
  EXPECT_EQ(parse_address("[::1]", 80, address).code, EINVAL);
}

TEST(Socket, PathsAsAddresses) {
  Address address;
  ASSERT_FALSE(parse_address("unix:a", 8080, address));
  EXPECT_EQ(address.family(), AF_UNIX);
  EXPECT_EQ(address.text(), "unix:a");
  EXPECT_EQ(address.path(), "a");
  EXPECT_EQ(address.port(), 0);
  const std::string longest(107, 'p');
  ASSERT_FALSE(parse_address("unix:" + longest, 0, address));
  EXPECT_EQ(address.path(), longest);
  EXPECT_EQ(parse_address("unix:" + longest + "p", 0, address).code, ENAMETOOLONG);
  EXPECT_EQ(parse_address("unix:", 0, address).code, EINVAL);
  EXPECT_EQ(parse_address(std::string("unix:a\0b", 8), 0, address).code, EINVAL);
  // A failure changes nothing.
  EXPECT_EQ(address.path(), longest);
}

}  // namespace
}  // namespace httpdyno::io
