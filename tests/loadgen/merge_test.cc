// loadgen merge: what parts recorded, added up, is what the whole would have recorded.
#include "loadgen/commands/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "loadgen/figures/hgrm.h"
#include "loadgen/figures/hlog.h"
#include "net/base/prng.h"
#include "tests/loadgen/program.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr Milliseconds kBase = 1'700'000'000'000ms;

class MergeTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  // One interval with one value.
  std::string one(const std::string& name, std::int64_t value, Milliseconds base = kBase,
                  Milliseconds begin = 0s) const {
    Histogram histogram;
    histogram.record(value);
    return write(name, hlog_header(base) + hlog_line("service", begin, 1s, histogram));
  }

  const TemporaryFolder folder_;
};

// Latencies as they come: most near a tenth of a millisecond, few much slower.
std::int64_t drawn(Prng& prng) {
  const double uniform = (static_cast<double>(prng.below(1U << 30)) + 1) / (1U << 30);
  return 50'000 + static_cast<std::int64_t>(-std::log(uniform) * (prng.below(100) == 0 ? 5e7 : 5e4));
}

TEST_F(MergeTest, OfPartsIsTheLogOfTheWhole) {
  constexpr int kParts = 3;
  Prng prng(11);
  std::string whole = hlog_header(kBase);
  std::vector<std::string> parts(kParts, whole);
  Histogram service;
  for (int second = 0; second < 20; ++second) {
    for (const char* tag : {"queue", "service", "response"}) {
      Histogram all;
      std::vector<Histogram> shares(kParts);
      for (int i = 0; i < 500; ++i) {
        const std::int64_t value = drawn(prng);
        all.record(value);
        shares[prng.below(kParts)].record(value);
        if (tag == std::string("service")) service.record(value);
      }
      whole += hlog_line(tag, second * 1s, 1s, all);
      for (std::size_t i = 0; i < kParts; ++i) parts[i] += hlog_line(tag, second * 1s, 1s, shares[i]);
    }
  }
  std::vector<std::string> words = {"merge"};
  for (std::size_t i = 0; i < kParts; ++i) words.push_back(write("part" + std::to_string(i), parts[i]));
  words.insert(words.end(), {"--hlog", path("all"), "--hgrm", path("hgrm"), "--tag", "service"});
  const Finished run = run_program(words);
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(content_of(path("all")), whole);
  EXPECT_EQ(content_of(path("hgrm")), percentile_distribution(service));
  EXPECT_THAT(run.out, HasSubstr("3 logs merged, 60 intervals"));
  EXPECT_THAT(run.out, HasSubstr("service: 10,000 values\n"));

  // Merged in steps, and from one file: the same.
  ASSERT_EQ(run_program({"merge", path("part0"), path("part1"), "--hlog", path("two")}).code, 0);
  const Finished rest = run_program({"merge", path("two"), path("part2"), "--hlog", "-"});
  EXPECT_EQ(rest.out, whole);
  EXPECT_THAT(rest.err, HasSubstr("2 logs merged"));
  ASSERT_EQ(run_program({"merge", path("all"), "--hlog", path("all")}).code, 0);
  EXPECT_EQ(content_of(path("all")), whole);
}

TEST_F(MergeTest, KeepsWhatBeganAtOtherTimesInOrder) {
  const std::string a = one("a", 1000);
  const std::string b = one("b", 2000, kBase + 500ms);
  const std::string c = one("c", 3000, kBase - 1s, 1s);
  const Finished run = run_program({"merge", a, b, c, "--hlog", "-"});
  EXPECT_EQ(run.code, 0) << run.err;
  Histogram together;
  together.record(1000);
  together.record(3000);
  Histogram alone;
  alone.record(2000);
  EXPECT_EQ(run.out, hlog_header(kBase - 1s) + hlog_line("service", 1s, 1s, together) +
                         hlog_line("service", 1500ms, 1s, alone));
}

TEST_F(MergeTest, ShowsPercentilesOfTheSumsNotMeansOfPercentiles) {
  Histogram fast;
  Histogram slow;
  for (int i = 0; i < 9'900; ++i) fast.record(100'000);
  for (int i = 0; i < 200; ++i) slow.record(50'000'000);
  const std::string a = write("a", hlog_header(kBase) + hlog_line("service", 0s, 1s, fast));
  const std::string b = write("b", hlog_header(kBase) + hlog_line("service", 0s, 1s, slow));
  const Finished run = run_program({"merge", a, b});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("service: 10,100 values\n"));
  EXPECT_THAT(run.out, HasSubstr("  p90         100 µs"));
  EXPECT_THAT(run.out, HasSubstr("  p99        50.0 ms"));
  EXPECT_THAT(run.out, HasSubstr("  p99.99         n/a\n")) << "too few values";
}

