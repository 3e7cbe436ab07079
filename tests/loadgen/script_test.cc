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

TEST(RenderRequest, SaysNoMoreThanIsNeeded) {
  EXPECT_EQ(render_request(url_of("http://127.0.0.1:8080/a?b"), RequestSpec()),
            "GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
}

TEST(RenderRequest, HasTheFieldsThatWereAskedFor) {
  RequestSpec spec;
  spec.method = "PUT";
  spec.fields = {{"Accept", "*/*"}, {"host", "other"}, {"X", ""}};
  spec.body = "body";
  spec.has_body = true;
  spec.keep_alive = false;
  EXPECT_EQ(render_request(url_of("http://h/"), spec),
            "PUT / HTTP/1.1\r\nHost: other\r\nAccept: */*\r\nX: \r\nContent-Length: 4\r\nConnection: "
            "close\r\n\r\nbody");
}

TEST(RenderRequest, StatesTheLengthOfAnEmptyBodyWhereTheMethodExpectsOne) {
  RequestSpec spec;
  spec.method = "POST";
  EXPECT_EQ(render_request(url_of("http://h/"), spec),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  spec.method = "DELETE";
  EXPECT_EQ(render_request(url_of("http://h/"), spec), "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
  spec.has_body = true;
  EXPECT_EQ(render_request(url_of("http://h/"), spec),
            "DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
}

TEST(MakeScript, RepeatsTheRequest) {
  const Script script = make_script(url_of("http://h/"), RequestSpec(), 3);
  const std::string one = render_request(url_of("http://h/"), RequestSpec());
  EXPECT_EQ(script.batch, one + one + one);
  EXPECT_EQ(script.request_bytes, one.size());
  EXPECT_EQ(script.offset_of(2), 2 * one.size());
  EXPECT_FALSE(script.to_head);
  RequestSpec head;
  head.method = "HEAD";
  EXPECT_TRUE(make_script(url_of("http://h/"), head, 1).to_head);
}

TEST(DeterministicBody, IsTheSameEachTime) {
  EXPECT_EQ(deterministic_body(0), "");
  EXPECT_EQ(deterministic_body(4096).size(), 4096U);
  EXPECT_EQ(deterministic_body(4096), deterministic_body(4096));
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
