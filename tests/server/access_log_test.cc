#include "server/access_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/loop_bench.h"

namespace httpdyno {
namespace {

struct Line {
  std::string method;
  std::string target;
  int status;
  std::uint64_t bytes;
};

struct Log {
  std::vector<Line> lines;

  void operator()(const Access& access) {
    EXPECT_LE(access.begun, access.ended);
    EXPECT_GT(access.begun, Time());
    lines.push_back({std::string(access.method), std::string(access.target), access.status, access.bytes});
  }
};

// A loop that logs.
template <class Dispatch>
struct Logged {
  template <class... Args>
  explicit Logged(const Config& config, Args&&... args)
      : dispatch(std::forward<Args>(args)...), loop(config, io, dispatch, &log) {}

  void turn(Duration passed = Duration::zero()) {
    io.advance(passed);
    ASSERT_FALSE(loop.turn(0ms));
  }
  // The client says `octets`, takes what it gets, and all that has to happen happens.
  void say(const std::shared_ptr<FakePeer>& peer, const std::string& octets) {
    peer->to_server.push_back(octets);
    for (int i = 0; i < 60; ++i) {
      turn();
      if constexpr (Dispatch::kPooled) {
        while (!dispatch.queued.empty()) dispatch.work();
        io.waker().wake();
      }
    }
  }

