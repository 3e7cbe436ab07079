// Objectives: how they are written, and when a measured percentile decides them.
#include "loadgen/work/objective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace httpdyno::loadgen {
namespace {

using testing::HasSubstr;

TEST(Objectives, ArePercentilesBelowLimits) {
  std::vector<Objective> out;
  ASSERT_EQ(parse_objectives("p99<2ms,p99.9<500us,p50<0.5", out), "");
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0].name, "p99");
  EXPECT_EQ(out[0].percent, 99);
  EXPECT_EQ(out[0].limit, 2ms);
  EXPECT_EQ(out[1].name, "p99.9");
  EXPECT_EQ(out[1].percent, 99.9);
  EXPECT_EQ(out[1].limit, 500us);
  EXPECT_EQ(out[2].percent, 50);
  EXPECT_EQ(out[2].limit, 500ms);
}

TEST(Objectives, AreRefusedWithAReason) {
  const struct {
    const char* text;
    const char* why;
  } kCases[] = {
      {"", "'' is no objective"},
      {"p99", "'p99' is no objective"},
      {"99<2ms", "is no objective"},
      {"p<2ms", "is no objective"},
      {"p-1<2ms", "is no objective"},
      {"pinf<2ms", "is no objective"},
      {"p99x<2ms", "is no objective"},
      {"p99>2ms", "is no objective"},
      {"p0<2ms", "between p0 and p100"},
      {"p100<2ms", "between p0 and p100"},
      {"p99<", "no duration"},
      {"p99<=2ms", "no duration"},
      {"p99<2 ms", "no duration"},
      {"p99<-2ms", "no duration"},
      {"p99<0ms", "more than 0"},
      {"p99<2ms,", "'' is no objective"},
      {"p99<2ms,p50", "'p50' is no objective"},
      {"p1<1s,p1<1s,p1<1s,p1<1s,p1<1s,p1<1s,p1<1s,p1<1s,p1<1s", "more than 8"},
  };
  for (const auto& each : kCases) {
    std::vector<Objective> out;
    EXPECT_THAT(parse_objectives(each.text, out), HasSubstr(each.why)) << each.text;
    EXPECT_TRUE(out.empty()) << each.text;
  }
}

TEST(Objectives, AreDecidedByTheWholeInterval) {
  const Objective objective{.name = "p99", .percent = 99, .limit = 2ms};
  const auto outcome = [&](Quantile measured) { return outcome_of(objective, measured); };
  const Quantile below = {
      .percent = 99, .enough = true, .value = 1'500'000, .low = 1'400'000, .high = 1'999'999};
  EXPECT_EQ(outcome(below), Outcome::holds);
  Quantile measured = below;
  measured.high = 2'000'000;
  EXPECT_EQ(outcome(measured), Outcome::undecided) << "the limit is not below itself";
  measured.high = std::nullopt;
  EXPECT_EQ(outcome(measured), Outcome::undecided) << "the upper end lies among the censored";
  measured.low = 2'000'000;
  EXPECT_EQ(outcome(measured), Outcome::fails) << "it takes at least that long, however long";
  measured = below;
  measured.enough = false;
  EXPECT_EQ(outcome(measured), Outcome::undecided) << "too short a run says nothing";
  measured = below;
  measured.low = 1'999'999;
  measured.value = measured.low.value();
  measured.high = 3'000'000;
  EXPECT_EQ(outcome(measured), Outcome::undecided) << "the value alone does not decide";
}

TEST(Objectives, MustAllHold) {
  using enum Outcome;
  EXPECT_EQ(worst(std::vector{holds, holds}), holds);
  EXPECT_EQ(worst(std::vector{holds, undecided}), undecided);
  EXPECT_EQ(worst(std::vector{undecided, fails, holds}), fails);
}

}  // namespace
}  // namespace httpdyno::loadgen
