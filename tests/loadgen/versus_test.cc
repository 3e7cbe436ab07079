#include "loadgen/commands/versus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace httpdyno::loadgen {
namespace {

Slice slice(std::uint32_t pair, SideName side, std::uint64_t requests, Duration cpu) {
  Slice out;
  out.pair = pair;
  out.side = side;
  out.requests = requests;
  out.cpu = cpu;
  return out;
}

TEST(LogRatio, IsOfCpuPerRequestBOverA) {
  // Pair 0: a 10 us, b 20 us; pair 1, the other order: b 40 us, a 10 us.
  const LogRatio ratio = log_ratio({slice(0, SideName::a, 100, 1ms), slice(0, SideName::b, 50, 1ms),
                                    slice(1, SideName::b, 50, 2ms), slice(1, SideName::a, 200, 2ms)});
  EXPECT_EQ(ratio.pairs, 2U);
  EXPECT_NEAR(ratio.mean, (std::log(2) + std::log(4)) / 2, 1e-12);
  // Two values that differ by ln 2: the standard deviation is ln 2 / sqrt 2, of the mean half of ln 2.
  EXPECT_NEAR(ratio.standard_error, std::log(2) / 2, 1e-12);
}

TEST(LogRatio, LeavesOutWhatCannotBeCompared) {
  const LogRatio ratio = log_ratio({slice(0, SideName::a, 100, 1ms), slice(0, SideName::b, 0, 1ms),
                                    slice(1, SideName::a, 100, 1ms), slice(1, SideName::b, 100, 0ms),
                                    slice(2, SideName::a, 100, 1ms), slice(2, SideName::b, 100, 1ms)});
  EXPECT_EQ(ratio.pairs, 1U);
  EXPECT_EQ(ratio.mean, 0);
  EXPECT_EQ(ratio.standard_error, 0);
  EXPECT_EQ(log_ratio({}).pairs, 0U);
}

TEST(NdjsonLine, HoldsTheSlice) {
  Slice one = slice(3, SideName::b, 1234, 5ms);
  one.position = 1;
  one.wall = 25ms;
  one.errors = 2;
  EXPECT_EQ(
      ndjson_line(one),
      "{\"pair\":3,\"side\":\"b\",\"position\":1,\"requests\":1234,\"cpu_ns\":5000000,\"wall_ns\":25000000,"
      "\"errors\":2}\n");
}

}  // namespace
}  // namespace httpdyno::loadgen
