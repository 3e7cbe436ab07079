// Latencies with values of which only a lower bound is known.
#include "loadgen/figures/latency.h"

#include <gtest/gtest.h>

#include <limits>

namespace httpdyno::loadgen {
namespace {

TEST(Latency, KeepsACensoredValueAtItsBound) {
  Latency latency;
  for (int i = 0; i < 98; ++i) latency.record(100);
  latency.record_at_least(2000);
  latency.record_at_least(1500);
  EXPECT_EQ(latency.values().total(), 100);
  EXPECT_EQ(latency.values().max(), 2000);
  EXPECT_EQ(latency.censored(), 2);
  EXPECT_EQ(latency.least_censored(), 1500);
}

TEST(Latency, APercentileFromTheLeastBoundOnIsABoundItself) {
  Latency latency;
  for (int i = 0; i < 90; ++i) latency.record(100);
  for (int i = 0; i < 5; ++i) latency.record(3000);
  for (int i = 0; i < 5; ++i) latency.record_at_least(2000);
  EXPECT_FALSE(latency.is_bound(latency.values().percentile(90)));
  EXPECT_TRUE(latency.is_bound(latency.values().percentile(91)));
  // An answer above the bound: whether a censored one lies beyond it is not known.
  EXPECT_TRUE(latency.is_bound(latency.values().percentile(99)));
}

TEST(Latency, IsExactThroughoutWhenNothingIsCensored) {
  Latency latency;
  latency.record(Histogram::kHighest + 1);
  EXPECT_EQ(latency.censored(), 0);
  EXPECT_EQ(latency.least_censored(), std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(latency.is_bound(latency.values().percentile(100)));
}

TEST(Latency, MergesAndClears) {
  Latency a;
  a.record(7);
  a.record_at_least(900);
  Latency b;
  b.record_at_least(50);
  b.merge(a);
  EXPECT_EQ(b.values().total(), 3);
  EXPECT_EQ(b.censored(), 2);
  EXPECT_EQ(b.least_censored(), 50);
  b.clear();
  EXPECT_EQ(b.values().total(), 0);
  EXPECT_EQ(b.censored(), 0);
  EXPECT_FALSE(b.is_bound(900));
  b.merge(a);
  EXPECT_EQ(b.least_censored(), 900);
}

TEST(Latencies, MergeAndClearEachOfThem) {
  Latencies one;
  one.queue.record(1);
  one.service.record(2);
  one.first_byte.record(3);
  one.response.record_at_least(4);
  Latencies two;
  two.merge(one);
  two.merge(one);
  EXPECT_EQ(two.queue.values().max(), 1);
  EXPECT_EQ(two.service.values().max(), 2);
  EXPECT_EQ(two.first_byte.values().max(), 3);
  EXPECT_EQ(two.response.values().max(), 4);
  EXPECT_EQ(two.response.censored(), 2);
  two.clear();
  for (const Latency* each : {&two.queue, &two.service, &two.first_byte, &two.response}) {
    EXPECT_EQ(each->values().total(), 0);
    EXPECT_EQ(each->censored(), 0);
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
