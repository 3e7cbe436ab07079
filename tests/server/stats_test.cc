#include "server/stats.h"

#include <gtest/gtest.h>

namespace httpdyno {
namespace {

TEST(Stats, TheTotalIsTheSumOfTheLoops) {
  Stats first;
  Stats second;
  first.accepted.add(5);
  first.closed.add(2);
  second.accepted.add(10);
  second.requests.add(7);
  ServerStats server;
  EXPECT_EQ(server.total().accepted, 0U);
  server.add_loop(first);
  server.add_loop(second);
  EXPECT_EQ(server.total().accepted, 15U);
  EXPECT_EQ(server.total().closed, 2U);
  EXPECT_EQ(server.total().requests, 7U);
  EXPECT_EQ(server.total().active, 13U);
  // Read anew each time.
  second.requests.add();
  EXPECT_EQ(server.total().requests, 8U);
}

TEST(Stats, JsonBeginsAndEndsAsThePagesReadersExpect) {
  Stats stats;
  stats.accepted.add(3);
  StatsTotal total;
  total += stats;
  const std::string json = total.json();
  EXPECT_TRUE(json.starts_with("{\"accepted\":3,")) << json;
  EXPECT_TRUE(json.ends_with(",\"active\":3}")) << json;
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

TEST(Stats, OpenMetricsNamesTypesAndUnits) {
  Stats stats;
  stats.accepted.add(3);
  stats.closed.add(1);
  stats.bytes_sent.add(18446744073709551615U);
  StatsTotal total;
  total += stats;
  const std::string text = total.openmetrics();
  EXPECT_TRUE(
      text.starts_with("# TYPE httpdyno_accepted counter\n"
                       "# HELP httpdyno_accepted connections accepted\n"
                       "httpdyno_accepted_total 3\n"))
      << text;
  EXPECT_NE(text.find("# TYPE httpdyno_sent_bytes counter\n"
                      "# UNIT httpdyno_sent_bytes bytes\n"
                      "# HELP httpdyno_sent_bytes octets sent\n"
                      "httpdyno_sent_bytes_total 18446744073709551615\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(
      text.ends_with("# TYPE httpdyno_active gauge\n"
                     "# HELP httpdyno_active connections that are open\n"
                     "httpdyno_active 2\n"
                     "# EOF\n"))
      << text;
}

}  // namespace
}  // namespace httpdyno
