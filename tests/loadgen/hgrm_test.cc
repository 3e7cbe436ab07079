// The percentile file, line by line as HdrHistogram's PercentileIterator gives it.
#include "loadgen/figures/hgrm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace httpdyno::loadgen {
namespace {

TEST(PercentileDistribution, HasTheLinesOfTheJavaLibrary) {
  Histogram histogram;
  for (int value = 1; value <= 10; ++value) histogram.record(value);
  EXPECT_EQ(percentile_distribution(histogram, 1.0),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 0.100000000000          1           1.11\n"
            "       2.000 0.200000000000          2           1.25\n"
            "       3.000 0.300000000000          3           1.43\n"
            "       4.000 0.400000000000          4           1.67\n"
            "       5.000 0.500000000000          5           2.00\n"
            "       6.000 0.550000000000          6           2.22\n"
            "       6.000 0.600000000000          6           2.50\n"
            "       7.000 0.650000000000          7           2.86\n"
            "       7.000 0.700000000000          7           3.33\n"
            "       8.000 0.750000000000          8           4.00\n"
            "       8.000 0.775000000000          8           4.44\n"
            "       8.000 0.800000000000          8           5.00\n"
            "       9.000 0.825000000000          9           5.71\n"
            "       9.000 0.850000000000          9           6.67\n"
            "       9.000 0.875000000000          9           8.00\n"
            "       9.000 0.887500000000          9           8.89\n"
            "       9.000 0.900000000000          9          10.00\n"
            "      10.000 0.912500000000         10          11.43\n"
            "      10.000 1.000000000000         10\n"
            "#[Mean    =        5.500, StdDeviation   =        2.872]\n"
            "#[Max     =       10.000, Total count    =           10]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

TEST(PercentileDistribution, IsInMillisecondsByDefaultAndTakesBucketsForWhatTheyAre) {
  Histogram histogram;
  histogram.record(1'000'000);  // its bucket: 999936 to 1000447, middle 1000192
  EXPECT_EQ(percentile_distribution(histogram),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.000000000000          1           1.00\n"
            "       1.000 1.000000000000          1\n"
            "#[Mean    =        1.000, StdDeviation   =        0.000]\n"
            "#[Max     =        1.000, Total count    =            1]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

TEST(PercentileDistribution, OfNothingHasNoRows) {
  EXPECT_EQ(percentile_distribution(Histogram()),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "#[Mean    =        0.000, StdDeviation   =        0.000]\n"
            "#[Max     =        0.000, Total count    =            0]\n"
            "#[Buckets =           32, SubBuckets     =         2048]\n");
}

// 0.9997802734375: as a binary number less than that half.
TEST(PercentileDistribution, RoundsHalvesUpAsJavaDoes) {
  Histogram histogram;
  for (int i = 0; i < 1'000'000; ++i) histogram.record(std::max(1, i - 999'000));
  const std::string text = percentile_distribution(histogram, 1.0);
  EXPECT_NE(text.find(" 0.999780273438 "), std::string::npos);
  EXPECT_NE(text.find(" 0.999926757813 "), std::string::npos);
  Histogram nines;
  nines.record(9'995);  // the highest of its bucket: 9999
  EXPECT_NE(percentile_distribution(nines, 1'000'000).find("       0.010 1.000000000000          1\n"),
            std::string::npos);
}

TEST(PercentileDistribution, EndsWithAMillionSamplesAtTheirMaximum) {
  Histogram histogram;
  for (int value = 1; value <= 1'000'000; ++value) histogram.record(value);
  std::istringstream lines(percentile_distribution(histogram));
  std::string line;
  double value = 0;
  double percentile = 0;
  std::int64_t count = 0;
  int rows = 0;
  while (std::getline(lines, line)) {
    if (line.empty() || line.front() == '#' || rows++ == 0) continue;
    double next_value = 0;
    double next_percentile = 0;
    std::int64_t next_count = 0;
    std::istringstream(line) >> next_value >> next_percentile >> next_count;
    EXPECT_GE(next_value, value);
    EXPECT_GT(next_percentile, percentile - 1e-12);
    EXPECT_GE(next_count, count);
    value = next_value;
    percentile = next_percentile;
    count = next_count;
  }
  EXPECT_EQ(percentile, 1.0);
  EXPECT_EQ(count, 1'000'000);
  EXPECT_NEAR(value, 1.0, 0.001);
  EXPECT_GT(rows, 60);
}

}  // namespace
}  // namespace httpdyno::loadgen
