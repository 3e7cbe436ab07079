#include "loadgen/base/url.h"

#include <gtest/gtest.h>

#include <string>

namespace httpdyno::loadgen {
namespace {

struct Good {
  const char* text;
  const char* host;
  std::uint16_t port;
  const char* authority;
  const char* target;
};

TEST(ParseUrl, TakesUrlsApart) {
  const Good kGood[] = {
      {"http://127.0.0.1:8080/", "127.0.0.1", 8080, "127.0.0.1:8080", "/"},
      {"http://example.org", "example.org", 80, "example.org", "/"},
      {"http://example.org:80/x", "example.org", 80, "example.org", "/x"},
      {"HTTP://example.org:1/a/b?c=d&e", "example.org", 1, "example.org:1", "/a/b?c=d&e"},
      {"http://example.org?q=1", "example.org", 80, "example.org", "/?q=1"},
      {"http://[::1]:8080/echo", "::1", 8080, "[::1]:8080", "/echo"},
      {"http://[::1]", "::1", 80, "[::1]", "/"},
      {"localhost:8080", "localhost", 8080, "localhost:8080", "/"},
      {"localhost/path", "localhost", 80, "localhost", "/path"},
      {"http://h/a%20b", "h", 80, "h", "/a%20b"},
  };
  for (const Good& good : kGood) {
    Url url;
    EXPECT_EQ(parse_url(good.text, url), "") << good.text;
    EXPECT_EQ(url.host, good.host) << good.text;
    EXPECT_EQ(url.port, good.port) << good.text;
    EXPECT_EQ(url.authority, good.authority) << good.text;
    EXPECT_EQ(url.target, good.target) << good.text;
    Url again;
    EXPECT_EQ(parse_url(url.text(), again), "") << url.text();
    EXPECT_EQ(again.text(), url.text());
  }
}

TEST(ParseUrl, SaysWhatIsWrong) {
  for (const char* text : {"",
                           "nonsense",
                           "ftp://host/",
                           "http://",
                           "http:///path",
                           "http://host:0/",
                           "http://host:65536/",
                           "http://host:x/",
                           "http://host:/",
                           "http://user:pw@host/",
                           "http://ho st/",
                           "http://[::1/",
                           "http://[]/",
                           "http://[::1]x/",
                           "http://[g::1]/",
                           "http://host/a b",
                           "http://host/\r\nX: y",
                           "http://host/#top",
                           "http://h\xc3\xb6st/",
                           "http://host:-1/",
                           "http://host:8080:1/"}) {
    Url url;
    EXPECT_NE(parse_url(text, url), "") << text;
  }
  Url url;
  EXPECT_NE(parse_url("https://host/", url).find("https"), std::string_view::npos);
}

TEST(TargetFault, WantsAPathAndNothingThatARequestLineMayNotHold) {
  for (const char* good : {"/", "/a/b?c=d&e", "/%20", "/a//b"}) EXPECT_EQ(target_fault(good), "") << good;
  for (const char* bad : {"", "a", "?x", "*", "http://h/", "/a b", "/#x", "/a\r\nX: y", "/\xc3\xb6"}) {
    EXPECT_NE(target_fault(bad), "") << bad;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
