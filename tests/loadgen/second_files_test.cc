// A run second by second: the rows of the CSV and of the NDJSON, and three files that appear together.
#include "loadgen/report/second_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "loadgen/figures/csv.h"
#include "loadgen/figures/hlog.h"
#include "loadgen/report/ndjson.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kBase = 1'700'000'000'000ms;

// A hundred values from 1 to 100 ns.
Latency hundred() {
  Latency latency;
  for (int value = 1; value <= 100; ++value) latency.record(value);
  return latency;
}

TEST(Csv, HasAColumnForEachPercentileOfEachLatencyThereIs) {
  const Latency service = hundred();
  Latency response;
  for (int value = 1; value <= 95; ++value) response.record(value);
  for (int i = 0; i < 5; ++i) response.record_at_least(1000);
  const SecondFigures second = {.begin_s = 3,
                                .length_s = 0.5,
                                .sent = 101,
                                .answered = 100,
                                .errors = 1,
                                .service = &service,
                                .response = &response};
  EXPECT_EQ(
      csv_header(second),
      "second_s,length_s,sent,answered,errors,"
      "service_p50_ns,service_p90_ns,service_p99_ns,service_p99_9_ns,service_max_ns,service_censored,"
      "service_least_censored_ns,"
      "response_p50_ns,response_p90_ns,response_p99_ns,response_p99_9_ns,response_max_ns,response_censored,"
      "response_least_censored_ns\n");
  EXPECT_EQ(csv_row(second), "3.000,0.500,101,100,1,50,90,99,100,100,0,,50,90,1000,1000,1000,5,1000\n");
}

TEST(Csv, IsEmptyWhereNothingWasMeasured) {
  const Latency nothing;
  EXPECT_EQ(csv_row({.begin_s = 0, .length_s = 1, .sent = 5, .service = &nothing}),
            "0.000,1.000,5,0,0,,,,,,0,\n");
}

TEST(Ndjson, IsOneObjectInOneLine) {
  const Latency nothing;
  Latency service = hundred();
  service.record_at_least(1000);
  EXPECT_EQ(
      second_ndjson({.begin_s = 2,
                     .length_s = 1,
                     .sent = 7,
                     .answered = 6,
                     .errors = 1,
                     .queue = &nothing,
                     .service = &service}),
      R"({"begin_s":2.0,"length_s":1.0,"sent":7,"answered":6,"errors":1,)"
      R"("queue_ns":{"count":0,"censored":0,"p50":null,"p90":null,"p99":null,"p99_9":null,"max":null,"at_least":[]},)"
      R"("service_ns":{"count":101,"censored":1,"p50":51,"p90":91,"p99":100,"p99_9":1000,"max":1000,"at_least":["p99_9","max"]}})"
      "\n");
}

class SecondFilesTest : public testing::Test {
 protected:
  const TemporaryFolder folder_;
};

TEST_F(SecondFilesTest, GrowWithEachSecondAndAppearTogether) {
  const Latency service = hundred();
  const Latency none;
  SecondFigures second = {.sent = 100, .answered = 100, .service = &service};
  SecondFiles files;
  ASSERT_FALSE(files.open(folder_.file("csv"), folder_.file("ndjson"), folder_.file("hlog")));
  EXPECT_EQ(folder_.file_count(), 0U);
  EXPECT_FALSE(files.to_stdout());
  files.begin(kBase);
  files.add(second);
  second.begin_s = 1;
  second.length_s = 0.2504;
  second.service = &none;
  files.add(second);
  EXPECT_EQ(folder_.file_count(), 3U);
  EXPECT_EQ(content_of(folder_.file("csv")), "") << "not yet";
  ASSERT_FALSE(files.commit());
  EXPECT_EQ(folder_.file_count(), 3U);

  const SecondFigures first = {.sent = 100, .answered = 100, .service = &service};
  EXPECT_EQ(content_of(folder_.file("csv")), csv_header(first) + csv_row(first) + csv_row(second));
  EXPECT_EQ(content_of(folder_.file("ndjson")), second_ndjson(first) + second_ndjson(second));
  EXPECT_EQ(content_of(folder_.file("hlog")), hlog_header(kBase) +
                                                  hlog_line("service", 0s, 1s, service.values()) +
                                                  hlog_line("service", 1s, 250ms, none.values()));
}

TEST_F(SecondFilesTest, LeaveNothingWithoutACommit) {
  const Latency service = hundred();
  {
    SecondFiles files;
    ASSERT_FALSE(files.open(folder_.file("csv"), "", folder_.file("hlog")));
    files.begin(kBase);
    files.add({.service = &service});
    EXPECT_EQ(folder_.file_count(), 2U);
  }
  EXPECT_EQ(folder_.file_count(), 0U);
}

TEST_F(SecondFilesTest, SayAtTheEndThatTheDiskWasFull) {
  const Latency service = hundred();
  SecondFiles files;
  ASSERT_FALSE(files.open("", "/dev/full", ""));
  files.begin(kBase);
  files.add({.service = &service});
  files.add({.service = &service});
  EXPECT_EQ(files.commit().line, "cannot write /dev/full: No space left on device");
}

TEST_F(SecondFilesTest, AreThereThoughNoSecondWasMeasured) {
  SecondFiles files;
  ASSERT_FALSE(files.open(folder_.file("csv"), "", folder_.file("hlog")));
  files.begin(kBase);
  ASSERT_FALSE(files.commit());
  EXPECT_EQ(content_of(folder_.file("csv")), "");
  EXPECT_EQ(content_of(folder_.file("hlog")), hlog_header(kBase));
}

}  // namespace
}  // namespace httpdyno::loadgen