  FakeIo io;
  Dispatch dispatch;
  Log log;
  Loop<FakeIo, Dispatch, Log> loop;
};

struct LoggedInline : Logged<InlineDispatch<App>> {
  explicit LoggedInline(const Config& config = {}) : Logged(config, config, App()) {}
};
struct LoggedPool : Logged<ManualDispatch<App>> {
  explicit LoggedPool(const Config& config = {}) : Logged(config, App()) {}
};

template <class Bench>
class AccessLogOf : public testing::Test {};
using Benches = testing::Types<LoggedInline, LoggedPool>;
TYPED_TEST_SUITE(AccessLogOf, Benches);

TYPED_TEST(AccessLogOf, EachAnswerIsToldOnceWithAllItsOctets) {
  TypeParam bench;
  auto peer = bench.io.connect();
  bench.say(peer, get("/a?b=%20") + get("/big") + "HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n" + get("/throw"));
  const std::vector<Line>& lines = bench.log.lines;
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].method, "GET");
  EXPECT_EQ(lines[0].target, "/a?b=%20");
  EXPECT_EQ(lines[0].status, 200);
  EXPECT_EQ(lines[1].target, "/big");
  EXPECT_GT(lines[1].bytes, 100'000U);
  EXPECT_EQ(lines[2].method, "HEAD");
  EXPECT_EQ(lines[1].bytes - lines[2].bytes, 100'000U);
  EXPECT_EQ(lines[3].status, 500);
  std::uint64_t bytes = 0;
  for (const Line& line : lines) bytes += line.bytes;
  EXPECT_EQ(bytes, peer->written.size());
}

TYPED_TEST(AccessLogOf, AStreamedAnswerIsToldAtItsEnd) {
  TypeParam bench;
  auto peer = bench.io.connect();
  bench.say(peer, get("/stream?300000") + get("/stream?10") + get("/a"));
  const std::vector<Line>& lines = bench.log.lines;
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].target, "/stream?300000");
  EXPECT_GT(lines[0].bytes, 300'000U);
  EXPECT_EQ(lines[0].bytes + lines[1].bytes + lines[2].bytes, peer->written.size());
}

TYPED_TEST(AccessLogOf, AStreamedAnswerThatIsCutIsToldAsFarAsItCame) {
  TypeParam bench;
  auto broken = bench.io.connect();
  bench.say(broken, get("/stream-throw?300000"));
  ASSERT_EQ(bench.log.lines.size(), 1U);
  EXPECT_EQ(bench.log.lines[0].bytes, broken->written.size());
  EXPECT_LT(bench.log.lines[0].bytes, 300'000U);

  auto gone = bench.io.connect();
  gone->take = 1000;
  gone->to_server.push_back(get("/stream-endless"));
  for (int i = 0; i < 3; ++i) bench.turn();
  if constexpr (std::is_same_v<TypeParam, LoggedPool>) {
    bench.dispatch.work();
    bench.io.waker().wake();
    bench.turn();
  }
  EXPECT_EQ(bench.log.lines.size(), 1U);
  gone->reset = ECONNRESET;
  for (int i = 0; i < 3; ++i) bench.turn();
  bench.turn(Config().timeout_write + 1ms);
  ASSERT_EQ(bench.log.lines.size(), 2U);
  EXPECT_EQ(bench.log.lines[1].target, "/stream-endless");
  EXPECT_GE(bench.log.lines[1].bytes, gone->written.size());
}

TYPED_TEST(AccessLogOf, RefusalsAreTold) {
  TypeParam bench;
  auto good = bench.io.connect();
  bench.say(good, get("/a"));
  auto bad = bench.io.connect();
  bench.say(bad, get("/b") + "GET / HTTP/1.1\r\nbad header\r\n\r\n");
  auto late = bench.io.connect();
  bench.say(late, "GET /late");
  bench.turn(Config().timeout_request + 1ms);
  const std::vector<Line>& lines = bench.log.lines;
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[2].status, 400);
  EXPECT_EQ(lines[2].target, "");
  EXPECT_EQ(lines[2].method, "");
  EXPECT_EQ(lines[1].bytes + lines[2].bytes, bad->written.size());
  EXPECT_EQ(lines[3].status, 408);
  EXPECT_EQ(lines[3].bytes, late->written.size());
}

TYPED_TEST(AccessLogOf, WhoSaysNothingIsNotTold) {
  TypeParam bench;
  auto silent = bench.io.connect();
  bench.turn();
  bench.turn(Config().timeout_request + 1ms);
  auto gone = bench.io.connect();
  bench.turn();
  gone->end = true;
  bench.turn();
  EXPECT_TRUE(bench.log.lines.empty());
}

TEST(AccessLog, ShedRequestsAreToldWithTheirTarget) {
  LoggedPool bench;
  bench.dispatch.room = 0;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/full"));
  bench.turn();
  ASSERT_EQ(bench.log.lines.size(), 1U);
  EXPECT_EQ(bench.log.lines[0].status, 503);
  EXPECT_EQ(bench.log.lines[0].target, "/full");
  EXPECT_EQ(bench.log.lines[0].bytes, peer->written.size());
}

TEST(AccessLog, AWorkersAnswerThatComesTooLateIsNone) {
  LoggedPool bench;
  auto gone = bench.io.connect();
  gone->to_server.push_back(get("/gone"));
  bench.turn();
  gone->reset = ECONNRESET;
  bench.loop.stop();
  bench.turn();
  bench.turn(Config().timeout_drain + 1ms);
  bench.dispatch.work();
  bench.io.waker().wake();
  bench.turn();
  EXPECT_TRUE(bench.loop.stopped());
  EXPECT_TRUE(bench.log.lines.empty());
}

TEST(AccessLog, WhatAWorkerIsLateWithIsToldOnceAsTheClientGotIt) {
  Config config;
  config.timeout_handler = 100ms;
  LoggedPool bench(config);
  auto slow = bench.io.connect();
  slow->to_server.push_back(get("/slow"));
  auto cut = bench.io.connect();
  cut->to_server.push_back(get("/stream?100000"));
  bench.turn();
  Job* late = bench.dispatch.begin();
  bench.dispatch.work();
  bench.io.waker().wake();
  bench.turn();
  Job* late_block = bench.dispatch.begin();
  bench.turn(101ms);
  bench.dispatch.end(late);
  bench.dispatch.end(late_block);
  bench.io.waker().wake();
  bench.turn();
  const std::vector<Line>& lines = bench.log.lines;
  ASSERT_EQ(lines.size(), 2U);
  const Line& of_slow = lines[0].status == 504 ? lines[0] : lines[1];
  const Line& of_cut = lines[0].status == 504 ? lines[1] : lines[0];
  EXPECT_EQ(of_slow.status, 504);
  EXPECT_EQ(of_slow.target, "/slow");
  EXPECT_EQ(of_slow.bytes, slow->written.size());
  EXPECT_EQ(of_cut.status, 200);
  EXPECT_EQ(of_cut.target, "/stream?100000");
  EXPECT_EQ(of_cut.bytes, cut->written.size());
}

// What costs nothing has no octets and no code.
static_assert(std::is_empty_v<AccessTrail<FakeIo, NoAccessLog>>);

}  // namespace
}  // namespace httpdyno
