#include "loadgen/base/rate.h"

#include <gtest/gtest.h>

namespace httpdyno::loadgen {
namespace {

TEST(ParseRate, ReadsNumbersExactly) {
  const std::pair<const char*, std::uint64_t> kGood[] = {
      {"1", 1'000'000},
      {"20000", 20'000'000'000},
      {"0.5", 500'000},
      {".5", 500'000},
      {"5.", 5'000'000},
      {"0.1", 100'000},  // no double is a tenth
      {"1e6", 1'000'000'000'000},
      {"1E+6", 1'000'000'000'000},
      {"2.5e-3", 2'500},
      {"0.000001", 1},
      {"1e-6", 1},
      {"10e-7", 1},
      {"1.0000000", 1'000'000},
      {"333.333333", 333'333'333},
      {"50k", 50'000'000'000},
      {"1.5k", 1'500'000'000},
      {"0.25M", 250'000'000'000},
      {"100000000", kRateMax.micro},
  };
  for (const auto& [text, wanted] : kGood) {
    Rate found;
    EXPECT_EQ(parse_rate(text, found), "") << text;
    EXPECT_EQ(found.micro, wanted) << text;
  }
}

TEST(ParseRate, RefusesEverythingElse) {
  for (const char* text : {"",
                           ".",
                           "-1",
                           "+1",
                           " 1",
                           "1 ",
                           "k",
                           "1K",
                           "1m",
                           "1kk",
                           "1/s",
                           "1..5",
                           "1.5.5",
                           "e6",
                           "1e",
                           "1e+",
                           "1e+-6",
                           "1e1.5",
                           "inf",
                           "nan",
                           "0x10",
                           "1,5",
                           "0",
                           "0.0",
                           "0e9",
                           "0.0000001",
                           "1e-7",
                           "1.0000001",
                           "100000000.000001",
                           "1e9",
                           "101M",
                           "1e99",
                           "1e100",
                           "99999999999999999999"}) {
    Rate found = Rate::of(42);
    EXPECT_NE(parse_rate(text, found), "") << text;
    EXPECT_EQ(found, Rate::of(42)) << text;
  }
}

TEST(ParseRate, SaysWhatIsWrong) {
  Rate unused;
  EXPECT_EQ(parse_rate("fast", unused),
            "is no rate: expected requests per second, as 20000, 0.5, 1e6 or 50k");
  EXPECT_EQ(parse_rate("0", unused), "is zero: nothing would be sent");
  EXPECT_EQ(parse_rate("1e-9", unused), "is finer than a millionth of a request per second");
  EXPECT_EQ(parse_rate("1e12", unused), "is more than 100000000 requests per second");
}

}  // namespace
}  // namespace httpdyno::loadgen
