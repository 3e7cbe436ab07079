// Bodies that a producer yields piece by piece: their framing, their order among other answers, and that a client
// which does not read is not produced for.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/http/response_parser.h"
#include "tests/server/loop_bench.h"

namespace httpdyno {
namespace {

struct Answer {
  http::ResponseHead head;
  std::string body;
  bool whole = false;
};

// What a client makes of the octets; `ended` when the stream has ended behind them.
std::vector<Answer> read_answers(std::string_view octets, bool ended = false, bool to_head = false) {
  std::vector<Answer> answers;
  http::ResponseParser parser;
  parser.start(to_head);
  Answer answer;
  while (!octets.empty() || !parser.at_start()) {
    http::ResponseStep step = parser.next(octets);
    if (step.event == http::ResponseEvent::more && octets.size() == step.consumed && ended)
      step = parser.end();
    octets.remove_prefix(step.consumed);
    if (step.event == http::ResponseEvent::head) answer.head = parser.head();
    if (step.event == http::ResponseEvent::body) answer.body.append(step.body);
    answer.whole = step.event == http::ResponseEvent::complete;
    EXPECT_TRUE(step.event != http::ResponseEvent::error || ended) << response_error_text(parser.error());
    if (step.event == http::ResponseEvent::head || step.event == http::ResponseEvent::body) continue;
    answers.push_back(std::exchange(answer, {}));
    if (!answers.back().whole) break;
    parser.start(to_head);
  }
  return answers;
}

// Turns until nothing more is written.
template <class SomeBench>
void turn_until_quiet(SomeBench& bench, const FakePeer& peer) {
  for (std::size_t before = SIZE_MAX; before != peer.written.size();) {
    before = peer.written.size();
    for (int i = 0; i < 3; ++i) {
      bench.turn();
      bench.work();
      bench.loop->check_invariants();
    }
  }
}

template <class SomeBench>
class Streaming : public testing::Test {};
using Benches = testing::Types<InlineBench, PoolBench>;
TYPED_TEST_SUITE(Streaming, Benches);

TYPED_TEST(Streaming, EachSizeArrivesInOrderAmongOtherAnswers) {
  for (const std::size_t size : {0UL, 1UL, 9'999UL, 10'000UL, 32'768UL, 65'536UL, 1'000'003UL}) {
    TypeParam bench;
    auto peer = bench.io.connect();
    const std::string query = "?" + std::to_string(size);
    peer->to_server.push_back(get("/a") + get("/stream" + query) + get("/b") + get("/stream-length" + query) +
                              get("/c"));
    bench.turn();
    turn_until_quiet(bench, *peer);
    const std::vector<Answer> answers = read_answers(peer->written);
    ASSERT_EQ(answers.size(), 5U) << size;
    EXPECT_EQ(answers[0].body, "/a");
    EXPECT_EQ(answers[1].body, App::streamed(size));
    EXPECT_EQ(answers[1].head.framing, http::BodyFraming::chunked);
    EXPECT_EQ(answers[2].body, "/b");
    EXPECT_EQ(answers[3].body, App::streamed(size));
    EXPECT_EQ(answers[3].head.framing, http::BodyFraming::length);
    EXPECT_EQ(answers[4].body, "/c");
    EXPECT_TRUE(answers[4].whole);
    EXPECT_FALSE(peer->server_closed);
  }
}

// RFC 9112 6.1: no transfer coding for HTTP/1.0; the end of the connection is the end of the body.
TYPED_TEST(Streaming, AnHttp10ClientReadsUntilTheConnectionEnds) {
  TypeParam bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back("GET /stream?100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  bench.turn();
  turn_until_quiet(bench, *peer);
  EXPECT_TRUE(peer->server_shut);
  const std::vector<Answer> answers = read_answers(peer->written, true);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].head.framing, http::BodyFraming::until_close);
  EXPECT_FALSE(answers[0].head.keep_alive);
  EXPECT_EQ(answers[0].body, App::streamed(100'000));
}

// Without chunks the end has no octets of its own; found by fuzz_connection.
TYPED_TEST(Streaming, AnEndWithoutOctetsLeavesNoBuffers) {
  TypeParam bench;
  for (const char* request :
       {"GET /stream?100000 HTTP/1.0\r\n\r\n", "GET /stream-length?100000 HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    auto peer = bench.io.connect();
    bench.turn();
    peer->to_server.push_back(request);
    turn_until_quiet(bench, *peer);
    EXPECT_FALSE(peer->server_closed);
    bench.loop->check_invariants();
  }
}

TYPED_TEST(Streaming, AnHttp10ClientKeepsTheConnectionWhenThereIsALength) {
  TypeParam bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back("GET /stream-length?100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" +
                            get("/next"));
  bench.turn();
  turn_until_quiet(bench, *peer);
  const std::vector<Answer> answers = read_answers(peer->written);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].head.framing, http::BodyFraming::length);
  EXPECT_EQ(answers[0].body, App::streamed(100'000));
}

TYPED_TEST(Streaming, HeadHasTheFramingAndNoContentAndNothingIsProduced) {
  TypeParam bench;
  auto peer = bench.io.connect();
  for (const char* path : {"/stream?5", "/stream-length?5"}) {
    peer->to_server.push_back("HEAD " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  bench.turn();
  turn_until_quiet(bench, *peer);
  const std::vector<Answer> answers = read_answers(peer->written, false, true);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(count(peer->written, "Transfer-Encoding: chunked\r\n"), 1);
  EXPECT_EQ(count(peer->written, "Content-Length: 5\r\n"), 1);
  EXPECT_TRUE(peer->written.ends_with("\r\n\r\n"));
  EXPECT_EQ(bench.pulls(), 0);
}

// The client must see that it is not whole: no last chunk, no full length, and the connection ends.
TYPED_TEST(Streaming, ABodyThatBreaksOffEndsTheConnectionWithoutItsEnd) {
  for (const char* path : {"/stream-throw?100000", "/stream-short?100000"}) {
    TypeParam bench;
    auto peer = bench.io.connect();
    peer->to_server.push_back(get("/before") + get(path) + get("/never"));
    bench.turn();
    turn_until_quiet(bench, *peer);
    EXPECT_TRUE(peer->server_shut) << path;
    EXPECT_FALSE(peer->server_closed) << path;  // or the answer before it could be lost
    peer->end = true;
    bench.turn();
    const std::vector<Answer> answers = read_answers(peer->written, true);
    ASSERT_EQ(answers.size(), 2U) << path;
    EXPECT_TRUE(answers[0].whole);
    EXPECT_FALSE(answers[1].whole);
    EXPECT_EQ(answers[1].body, App::streamed(100'000).substr(0, 30'000));
    EXPECT_EQ(bench.loop->stats().streams_cut.value(), 1U);
    EXPECT_EQ(bench.active(), 0U);
  }
}

// T8, T9: what is produced ahead of the client is bounded, and a client that takes nothing is evicted.
TYPED_TEST(Streaming, AClientThatDoesNotReadIsNotProducedFor) {
  TypeParam bench;
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/stream"));
  bench.turn();
  turn_until_quiet(bench, *peer);
  const int pulls = bench.pulls();
  EXPECT_GT(pulls, 0);
  EXPECT_LE(pulls, static_cast<int>(4 * kStreamBlockBytes / 10'000));
  for (int i = 0; i < 10; ++i) bench.turn();
  EXPECT_EQ(bench.pulls(), pulls);
  ASSERT_FALSE(bench.loop->turn(1s));
  EXPECT_GT(bench.io.last_wait(), 0ms) << "nothing to do, and yet it does not wait";
  peer->take = 50'000;
  bench.turn();
  turn_until_quiet(bench, *peer);
  EXPECT_EQ(peer->written.size(), 50'000U);
  EXPECT_GT(bench.pulls(), pulls);
  EXPECT_EQ(bench.active(), 1U);
  bench.turn(Config().timeout_write + 10ms);
  bench.turn();
  EXPECT_EQ(bench.active(), 0U);
  EXPECT_EQ(bench.loop->stats().timeouts_write.value(), 1U);
}

TYPED_TEST(Streaming, AnEndlessBodyDoesNotKeepOthersWaiting) {
  TypeParam bench;
  auto endless = bench.io.connect();
  endless->to_server.push_back(get("/stream"));
  bench.turn();
  auto other = bench.io.connect();
  other->to_server.push_back(get("/other"));
  for (int i = 0; i < 3; ++i) {
    bench.turn();
    bench.work();
  }
  EXPECT_TRUE(other->written.ends_with("/other"));
  EXPECT_FALSE(endless->server_closed);
  // Stopping cuts it at the drain deadline.
  bench.loop->stop();
  bench.turn();
  EXPECT_FALSE(bench.loop->stopped());
  bench.turn(Config().timeout_drain + 10ms);
  bench.turn();
  EXPECT_TRUE(endless->server_closed);
}

TYPED_TEST(Streaming, AClientThatGoesAwayIsNotProducedForAnyMore) {
  TypeParam bench;
  auto peer = bench.io.connect();
  peer->take = 100'000;
  peer->to_server.push_back(get("/stream"));
  bench.turn();
  turn_until_quiet(bench, *peer);
  EXPECT_EQ(peer->written.size(), 100'000U);
  peer->reset = EPIPE;
  peer->take = SIZE_MAX;
  bench.turn();
  turn_until_quiet(bench, *peer);
  EXPECT_EQ(bench.active(), 0U);
  const int pulls = bench.pulls();
  turn_until_quiet(bench, *peer);
  EXPECT_EQ(bench.pulls(), pulls);
}

// A job that had carried a request whose handler threw counted it again with each block that it carried later.
TEST(PooledStreaming, AHandlerThatThrewIsCountedOnce) {
  App app;
  Job job;
  RequestFrame frame{http::ParseLimits()};
  frame.bytes.append(get("/throw"));
  ASSERT_EQ(frame.parser->parse(frame.bytes.bytes()), http::RequestParser::Result::complete);
  job.frame = &frame;
  job.run(app);
  EXPECT_TRUE(job.threw);
  job.clear();
  job.run(app);  // a block of nothing
  EXPECT_FALSE(job.threw);
}

}  // namespace
}  // namespace httpdyno
