// The reader of the cases: what it reads, and that it lets nothing malformed pass.
#include "tests/conformance/cases.h"

#include <gtest/gtest.h>

namespace httpdyno::conformance {
namespace {

std::string with(const std::string& block, const std::string& after = "- 200, stays\n",
                 const std::string& rules = "Rules: 1\n") {
  return "# File\n\n## Title\n\n" + rules + "\n```octets\n" + block + "\n```\n\n" + after;
}

std::string octets_of(const std::string& block) { return read_cases("f.md", with(block)).at(0).octets(); }

std::string error_of(const std::string& markdown) {
  try {
    read_cases("f.md", markdown);
  } catch (const Malformed& error) {
    return error.what();
  }
  return "";
}

TEST(ConformanceReader, OctetsAreWhatIsWritten) {
  EXPECT_EQ(octets_of("GET / HTTP/1.1\\r\\n\n\\r\\n"), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(octets_of("a\\t\\\\\\{\\}\\|\\x00\\xfF"), std::string("a\t\\{}|\0\xff", 8));
  EXPECT_EQ(octets_of("a{b\\n*3}c{*2}"), "ab\nb\nb\nc");
}

TEST(ConformanceReader, StepsAreWhereTheClientWaitsOrEnds) {
  const std::vector<Case> cases = read_cases("f.md", with("a{wait}b{wait 20 ms}c{end}", "- ends\n"));
  const std::vector<Step>& steps = cases.at(0).steps;
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[0].octets + "|" + steps[1].octets + "|" + steps[2].octets + "|" + steps[3].octets,
            "a|b|c|");
  EXPECT_EQ(steps[0].then, Step::Then::wait);
  EXPECT_EQ(steps[1].pause.count(), 20);
  EXPECT_EQ(steps[2].then, Step::Then::end);
  EXPECT_EQ(cases[0].ending, Case::Ending::ends);
}

TEST(ConformanceReader, AnswersAreReadInOrder) {
  const Case given = read_cases("f.md", with("a",
                                             "- 200, stays, after 100, with `Allow: GET, HEAD`\n"
                                             "- 413, closes, no content\n",
                                             "Rules: 2, 79\n"))
                         .at(0);
  EXPECT_EQ(given.name, "f.md: Title");
  EXPECT_EQ(given.rules, (std::vector<int>{2, 79}));
  ASSERT_EQ(given.answers.size(), 2U);
  EXPECT_EQ(given.answers[0].status, 200);
  EXPECT_EQ(given.answers[0].interim, Answer::Interim::once);
  ASSERT_EQ(given.answers[0].claims.size(), 1U);
  EXPECT_EQ(given.answers[0].claims[0].value, "Allow: GET, HEAD");
  EXPECT_TRUE(given.answers[1].closes);
  EXPECT_TRUE(given.answers[1].no_content);
  EXPECT_EQ(given.ending, Case::Ending::closes);
}

TEST(ConformanceReader, EachRowOfATableIsACase) {
  const std::string table =
      "| here | answer | |\n|---|---|---|\n| `x\\|y` | 400, closes | why |\n| nothing | 200, stays; waits | "
      "|\n";
  const std::vector<Case> cases = read_cases("f.md", with("<{here}>", table));
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].octets(), "<x|y>");
  EXPECT_EQ(cases[0].name, "f.md: Title `x\\|y`");
  EXPECT_EQ(cases[1].octets(), "<>");
  EXPECT_EQ(cases[1].ending, Case::Ending::waits);
}

TEST(ConformanceReader, NothingMalformedPasses) {
  const std::pair<std::string, std::string> files[] = {
      {"", "no case in this file"},
      {"# Only a title\n", "no case in this file"},
      {"## Title\n\nRules: 1\n\n- 200, stays\n", "no octets"},
      {with("a", "- 200, stays\n", ""), "no rules"},
      {with("a", ""), "no answers"},
      {with("a", "- 200, stays\n", "Rules: one\n"), "no number"},
      {with("a", "- 200\n"), "stays or closes?"},
      {with("a", "- 200, perhaps\n"), "stays or closes?"},
      {with("a", "- two, stays\n"), "no number"},
      {with("a", "- 200, stays, nicely\n"), "what is this: nicely"},
      {with("a", "- 200, stays, with Allow\n"), "what is this"},
      {with("a", "- 400, closes\n- 200, stays\n"), "an answer after the last one"},
      {with("a", "- waits\n- 200, stays\n"), "an answer after the last one"},
      {with("a\\q"), "unknown escape"},
      {with("a\\x0"), "\\x needs two"},
      {with("{a*b}"), "no number"},
      {with("{what}"), "what is this: {what}"},
      {with("{a"), "'{' without '}'"},
      {with("a}"), "write it as"},
      {with("a "), "a line begins or ends with a space"},
      {with("a", "| `x` | 200, stays |\n"), "a row, but no {here}"},
      {with("{here}", "| `x` |\n"), "a row needs octets and answers"},
      {with("{here}", "| x | 200, stays |\n"), "not in backticks"},
      {with("{here}", "| `{here}` | 200, stays |\n"), "what is this"},
      {with("{here}", "| `x` | 200, stays |\n\n- 200, stays\n"), "both a table and a list"},
      {"## Title\n\nRules: 1\n\n```octets\na\n", "the block of octets has no end"},
  };
  for (const auto& [markdown, error] : files) {
    EXPECT_NE(error_of(markdown).find(error), std::string::npos) << markdown << "\n-> " << error_of(markdown);
    EXPECT_TRUE(error_of(markdown).starts_with("f.md:")) << error_of(markdown);
  }
}

}  // namespace
}  // namespace httpdyno::conformance
