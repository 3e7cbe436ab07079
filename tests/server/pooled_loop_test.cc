// The loop with workers, played by the test: a connection whose request is with one of them.
#include <gtest/gtest.h>

#include <string>

#include "tests/server/loop_bench.h"

namespace httpdyno {
namespace {

TEST(PooledLoop, AnswersOneRequestAtATimeInOrder) {
  PoolBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/1") + get("/2") + get("/3"));
  bench.turn();
  EXPECT_EQ(bench.dispatch.queued.size(), 1U);  // P10: never two of one connection
  EXPECT_FALSE(peer->reading);
  for (const char* path : {"/1", "/2", "/3"}) {
    EXPECT_EQ(bench.dispatch.work(), path);
    bench.io.waker().wake();
    bench.turn();
    bench.turn();
    EXPECT_TRUE(peer->written.ends_with(path));
  }
  EXPECT_TRUE(peer->reading);
}

// Pipelined answers share a send while they come one after the other, but none waits for a handler that takes long.
TEST(PooledLoop, AnAnswerIsHeldBackForTheNextOneButNotForLong) {
  PoolBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/1") + get("/2") + get("/3") + get("/4"));
  bench.turn();
  const auto answer_next = [&] {
    bench.dispatch.work();
    bench.io.waker().wake();
    bench.turn();
  };
  answer_next();
  answer_next();
  EXPECT_EQ(peer->written, "") << "the third is with a worker";
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("/2")) << "nothing came meanwhile";
  answer_next();
  EXPECT_TRUE(peer->written.ends_with("/2"));
  answer_next();
  EXPECT_TRUE(peer->written.ends_with("/4")) << "no other is to come";
}

// C4, P3: what comes while a worker has the request stays with the kernel.
TEST(PooledLoop, AFrozenConnectionReadsNothing) {
  PoolBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/slow"));
  bench.turn();
  const std::uint64_t before = bench.loop->stats().bytes_received.value();
  peer->to_server.push_back(get("/next"));
  bench.turn();
  EXPECT_EQ(bench.loop->stats().bytes_received.value(), before);
  bench.work();
  bench.work();
  EXPECT_TRUE(peer->written.ends_with("/next"));
}

// P5: a worker's time is not the client's; deadlines start anew when the answer is there.
TEST(PooledLoop, AFrozenConnectionIsNotEvicted) {
  Config config;
  config.timeout_request = 150ms;
  config.timeout_keepalive = 150ms;
  PoolBench bench(config);
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/slow") + "GET /part");
  bench.turn();
  bench.turn(10s);
  EXPECT_FALSE(peer->server_closed);
  bench.work();
  EXPECT_TRUE(peer->written.ends_with("/slow"));
  bench.turn(140ms);
  EXPECT_FALSE(peer->server_shut);
  peer->to_server.push_back("ial HTTP/1.1\r\nHost: a\r\n\r\n");
  bench.turn();
  bench.work();
  EXPECT_TRUE(peer->written.ends_with("/partial"));
}

// P11, P12: the backlog is full: 503 after the earlier answers, the end, and nothing behind it.
TEST(PooledLoop, AFullBacklogSheds) {
  PoolBench bench;
  bench.dispatch.room = 1;
  auto first = bench.io.connect();
  auto second = bench.io.connect();
  first->to_server.push_back(get("/first"));
  second->to_server.push_back(get("/a") + get("/b"));
  bench.turn();
  EXPECT_TRUE(second->written.starts_with("HTTP/1.1 503 Service Unavailable\r\n")) << second->written;
  EXPECT_NE(second->written.find("Connection: close"), std::string::npos);
  EXPECT_NE(second->written.find("Retry-After: 1"), std::string::npos);
  EXPECT_EQ(count(second->written, "HTTP/1.1"), 1);
  EXPECT_TRUE(second->server_shut);
  EXPECT_EQ(bench.loop->stats().shed.value(), 1U);
  bench.work();
  EXPECT_TRUE(first->written.ends_with("/first"));
}

// P13: what is shed leaves nothing behind; LeakSanitizer is the other judge.
TEST(PooledLoop, TenThousandShedsLeaveNothing) {
  PoolBench bench;
  bench.dispatch.room = 0;
  const std::string body(2000, 'b');
  for (int i = 0; i < 10'000; ++i) {
    auto peer = bench.io.connect();
    peer->to_server.push_back(get("/a") + "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n" +
                              body);
    peer->end = true;
    bench.turn();
    ASSERT_TRUE(peer->server_closed) << i;
  }
  EXPECT_EQ(bench.loop->stats().shed.value(), 10'000U);
  EXPECT_EQ(bench.active(), 0U);
  EXPECT_EQ(bench.loop->frames_in_use(), 0U);
  bench.loop->check_invariants();
  bench.dispatch.room = 1;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/after"));
  bench.turn();
  bench.work();
  EXPECT_TRUE(peer->written.ends_with("/after"));
}

// P22: workers are done, and the loop goes before it has fetched what they brought.
TEST(PooledLoop, AnswersThatNobodyFetchesLeakNothing) {
  PoolBench bench;
  for (int i = 0; i < 3; ++i) bench.io.connect()->to_server.push_back(get("/big") + get("/next"));
  bench.turn();
  for (int i = 0; i < 2; ++i) bench.dispatch.end(bench.dispatch.begin());
  bench.loop.reset();
  EXPECT_EQ(bench.dispatch.completed.size(), 2U);
  EXPECT_EQ(bench.dispatch.queued.size(), 1U);
}

// P1 (b): the connection is cut while a worker has its request, and another takes its place.
TEST(PooledLoop, AStaleAnswerReachesNobody) {
  Config config;
  config.timeout_drain = 100ms;
  config.max_conn = 1;
  PoolBench bench(config);
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/stale"));
  bench.turn();
  Job* stale = bench.dispatch.begin();
  bench.loop->stop();
  bench.turn();
  bench.turn(101ms);
  EXPECT_TRUE(peer->server_closed);
  bench.dispatch.end(stale);
  bench.work();
  EXPECT_EQ(peer->written, "");
  EXPECT_EQ(bench.loop->stats().stale_dropped.value(), 1U);
}

// P27: a client that went away while its request was handled is noticed when the answer is sent.
TEST(PooledLoop, AClientThatLeftIsForgottenAfterItsAnswer) {
  PoolBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  peer->reset = ECONNRESET;
  bench.turn();
  EXPECT_EQ(bench.active(), 1U);
  bench.work();
  EXPECT_EQ(bench.active(), 0U);
}

TEST(PooledLoop, AHalfClosedClientIsAnswered) {
  PoolBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a"));
  peer->end = true;
  bench.turn();
  bench.work();
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("/a"));
  EXPECT_TRUE(peer->server_closed);
}

}  // namespace
}  // namespace httpdyno
