#include "server/router.h"

#include <gtest/gtest.h>

#include <string>

namespace httpdyno {
namespace {

struct App {
  int word = 7;
};

struct Answer {
  int status;
  std::string body;
  std::string fields;
};

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    router_
        .add(http::Method::get, "/",
             [](App&, const http::Request&, std::string_view, http::Response& r) { r.set_body("root"); })
        .add(http::Method::get, "/a",
             [](App& app, const http::Request&, std::string_view, http::Response& r) {
               r.set_body("a" + std::to_string(app.word));
             })
        .add(http::Method::post, "/a",
             [](App&, const http::Request&, std::string_view, http::Response& r) { r.set_body("posted"); })
        .add(http::Method::get, "/n/*",
             [](App&, const http::Request&, std::string_view rest, http::Response& r) {
               r.set_body("n:" + std::string(rest));
             });
  }

  Answer ask(const std::string& method, const std::string& target) {
    std::string octets = method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    http::RequestParser parser{http::ParseLimits()};
    EXPECT_EQ(parser.parse({octets.data(), octets.size()}), http::RequestParser::Result::complete);
    http::Response response;
    router_(http::Request(parser, octets.data()), response);
    return {response.status(), std::string(response.body()), std::string(response.fields())};
  }

  App app_;
  Router<App> router_{app_};
};

TEST_F(RouterTest, FindsPathsAndPrefixes) {
  EXPECT_EQ(ask("GET", "/").body, "root");
  EXPECT_EQ(ask("GET", "/a").body, "a7");
  EXPECT_EQ(ask("GET", "/a?q=1").body, "a7");
  EXPECT_EQ(ask("POST", "/a").body, "posted");
  EXPECT_EQ(ask("GET", "/n/12").body, "n:12");
  EXPECT_EQ(ask("GET", "/n/").body, "n:");
}

TEST_F(RouterTest, UnknownPathsAre404) {
  for (const char* path : {"/b", "/a/", "/A", "/n", "/aa"}) EXPECT_EQ(ask("GET", path).status, 404) << path;
}

TEST_F(RouterTest, AKnownPathWithAnotherMethodIs405WithAllow) {
  const Answer answer = ask("DELETE", "/a");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.fields, "Allow: GET, HEAD, POST, OPTIONS\r\n");
  EXPECT_EQ(ask("POST", "/n/1").fields, "Allow: GET, HEAD, OPTIONS\r\n");
}

TEST_F(RouterTest, HeadIsAnsweredByGet) { EXPECT_EQ(ask("HEAD", "/a").body, "a7"); }

TEST_F(RouterTest, OptionsSaysWhatIsAllowed) {
  EXPECT_EQ(ask("OPTIONS", "/a").status, 204);
  EXPECT_EQ(ask("OPTIONS", "/a").fields, "Allow: GET, HEAD, POST, OPTIONS\r\n");
  EXPECT_EQ(ask("OPTIONS", "*").fields, "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n");
}

}  // namespace
}  // namespace httpdyno
