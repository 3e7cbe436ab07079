#include "net/http/response_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "net/http/status.h"

namespace httpdyno::http {
namespace {

std::string head(const Response& response) {
  std::string out(head_bytes_max(response), '\0');
  out.resize(static_cast<std::size_t>(write_head(response, 1, out.data()) - out.data()));
  return out;
}

TEST(ResponseWriter, AnEmptyResponseIs200) {
  EXPECT_EQ(head(Response()),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 0\r\n");
}

TEST(ResponseWriter, WritesTypeLengthAndFields) {
  Response response;
  response.set_status(404);
  EXPECT_TRUE(response.set_content_type("application/json"));
  EXPECT_TRUE(response.add_field("X-One", "1"));
  EXPECT_TRUE(response.add_field("X-Two", ""));
  response.set_body(std::string(12345, 'x'));
  EXPECT_EQ(head(response),
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 12345\r\nX-One: "
            "1\r\nX-Two: \r\n");
}

TEST(ResponseWriter, NoContentHasNeitherLengthNorContent) {
  for (int status : {204, 304}) {
    Response response;
    response.set_status(status);
    response.set_body("ignored");
    EXPECT_EQ(head(response).find("Content-Length"), std::string::npos) << status;
    EXPECT_EQ(content_of(response, false), "") << status;
  }
}

TEST(ResponseWriter, HeadHasTheLengthButNotTheContent) {
  Response response;
  response.set_body("hello");
  EXPECT_NE(head(response).find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(content_of(response, true), "");
  EXPECT_EQ(content_of(response, false), "hello");
}

TEST(ResponseWriter, AnUnknownStatusBecomes500) {
  Response response;
  response.set_status(299);
  EXPECT_TRUE(head(response).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
}

TEST(Response, RefusesWhatWouldSplitIt) {
  Response response;
  EXPECT_FALSE(response.add_field("X", "a\r\nSet-Cookie: b"));
  EXPECT_FALSE(response.add_field("X", "a\nb"));
  EXPECT_FALSE(response.add_field("X", std::string_view("a\0b", 3)));
  EXPECT_FALSE(response.add_field("X Y", "v"));
  EXPECT_FALSE(response.add_field("X:", "v"));
  EXPECT_FALSE(response.add_field("", "v"));
  EXPECT_FALSE(response.set_content_type("text/plain\r\nX: y"));
  for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "Date", "content-type"}) {
    EXPECT_FALSE(response.add_field(name, "1")) << name;
  }
  EXPECT_EQ(response.fields(), "");
  EXPECT_TRUE(response.add_field("X", "tab\tand \xc3\xa9"));
}

TEST(Response, ResetForgetsEverything) {
  Response response;
  response.set_status(500);
  EXPECT_TRUE(response.add_field("X", "y"));
  response.set_body(std::string(1000, 'x'));
  response.close_connection();
  response.reset();
  EXPECT_EQ(head(response), head(Response()));
  EXPECT_FALSE(response.closes_connection(1));
  EXPECT_EQ(response.body(), "");
}

TEST(Response, AShortOwnedBodySurvives) {
  Response response;
  std::string body = "short";  // within the string itself, where a moved view would dangle
  response.set_body(std::move(body));
  body = "other";
  EXPECT_EQ(response.body(), "short");
}

TEST(Status, LinesArePaddedAndPhrasesAreTheirs) {
  EXPECT_EQ(status_line(200), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(status_line(299), "");
  EXPECT_EQ(reason_phrase(299), "");
  for (int status = 100; status < 600; ++status) EXPECT_LE(status_line(status).size(), kPaddedStatusLine);
}

}  // namespace
}  // namespace httpdyno::http