TEST_F(MergeTest, ShowsAsLeastBoundsWhatIsBeyondACensoredValue) {
  Latency latency;
  for (int i = 0; i < 950; ++i) latency.record(1'000'000);
  for (int i = 0; i < 50; ++i) latency.record_at_least(2'000'000'000);
  const std::string a = write("a", hlog_header(kBase) + hlog_lines("response", 0s, 1s, latency));
  const Finished run = run_program({"merge", a});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("response: 1,000 values, 50 of them lower bounds\n"));
  EXPECT_THAT(run.out, HasSubstr("  p90        1.00 ms"));
  EXPECT_THAT(run.out, HasSubstr("  p99       ≥ 2.00 s"));
  EXPECT_THAT(run.out, HasSubstr("  max       ≥ 2.00 s\n"));
  EXPECT_THAT(run.out, testing::Not(HasSubstr("censored")));
}

TEST_F(MergeTest, WritesNothingWhenALineIsWrong) {
  const std::string good = one("good", 1000);
  const std::string header = hlog_header(kBase);
  const std::string line = hlog_line("service", 1s, 1s, {});
  Histogram most;
  most.record_bucket(7, std::int64_t{1} << 48);
  std::string many = header;
  for (int i = 0; i < 64; ++i) many += hlog_line("tag" + std::to_string(i), 0s, 1s, {});
  struct Case {
    std::string content;
    std::string reason;
  };
  const Case kCases[] = {
      {header + line + line.substr(0, 40), ":7 is cut off: it has no line end"},
      {header + line + line.substr(0, 60) + "\n", ":7 has a histogram that is not in"},
      {header + "garbage\n", ":6 has no time at which its interval begins"},
      {"", ":1 is the end, and there was no '#[Histogram log format version 1.3]'"},
      {line, ":1 is no line of a .hlog"},
      {header + line + hlog_line("service", 999ms, 1s, {}), ":7 begins before the interval above it"},
      {header + hlog_line("service", 0s, 1s, most), ":6 makes the values too many to count"},
      // Of the Java library, with two significant digits.
      {header + "0.000,1.000,0.000,HISTFAAAACF4nJNpmSzMwMDAyAABTFAayGd2M9ixgMH+A1QEAFKMBEs=\n",
       ":6 has a histogram that has another layout: 2 significant digits from 1 up, not 3 from 1 up"},
      {many, ":69 has the tag 'tag63', one more than the 64 that there may be"},
      {header + std::string(2 << 20, 'x') + "\n", ":6 is longer than 1048576 octets"},
  };
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.reason);
    const std::string bad = write("bad", each.content);
    const Finished run = run_program({"merge", good, bad, "--hlog", path("out"), "--hgrm", path("hgrm")});
    EXPECT_EQ(run.code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr("loadgen: " + bad + each.reason));
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(folder_.file_count(), 2U);
    EXPECT_EQ(run_program({"merge", good, bad, "--hlog", "-"}).out, "");
  }
}

TEST_F(MergeTest, RefusesABadCommandLine) {
  const std::string good = one("good", 1000);
  const std::vector<std::vector<std::string>> kBad = {
      {},
      {path("missing")},
      {folder_.path()},
      {good, "--hlog", path("no/such/folder")},
      {good, "--hlog", "-", "--hgrm", "-"},
      {good, "--tag", "response", "--hgrm", path("hgrm")},
      {write("empty", hlog_header(kBase))},
      {good, "--nonsense"},
  };
  for (std::vector<std::string> words : kBad) {
    words.insert(words.begin(), "merge");
    const Finished run = run_program(words);
    EXPECT_EQ(run.code, 2) << testing::PrintToString(words);
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_EQ(folder_.file_count(), 2U);
  }
  EXPECT_EQ(run_program({"merge", good, path("empty")}).code, 0) << "a log without an interval adds nothing";
}

TEST_F(MergeTest, SaysThatTheDiskIsFull) {
  const Finished run = run_program({"merge", one("good", 1000), "--hlog", "/dev/full"});
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.err, "loadgen: cannot write /dev/full: No space left on device\n");
}

}  // namespace
}  // namespace httpdyno::loadgen
