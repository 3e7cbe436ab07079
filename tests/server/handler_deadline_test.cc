// timeout_handler: what becomes of a request, a stream and their client when a worker takes too long, and of what
// it brings then.
#include <gtest/gtest.h>

#include <string>

#include "tests/server/loop_bench.h"

namespace httpdyno {
namespace {

constexpr Duration kDeadline = 100ms;

Config config_with_deadline() {
  Config config;
  config.timeout_handler = std::chrono::duration_cast<milliseconds>(kDeadline);
  return config;
}

struct Deadline : testing::Test {
  std::shared_ptr<FakePeer> ask(const std::string& octets) {
    auto peer = bench.io.connect();
    peer->to_server.push_back(octets);
    turn();
    return peer;
  }
  void turn(Duration passed = Duration::zero()) {
    bench.turn(passed);
    bench.loop->check_invariants();
  }
  // A worker is done with what it began, and the loop hears of it.
  void deliver(Job* job) {
    bench.dispatch.end(job);
    bench.io.waker().wake();
    turn();
  }
  const Stats& stats() const { return bench.loop->stats(); }

  PoolBench bench{config_with_deadline()};
};

TEST_F(Deadline, IsA504AndTheEndAndNotEarlier) {
  auto peer = ask(get("/slow") + get("/never"));
  turn(kDeadline - 1ms);
  EXPECT_EQ(peer->written, "");
  turn(2ms);
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 504 Gateway Timeout\r\n")) << peer->written;
  EXPECT_EQ(count(peer->written, "Connection: close\r\n"), 1);
  EXPECT_TRUE(peer->written.ends_with("504 Gateway Timeout: the handler did not answer in time\n"));
  EXPECT_TRUE(peer->server_shut);
  EXPECT_FALSE(peer->server_closed);  // it lingers: the client may still read
  EXPECT_EQ(stats().timeouts_handler.value(), 1U);
  peer->end = true;
  turn();
  EXPECT_TRUE(peer->server_closed);
  EXPECT_EQ(count(peer->written, "HTTP/1.1"), 1);
}

// The id is still the same, and the place is still taken.
TEST_F(Deadline, AnAnswerThatComesWhileTheConnectionLingersIsDropped) {
  auto peer = ask(get("/slow"));
  Job* slow = bench.dispatch.begin();
  turn(kDeadline + 1ms);
  const std::string before = peer->written;
  ASSERT_TRUE(peer->server_shut && !peer->server_closed);
  deliver(slow);
  EXPECT_EQ(peer->written, before);
  EXPECT_EQ(stats().stale_dropped.value(), 1U);
  EXPECT_EQ(stats().not_begun.value(), 0U);
  EXPECT_EQ(bench.loop->frames_in_use(), 0U);
}

TEST_F(Deadline, AnAnswerThatComesWhileThe504IsStillBeingSentIsDropped) {
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/slow"));
  turn();
  Job* slow = bench.dispatch.begin();
  turn(kDeadline + 1ms);
  deliver(slow);
  EXPECT_EQ(stats().stale_dropped.value(), 1U);
  peer->take = SIZE_MAX;
  turn();
  EXPECT_EQ(count(peer->written, "HTTP/1.1"), 1);
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 504 "));
}

TEST_F(Deadline, AnAnswerThatComesForTheNextUserOfThePlaceIsDropped) {
  auto first = ask(get("/first"));
  Job* late = bench.dispatch.begin();
  const std::uint32_t place = late->connection.index;
  turn(kDeadline + 1ms);
  first->end = true;
  turn();
  ASSERT_TRUE(first->server_closed);
  auto second = ask(get("/second"));
  Job* good = bench.dispatch.begin();
  ASSERT_EQ(good->connection.index, place);
  deliver(late);
  EXPECT_EQ(second->written, "");
  EXPECT_EQ(stats().stale_dropped.value(), 1U);
  deliver(good);
  EXPECT_EQ(count(second->written, "HTTP/1.1 200 OK"), 1);
  EXPECT_TRUE(second->written.ends_with("\r\n\r\n/second"));
}

TEST_F(Deadline, ARequestThatNoWorkerHasBegunIsNotRunAnyMore) {
  ask(get("/throw"));
  turn(kDeadline + 1ms);
  bench.work();
  EXPECT_EQ(stats().handler_exceptions.value(), 0U);
  EXPECT_EQ(stats().not_begun.value(), 1U);
  EXPECT_EQ(stats().stale_dropped.value(), 0U);
}

// The drain closes what it cuts: there is nobody to tell, and nothing to do.
TEST_F(Deadline, ARequestWhoseConnectionTheDrainHasCutIsNotRunAnyMore) {
  Config config;
  config.timeout_drain = milliseconds(50);
  PoolBench draining(config);
  auto peer = draining.io.connect();
  peer->to_server.push_back(get("/throw"));
  draining.turn();
  draining.loop->stop();
  draining.turn();
  draining.turn(51ms);
  EXPECT_TRUE(peer->server_closed);
  draining.work();
  EXPECT_EQ(peer->written, "");
  EXPECT_EQ(draining.loop->stats().handler_exceptions.value(), 0U);
  EXPECT_EQ(draining.loop->stats().not_begun.value(), 1U);
}

// What is there in time is never late because the loop was.
TEST_F(Deadline, AnAnswerThatIsThereWhenTheDeadlineIsLookedAtIsInTime) {
  auto peer = ask(get("/just"));
  bench.dispatch.work();
  bench.io.waker().wake();
  turn(kDeadline + 10s);
  EXPECT_TRUE(peer->written.ends_with("\r\n\r\n/just")) << peer->written;
  EXPECT_EQ(stats().timeouts_handler.value(), 0U);
}

TEST_F(Deadline, EachRequestOfAConnectionHasItsOwn) {
  auto peer = ask(get("/1") + get("/2") + get("/3"));
  for (const char* path : {"/1", "/2"}) {
    turn(kDeadline - 10ms);
    EXPECT_EQ(bench.dispatch.work(), path);
    bench.io.waker().wake();
    turn();
    turn();  // the answer is held back for the next one until nothing comes
    EXPECT_TRUE(peer->written.ends_with(path));
  }
  turn(kDeadline + 1ms);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 200 OK"), 2);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 504 "), 1);
  EXPECT_GT(peer->written.find("HTTP/1.1 504 "), peer->written.find("\r\n\r\n/2"));
}

