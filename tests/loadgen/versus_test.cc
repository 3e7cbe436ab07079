#include "loadgen/commands/versus.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "loadgen/commands/slices.h"
#include "loadgen/drive/worker.h"
#include "tests/loadgen/fake_io.h"
#include "tests/loadgen/url_of.h"

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

TEST(SliceNdjson, HoldsTheSliceOfAClosedLoop) {
  Slice one = slice(3, SideName::b, 1234, 5ms);
  one.position = 1;
  one.wall = 25ms;
  one.errors = 2;
  one.sent = 1236;
  Latency service;
  service.record(2'000);
  service.record(2'000);
  service.record(5'000);
  EXPECT_EQ(slice_ndjson(one, false, service),
            "{\"pair\":3,\"side\":\"b\",\"position\":1,\"requests\":1234,\"cpu_ns\":5000000,"
            "\"wall_ns\":25000000,\"errors\":2,\"sent\":1236,\"censored\":0,"
            "\"service_ns\":[[2000,2],[5003,1]]}\n")
      << "a bucket goes by the highest of its values: from 4096 ns on they are four wide";
}

TEST(SliceNdjson, HoldsTheSliceOfAnOpenLoop) {
  Slice one = slice(0, SideName::a, 2, 1ms);
  one.sent = 3;
  one.due = 4;
  Latency response;
  response.record(7);
  response.record_at_least(9);
  EXPECT_EQ(slice_ndjson(one, true, response),
            "{\"pair\":0,\"side\":\"a\",\"position\":0,\"requests\":2,\"cpu_ns\":1000000,"
            "\"wall_ns\":0,\"errors\":0,\"sent\":3,\"due\":4,\"censored\":1,"
            "\"response_ns\":[[7,1],[9,1]]}\n");
  EXPECT_EQ(nlohmann::json::parse(slice_ndjson(one, true, Latency())).at("response_ns"),
            nlohmann::json::array());
}

// A worker that is driven slice by slice, as a side of a comparison is, in virtual time.
class SlicesTest : public testing::Test {
 protected:
  using TestWorker = Worker<FakeIo, FakeClock>;

  void make(Arrivals::Kind kind, std::uint64_t rate) {
    const RequestSpec spec;
    script_ = make_script(url_of("http://h/"), {&spec, 1}, 1);
    const Arrivals arrivals{.kind = kind, .rate = Rate::of(rate), .rate_to = {}, .seed = 1};
    worker_.emplace(io_, script_,
                    WorkerConfig{.server = {}, .connections = 2, .timeout = 500ms, .arrivals = arrivals});
    io_.on_request = [this](io::ConnId id, std::string_view) {
      asked_.push_back(FakeClock::now());
      io_.answer(id, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", FakeClock::now() + service_);
    };
    io_.spin_to = [](Time now) { return now + 1us; };
    worker_->connect_all();
  }
  // When its requests came, from its beginning.
  std::vector<Duration> drive(std::uint64_t seed) {
    asked_.clear();
    tally_.clear();
    worker_->set_arrivals_seed(seed);
    const Time begin = FakeClock::now();
    worker_->ledger().set_window({begin, begin + kSlice});
    EXPECT_EQ(worker_->run(begin, begin + kSlice, 1s), RunEnd::done);
    worker_->ledger().take_all(tally_);
    std::vector<Duration> out;
    for (const Time time : asked_) out.push_back(time - begin);
    return out;
  }

  static constexpr Duration kSlice = 25ms;

  FakeIo io_;
  Script script_;
  std::optional<TestWorker> worker_;
  Duration service_ = 100us;
  std::vector<Time> asked_;
  Tally tally_;
};

TEST_F(SlicesTest, BeginAFreshScheduleEach) {
  make(Arrivals::Kind::constant, 1000);
  for (int i = 0; i < 3; ++i) {
    const std::vector<Duration> asked = drive(1);
    ASSERT_EQ(asked.size(), 25U);
    EXPECT_LT(asked.front(), 1ms);
    EXPECT_LT(asked.back(), 25ms);
    EXPECT_EQ(worker_->due(), 25U);
    EXPECT_EQ(tally_.sent(), 25U);
    EXPECT_EQ(tally_.answered(), 25U);
    EXPECT_EQ(tally_.latencies().response.values().total(), 25);
    FakeClock::value += 60ms;  // the other side's turn: nothing has become due meanwhile
  }
}

// Five requests a slice, 15 ms each on one of two connections: the last is due at 20 ms, sent at 30 and answered at 45.
TEST_F(SlicesTest, CountWhatIsDrainedOnce) {
  make(Arrivals::Kind::constant, 200);
  service_ = 15ms;
  for (int i = 0; i < 3; ++i) {
    const Time begin = FakeClock::now();
    drive(1);
    EXPECT_GE(FakeClock::now() - begin, 45ms);
    EXPECT_EQ(worker_->due(), 5U);
    EXPECT_EQ(tally_.sent(), 5U);
    EXPECT_EQ(tally_.answered(), 5U);
    const Latency response = tally_.latencies().response;
    EXPECT_EQ(response.values().total(), 5);
    EXPECT_EQ(response.censored(), 0);
    EXPECT_GE(response.values().max(), 25'000'000)
        << "from when it was due, not from when there was room for it";
  }
}

TEST_F(SlicesTest, HavePoissonArrivalsOfTheirSeed) {
  make(Arrivals::Kind::poisson, 2000);
  service_ = 10us;
  const std::vector<Duration> a = drive(7);
  const std::vector<Duration> b = drive(7);
  const std::vector<Duration> next = drive(8);
  EXPECT_EQ(a, b) << "both sides of a pair";
  EXPECT_NE(a, next);
  EXPECT_GT(a.size(), 10U);
}

}  // namespace
}  // namespace httpdyno::loadgen
