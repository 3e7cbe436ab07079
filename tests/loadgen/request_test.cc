#include "loadgen/work/request.h"

#include <gtest/gtest.h>

#include "tests/loadgen/url_of.h"

namespace httpdyno::loadgen {
namespace {

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
  EXPECT_EQ(render_request(url_of("http://h/"), spec, Persistence::close),
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

TEST(DeterministicBody, IsTheSameEachTime) {
  EXPECT_EQ(deterministic_body(0), "");
  EXPECT_EQ(deterministic_body(4096).size(), 4096U);
  EXPECT_EQ(deterministic_body(4096), deterministic_body(4096));
}

}  // namespace
}  // namespace httpdyno::loadgen
