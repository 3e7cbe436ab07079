#include "loadgen/script.h"

#include <gtest/gtest.h>

#include "loadgen/exchange.h"

namespace httpdyno::loadgen {
namespace {

Url url_of(const char* text) {
  Url url;
  EXPECT_EQ(parse_url(text, url), "");
  return url;
}

TEST(MakeScript, RepeatsTheRequest) {
  const RequestSpec get;
  const Script script = make_script(url_of("http://h/"), {&get, 1}, 3);
  const std::string one = render_request(url_of("http://h/"), get);
  EXPECT_EQ(script.batch, one + one + one);
  ASSERT_EQ(script.kinds.size(), 1U);
  EXPECT_EQ(script.kinds[0].octets, one);
  EXPECT_FALSE(script.kinds[0].to_head);
  EXPECT_FALSE(script.is_mix());
  RequestSpec head;
  head.method = "HEAD";
  EXPECT_TRUE(make_script(url_of("http://h/"), {&head, 1}, 1).kinds[0].to_head);
}

TEST(ExpectLike, MakesTheFirstAnswerTheRule) {
  Answer first;
  first.status = 201;
  first.body = "hello";
  first.body_bytes = 5;
  const Expectation plain = expect_like(first, "", false);
  EXPECT_EQ(plain.status, 201);
  EXPECT_TRUE(plain.check_length);
  EXPECT_EQ(plain.body_bytes, 5U);
  EXPECT_FALSE(plain.check_body);

  const Expectation echo = expect_like(first, "hello", false);
  EXPECT_TRUE(echo.check_body);
  EXPECT_EQ(echo.body, "hello");
  EXPECT_FALSE(expect_like(first, "other", false).check_body);
  EXPECT_FALSE(expect_like(first, "", true).check_length);
}

}  // namespace
}  // namespace httpdyno::loadgen
