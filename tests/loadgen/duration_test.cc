#include "loadgen/base/duration.h"

#include <gtest/gtest.h>

namespace httpdyno::loadgen {
namespace {

TEST(ParseDuration, ReadsSecondsAndUnits) {
  const std::pair<const char*, Duration> kGood[] = {
      {"2", 2s},      {"0.5", 500ms},        {".5", 500ms},  {"500ms", 500ms}, {"2s", 2s},
      {"1m", 60s},    {"1.5m", 90s},         {"2h", 2h},     {"250us", 250us}, {"0", 0s},
      {"0.001", 1ms}, {"0.0000000015", 2ns}, {"168h", 168h},
  };
  for (const auto& [text, wanted] : kGood) {
    Duration found{};
    EXPECT_TRUE(parse_duration(text, found)) << text;
    EXPECT_EQ(found, wanted) << text;
  }
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text : {"", "s", "-1", "+1", " 1", "1 s", "1s ", "1d", "ms", "1e3", "inf", "nan", "0x1",
                           "1,5", "169h", "1..5", "99999999999999999999", "1sm"}) {
    Duration found = 42s;
    EXPECT_FALSE(parse_duration(text, found)) << text;
    EXPECT_EQ(found, 42s) << text;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
