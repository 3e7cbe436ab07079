// The log of histograms: its lines as other readers need them, and its own reader strict.
#include "loadgen/figures/hlog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "loadgen/base/identity.h"
#include "loadgen/figures/hdr_encoding.h"

namespace httpdyno::loadgen {
namespace {

using Line = HlogParser::Line;
using namespace std::chrono_literals;

constexpr Milliseconds kBase = 1'700'000'000'000ms;

Histogram histogram_of(std::initializer_list<std::int64_t> values) {
  Histogram histogram;
  for (const std::int64_t value : values) histogram.record(value);
  return histogram;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A parser that has read `header`.
HlogParser after(const std::string& header) {
  HlogParser parser;
  for (const std::string& line : lines_of(header)) EXPECT_EQ(parser.parse(line), Line::comment) << line;
  return parser;
}

std::string without_end(std::string line) {
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  return line;
}

TEST(Hlog, BeginsWithVersionAndTimes) {
  const std::string header = hlog_header(kBase + 7ms);
  EXPECT_EQ(
      header,
      "#[loadgen " + std::string(version()) +
          "]\n"
          "#[Histogram log format version 1.3]\n"
          "#[StartTime: 1700000000.007 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]\n"
          "#[BaseTime: 1700000000.007 (seconds since epoch)]\n"
          "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
  for (const std::string& line : lines_of(header))
    EXPECT_LE(line.size(), 126U) << "what the C library can read";
}

TEST(Hlog, HasALineForAnInterval) {
  const Histogram histogram = histogram_of({1'000'000});
  EXPECT_EQ(hlog_line("response", 1s, 1001ms, histogram),
            "Tag=response,1.000,1.001,1.000," + encode_text(histogram) + "\n");
  EXPECT_EQ(hlog_line("", 0s, 50ms, {}), "0.000,0.050,0.000," + encode_text({}) + "\n");
  EXPECT_EQ(hlog_line("x", 0s, 1s, histogram_of({Histogram::kHighest + 5})).substr(0, 29),
            "Tag=x,0.000,1.000,3601330.078");
}

TEST(Hlog, TellsInALineOfItsOwnHowManyValuesAreLowerBounds) {
  Latency latency;
  latency.record(5);
  EXPECT_EQ(hlog_lines("service", 0s, 1s, latency), hlog_line("service", 0s, 1s, latency.values()));
  latency.record_at_least(2'000'000);
  latency.record_at_least(1'000'000);
  const std::vector<std::string> lines = lines_of(hlog_lines("service", 0s, 1s, latency));
  ASSERT_EQ(lines.size(), 2U);
  HlogParser parser = after(hlog_header(kBase));
  ASSERT_EQ(parser.parse(lines[0]), Line::interval);
  EXPECT_EQ(parser.interval().histogram.total(), 3);
  ASSERT_EQ(parser.parse(lines[1]), Line::interval);
  EXPECT_EQ(parser.interval().tag, "service_censored");
  EXPECT_EQ(parser.interval().histogram.count_at(Histogram::index_of(1'000'000)), 2);
  EXPECT_EQ(parser.interval().histogram.total(), 2);
}

TEST(Hlog, ComesBackAsItWas) {
  HlogParser parser = after(hlog_header(kBase));
  const Histogram histogram = histogram_of({0, 5, 5, 1'000'000, Histogram::kHighest});
  ASSERT_EQ(parser.parse(without_end(hlog_line("queue", 1199s + 1ms, 999ms, histogram))), Line::interval);
  EXPECT_EQ(parser.base(), kBase);
  EXPECT_EQ(parser.interval().tag, "queue");
  EXPECT_EQ(parser.interval().begin, 1'199'001ms);
  EXPECT_EQ(parser.interval().length, 999ms);
  EXPECT_EQ(encode(parser.interval().histogram), encode(histogram));
  ASSERT_EQ(parser.parse(without_end(hlog_line("", 0s, 1s, {}))), Line::interval);
  EXPECT_EQ(parser.interval().tag, "");
  EXPECT_EQ(parser.interval().histogram.total(), 0);
  EXPECT_TRUE(parser.finish());
}

TEST(Hlog, FindsTheBaseTimeWhereNoneIsGiven) {
  const std::string version = "#[Histogram log format version 1.3]\n";
  const std::string start = "#[StartTime: 1700000000.000 (seconds since epoch), whenever]\n\n";
  const auto base_with = [](const std::string& header, Milliseconds begin) {
    HlogParser parser = after(header);
    EXPECT_EQ(parser.parse(without_end(hlog_line("", begin, 1s, {}))), Line::interval);
    return parser.base();
  };
  EXPECT_EQ(base_with(version + start, 3s), kBase);
  EXPECT_EQ(base_with(version + start, kBase + 3s), 0ms) << "already since the epoch";
  EXPECT_EQ(base_with(version, 3s), 0ms);
  EXPECT_EQ(base_with(version + start + "#[BaseTime: 12.5 (seconds since epoch)]\n", 3s), 12'500ms);
}

TEST(Hlog, SaysWhatIsWrongWithALine) {
  const std::string text = encode_text({});
  struct Case {
    std::string line;
    const char* reason;
  };
  const Case kCases[] = {
      {"garbage", "has no time at which its interval begins"},
      {"-1,1,0," + text, "has no time at which its interval begins"},
      {"1e3,1,0," + text, "has no time at which its interval begins"},
      {"nan,1,0," + text, "has no time at which its interval begins"},
      {"99999999999999,1,0," + text, "has no time at which its interval begins"},
      {" 0.000,1,0," + text, "has no time at which its interval begins"},
      {"0.000", "has no length of its interval"},
      {"0.000,x,0," + text, "has no length of its interval"},
      {"0.000,1.000", "has no greatest value"},
      {"0.000,1.000,0.000", "has no histogram"},
      {"0.000,1.000,0.000,", "has no histogram"},
      {"0.000,1.000,0.000,HISTFAAA", "has a histogram that is not in the compressed V2 encoding"},
      {"0.000,1.000,0.000," + text + ",", "has a histogram that is not in Base64, or cut off"},
      {"0.000,1.000,0.000," + text + "\r", "has a histogram that is not in Base64, or cut off"},
      {"Tag=,0.000,1.000,0.000," + text, "has a tag with nothing in it, or with a blank"},
      {"Tag=a b,0.000,1.000,0.000," + text, "has a tag with nothing in it, or with a blank"},
      {"#[StartTime: soon]", "has no time to start at"},
      {"#[BaseTime:  1.000]", "has no base time"},
      {"#[Histogram log format version 1.2]", "says that this is version '1.2', not 1.3"},
  };
  for (const Case& each : kCases) {
    HlogParser parser = after(hlog_header(kBase));
    EXPECT_EQ(parser.parse(each.line), Line::wrong) << each.line;
    EXPECT_EQ(parser.error(), each.reason) << each.line;
  }
}

TEST(Hlog, IsKnownByItsVersion) {
  HlogParser parser;
  EXPECT_EQ(parser.parse("#[StartTime: 1.000 (seconds since epoch)]"), Line::comment);
  EXPECT_EQ(parser.parse(without_end(hlog_line("", 0s, 1s, {}))), Line::wrong);
  EXPECT_EQ(parser.error(),
            "is no line of a .hlog: there is no '#[Histogram log format version 1.3]' above it");
  HlogParser empty;
  EXPECT_FALSE(empty.finish());
  EXPECT_EQ(empty.error(), "is the end, and there was no '#[Histogram log format version 1.3]'");
}

}  // namespace
}  // namespace httpdyno::loadgen
