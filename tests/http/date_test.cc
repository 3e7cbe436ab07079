#include "net/http/date.h"

#include <gtest/gtest.h>

#include <string>

namespace httpdyno::http {
namespace {

std::string fixdate(std::int64_t seconds) {
  char out[kImfFixdateBytes];
  write_imf_fixdate(seconds, out);
  return {out, sizeof out};
}

TEST(Date, IsTheRfcsOwnExample) { EXPECT_EQ(fixdate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT"); }

TEST(Date, CrossesDaysYearsAndLeapDays) {
  EXPECT_EQ(fixdate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(fixdate(951782399), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(fixdate(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(fixdate(1767225599), "Wed, 31 Dec 2025 23:59:59 GMT");
  EXPECT_EQ(fixdate(1767225600), "Thu, 01 Jan 2026 00:00:00 GMT");
}

TEST(DateCache, FollowsTheSecond) {
  DateCache cache;
  char out[DateCache::kHeadEndBytesMax];
  const auto text = [&](bool keep_alive) {
    return std::string(out, static_cast<std::size_t>(cache.write_head_end(keep_alive, out) - out));
  };
  cache.refresh(784111777);
  EXPECT_EQ(text(true), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(text(false), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n");
  cache.refresh(784111778);
  EXPECT_EQ(text(false), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\nConnection: close\r\n\r\n");
}

}  // namespace
}  // namespace httpdyno::http