// What stands behind the request may already be a request of another method.
TEST_F(Deadline, The504ToAHeadHasNoContentAndThatToAGetBeforeOneHas) {
  const std::string head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
  auto to_head = ask(head + get("/next"));
  auto to_get = ask(get("/slow") + head);
  turn(kDeadline + 1ms);
  EXPECT_TRUE(to_head->written.starts_with("HTTP/1.1 504 "));
  EXPECT_TRUE(to_head->written.ends_with("\r\n\r\n")) << to_head->written;
  EXPECT_NE(to_head->written.find("Content-Length: 56\r\n"), std::string::npos) << to_head->written;
  EXPECT_TRUE(to_get->written.ends_with("in time\n")) << to_get->written;
}

TEST_F(Deadline, AStopWaitsNoLongerForAHandlerThanItsDeadline) {
  auto peer = ask(get("/slow"));
  bench.loop->stop();
  turn(kDeadline + 1ms);
  turn();
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 504 ")) << peer->written;
  peer->end = true;
  turn();
  EXPECT_TRUE(bench.loop->stopped());
  bench.work();
}

// The first block is part of the answer: without it there is nothing to send yet.
TEST_F(Deadline, AStreamThatHasNotBegunIsA504) {
  auto peer = ask(get("/stream"));
  Job* slow = bench.dispatch.begin();
  turn(kDeadline + 1ms);
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 504 "));
  EXPECT_EQ(stats().streams_cut.value(), 0U);
  deliver(slow);
  EXPECT_EQ(stats().stale_dropped.value(), 1U);
}

TEST_F(Deadline, AStreamWhoseNextBlockIsLateIsCut) {
  auto peer = ask(get("/before") + get("/stream?100000") + get("/never"));
  bench.dispatch.work();
  bench.io.waker().wake();
  turn();
  turn(kDeadline - 10ms);
  bench.dispatch.work();
  bench.io.waker().wake();
  turn();  // the head and the first block are there, and another is asked for
  ASSERT_EQ(bench.dispatch.queued.size(), 1U);
  Job* slow = bench.dispatch.begin();
  turn(kDeadline - 1ms);
  EXPECT_FALSE(peer->server_shut);  // each block has its own time
  const std::string before = peer->written;
  turn(2ms);
  EXPECT_TRUE(peer->server_shut);
  EXPECT_FALSE(peer->server_closed);
  deliver(slow);
  EXPECT_EQ(peer->written, before);
  EXPECT_EQ(count(before, "HTTP/1.1 200 OK"), 2);
  EXPECT_FALSE(before.ends_with("\r\n0\r\n\r\n"));
  EXPECT_EQ(stats().streams_cut.value(), 1U);
  EXPECT_EQ(stats().timeouts_handler.value(), 1U);
  EXPECT_EQ(stats().stale_dropped.value(), 1U);
  peer->end = true;
  turn();
  EXPECT_EQ(bench.active(), 0U);
}

// Whoever does not read is evicted as ever, whatever the worker does meanwhile; and that is no time of a handler's.
TEST_F(Deadline, AStreamThatWaitsForItsReaderHasNone) {
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/stream"));
  turn();
  for (int i = 0; i < 10; ++i) bench.work();
  ASSERT_TRUE(bench.dispatch.queued.empty());
  turn(Config().timeout_write - 100ms);
  EXPECT_EQ(stats().timeouts_handler.value(), 0U);
  EXPECT_EQ(bench.active(), 1U);
  turn(200ms);
  turn();
  EXPECT_EQ(stats().timeouts_write.value(), 1U);
  EXPECT_EQ(bench.active(), 0U);
}

}  // namespace
}  // namespace httpdyno
