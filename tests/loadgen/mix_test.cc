// The file of a mixed workload: what it comes to, and what it is refused for.
#include "loadgen/work/mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "loadgen/base/limits.h"

namespace httpdyno::loadgen {
namespace {

using testing::HasSubstr;

TEST(Mix, ReadsWhatItMayHold) {
  RequestSpec base;
  base.fields = {{"Authorization", "x"}};
  std::vector<RequestSpec> mix;
  const Failure failure = parse_mix("f", R"({"requests": [
      {"name": "trivial", "weight": 95, "path": "/plaintext"},
      {"name": "all of it", "weight": 5, "path": "/a?b=%20", "method": "PUT",
       "headers": {"Host": "h", "X-Y": " z "}, "body": "text\u00e9", "expect_status": 404},
      {"name": "sized", "weight": 1, "path": "/", "body_bytes": 3}]})",
                                    base, mix);
  ASSERT_EQ(failure.line, "");
  ASSERT_EQ(mix.size(), 3U);
  using Fields = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(mix[0].name, "trivial");
  EXPECT_EQ(mix[0].weight, 95U);
  EXPECT_EQ(mix[0].target, "/plaintext");
  EXPECT_EQ(mix[0].method, "GET");
  EXPECT_EQ(mix[0].fields, base.fields);
  EXPECT_FALSE(mix[0].has_body);
  EXPECT_EQ(mix[0].expected_status, 0);
  EXPECT_EQ(mix[1].method, "PUT");
  EXPECT_EQ(mix[1].target, "/a?b=%20");
  EXPECT_EQ(mix[1].fields, (Fields{{"Authorization", "x"}, {"Host", "h"}, {"X-Y", "z"}}));
  EXPECT_EQ(mix[1].body, "text\xc3\xa9");
  EXPECT_EQ(mix[1].expected_status, 404);
  EXPECT_EQ(mix[2].method, "POST");
  EXPECT_EQ(mix[2].body, "xxx");
}

// A file of one request with these members beside a name, a weight and a path.
std::string with(const std::string& members) {
  return R"({"requests": [{"name": "a", "weight": 1, "path": "/", )" + members + "}]}";
}

TEST(Mix, RefusesInOneLineWithThePlaceInIt) {
  std::string many = R"({"requests": [)";
  for (std::size_t i = 0; i <= kKindsMax; ++i) many += i == 0 ? "{}" : ",{}";
  const std::pair<std::string, const char*> kBad[] = {
      {"", "no JSON"},
      {"{\"requests\":\n [1,]}", "line 2, column 5"},
      {"[]", "\"requests\""},
      {"{}", "\"requests\""},
      {R"({"requests": {}})", "requests is no list"},
      {R"({"requests": []})", "requests is no list"},
      {many + "]}", "requests is no list of 1 to 64"},
      {R"({"requests": [5]})", "requests[0] is 5: expected an object"},
      {R"({"requests": [], "more": 1})", "unknown member \"more\""},
      {R"({"requests": [{"name": "a", "weight": 1}]})", "requests[0] has no \"path\""},
      {R"({"requests": [{"name": "a", "path": "/"}]})", "requests[0] has no \"weight\""},
      {R"({"requests": [{"weight": 1, "path": "/"}]})", "requests[0] has no \"name\""},
      {R"({"requests": [{"name": "", "weight": 1, "path": "/"}]})", "requests[0].name"},
      {R"({"requests": [{"name": "a\nb", "weight": 1, "path": "/"}]})", "requests[0].name"},
      {R"({"requests": [{"name": 7, "weight": 1, "path": "/"}]})",
       "requests[0].name is 7: expected a string"},
      {R"({"requests": [{"name": "a", "weight": 0, "path": "/"}]})", "requests[0].weight is 0"},
      {R"({"requests": [{"name": "a", "weight": -1, "path": "/"}]})", "requests[0].weight is -1"},
      {R"({"requests": [{"name": "a", "weight": 0.5, "path": "/"}]})", "requests[0].weight is 0.5"},
      {R"({"requests": [{"name": "a", "weight": "1", "path": "/"}]})", "requests[0].weight is \"1\""},
      {R"({"requests": [{"name": "a", "weight": 1000000001, "path": "/"}]})", "requests[0].weight"},
      {R"({"requests": [{"name": "a", "weight": 1, "path": "x"}]})",
       "requests[0].path \"x\" must begin with '/'"},
      {R"({"requests": [{"name": "a", "weight": 1, "path": "/ x"}]})", "percent-encoded"},
      {R"({"requests": [{"name": "a", "weight": 1, "path": "/#x"}]})", "fragment"},
      {R"({"requests": [{"name": "a", "weight": 1, "path": "/"}, {"name": "a", "weight": 1, "path": "/b"}]})",
       "requests[1].name \"a\" is taken"},
      {with(R"("wieght": 5)"), "unknown member \"wieght\": known are name, weight"},
      {with(R"("weight": 5)"), "\"weight\" twice"},
      {with(R"("method": "GE T")"), "requests[0].method \"GE T\" is no method"},
      {with(R"("method": "")"), "requests[0].method \"\" is no method"},
      {with(R"("method": "CONNECT")"), "tunnel"},
      {with(R"("headers": ["A: b"])"), "requests[0].headers is [\"A: b\"]: expected an object"},
      {with(R"("headers": {"A b": "c"})"), "requests[0].headers[\"A b\"]"},
      {with(R"("headers": {"A": "b\nc"})"), "requests[0].headers[\"A\"]"},
      {with(R"("headers": {"A": 1})"), "requests[0].headers[\"A\"] is 1"},
      {with(R"("headers": {"Content-Length": "1"})"), "loadgen itself"},
      {with(R"("body": 5)"), "requests[0].body is 5"},
      {with(R"("body": "a", "body_bytes": 1)"), "both"},
      {with(R"("body_bytes": 67108865)"), "requests[0].body_bytes"},
      {with(R"("expect_status": 99)"), "requests[0].expect_status"},
  };
  for (const auto& [text, culprit] : kBad) {
    std::vector<RequestSpec> mix;
    const Failure failure = parse_mix("the.json", text, RequestSpec(), mix);
    EXPECT_EQ(failure.exit_code, kExitUsage) << text;
    EXPECT_THAT(failure.line, HasSubstr("--mix the.json: "));
    EXPECT_THAT(failure.line, HasSubstr(culprit)) << text;
    EXPECT_EQ(failure.line.find('\n'), std::string::npos) << failure.line;
    EXPECT_TRUE(mix.empty()) << text;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
