#include "loadgen/base/text.h"

#include <gtest/gtest.h>

namespace httpdyno::loadgen {
namespace {

TEST(Text, GroupsDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(Text, GivesTimesThreeDigits) {
  EXPECT_EQ(with_unit_of_time(0), "0 ns");
  EXPECT_EQ(with_unit_of_time(999.4), "999 ns");
  EXPECT_EQ(with_unit_of_time(999.6), "1.00 µs");
  EXPECT_EQ(with_unit_of_time(12'340), "12.3 µs");
  EXPECT_EQ(with_unit_of_time(99'960), "100 µs");
  EXPECT_EQ(with_unit_of_time(999'600), "1.00 ms");
  EXPECT_EQ(with_unit_of_time(301e3), "301 µs");
  EXPECT_EQ(with_unit_of_time(1.25e6), "1.25 ms");
  EXPECT_EQ(with_unit_of_time(90e9), "90.0 s");
}

TEST(Text, GivesSizesAUnit) {
  EXPECT_EQ(with_unit_of_size(1023), "1023 B");
  EXPECT_EQ(with_unit_of_size(1024), "1.0 KiB");
  EXPECT_EQ(with_unit_of_size(13.0 * 1024 * 1024), "13.0 MiB");
}

}  // namespace
}  // namespace httpdyno::loadgen
