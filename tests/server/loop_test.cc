// The loop over a backend without a kernel: every deadline and every order of events, in no time at all.
#include "server/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/server/loop_bench.h"

namespace httpdyno {
namespace {

TEST(Loop, AnswersAndKeepsTheConnection) {
  InlineBench bench;
  auto peer = bench.io.connect();
  bench.turn();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(peer->written.ends_with("Connection: keep-alive\r\n\r\n/a")) << peer->written;
  EXPECT_NE(peer->written.find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_NE(peer->written.find("\r\nDate: "), std::string::npos);
  peer->to_server.push_back(get("/b"));
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("\r\n\r\n/b"));
  EXPECT_EQ(bench.loop->stats().accepted.value(), 1U);
  EXPECT_EQ(bench.loop->stats().requests.value(), 2U);
}

// A4, T11: at each position, and octet by octet, the same answers.
TEST(Loop, ASplitRequestGetsTheSameAnswer) {
  const std::string input =
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/second") +
      "POST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  const auto answer = [&](const std::vector<std::string>& pieces) {
    InlineBench bench;
    auto peer = bench.io.connect();
    for (const std::string& piece : pieces) {
      peer->to_server.push_back(piece);
      bench.turn();
    }
    std::string written = peer->written;
    // A second may end between two of them.
    constexpr std::string_view kDate = "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT";
    for (std::size_t at = 0; (at = written.find("\r\nDate: ", at)) != std::string::npos;)
      written.erase(at, kDate.size());
    return written;
  };
  const std::string whole = answer({input});
  EXPECT_EQ(count(whole, "HTTP/1.1 200 OK"), 3);
  EXPECT_TRUE(whole.ends_with("\r\n\r\nabcde"));
  for (std::size_t at = 1; at < input.size(); ++at) {
    ASSERT_EQ(answer({input.substr(0, at), input.substr(at)}), whole) << "split at " << at;
  }
  std::vector<std::string> octets;
  for (char c : input) octets.emplace_back(1, c);
  EXPECT_EQ(answer(octets), whole);
}

TEST(Loop, PipelinedAnswersLeaveInOneSend) {
  InlineBench bench;
  auto peer = bench.io.connect();
  std::string input;
  for (int i = 0; i < 16; ++i) input += get("/" + std::to_string(i));
  peer->to_server.push_back(input);
  bench.turn();
  std::size_t at = 0;
  for (int i = 0; i < 16; ++i) {
    at = peer->written.find("\r\n\r\n/" + std::to_string(i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

// P20, T8: more in one read than a turn may serve; each turn has its share, and nothing is lost or doubled.
TEST(Loop, AThousandPipelinedRequestsTakeSeveralTurns) {
  InlineBench bench;
  auto peer = bench.io.connect();
  std::string input;
  for (int i = 0; i < 1000; ++i) input += get("/" + std::to_string(i) + "x");
  peer->to_server.push_back(input);
  bench.turn();
  EXPECT_EQ(bench.loop->stats().requests.value(), Config().requests_per_turn);
  for (int i = 0; i < 4; ++i) bench.turn();
  EXPECT_EQ(count(peer->written, "HTTP/1.1 200 OK"), 1000);
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = peer->written.find("\r\n\r\n/" + std::to_string(i) + "x", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_EQ(bench.io.last_wait(), 0ms);
}

TEST(Loop, AClientThatDoesNotReadIsNoLongerReadAndThenEvicted) {
  Config config;
  config.output_bytes_max = 250'000;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->take = 0;
  for (int i = 0; i < 50; ++i) peer->to_server.push_back(get("/big"));
  bench.turn();
  // Two fit below the bound, the third crosses it, and no more are served or read.
  EXPECT_EQ(bench.loop->stats().requests.value(), 3U);
  EXPECT_FALSE(peer->reading);
  EXPECT_GE(peer->to_server.size(), 46U);
  bench.turn(config.timeout_write - 2ms);
  EXPECT_FALSE(peer->server_closed);
  bench.turn(4ms);
  EXPECT_TRUE(peer->server_closed);
  EXPECT_EQ(bench.loop->stats().timeouts_write.value(), 1U);
  EXPECT_EQ(bench.active(), 0U);
}

TEST(Loop, ASlowReaderThatProgressesGetsEverything) {
  Config config;
  config.output_bytes_max = 50'000;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->take = 10'000;
  for (int i = 0; i < 5; ++i) peer->to_server.push_back(get("/big"));
  for (int i = 0; i < 60; ++i) {
    bench.turn(config.timeout_write - 10ms);
    peer->take = 10'000;
  }
  EXPECT_EQ(count(peer->written, "HTTP/1.1 200"), 5);
  const std::string body(100'000, 'b');
  std::size_t at = 0;
  for (int i = 0; i < 5; ++i) {
    at = peer->written.find("\r\n\r\n", at) + 4;
    EXPECT_EQ(peer->written.compare(at, body.size(), body), 0) << i;
    at += body.size();
  }
  EXPECT_EQ(at, peer->written.size());
}

// The kernel's queue is emptied although it reports no room yet: that is progress, too.
TEST(Loop, AReaderWhoseProgressOnlyTheKernelSeesIsNotCut) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/a"));
  bench.turn();
  for (int i = 0; i < 5; ++i) {
    peer->acknowledged = 1;
    bench.turn(Config().timeout_write + 1ms);
    EXPECT_FALSE(peer->server_closed);
  }
  bench.turn(Config().timeout_write + 1ms);
  EXPECT_TRUE(peer->server_closed);
}

// Descriptors ran out, and meanwhile every place was taken: the timer must not accept one more than fits.
TEST(Loop, TheAcceptTimerDoesNotOverfillTheTable) {
  Config config;
  config.max_conn = 2;
  InlineBench bench(config);
  auto first = bench.io.connect();
  bench.turn();
  bench.io.fail_accept(EMFILE);
  bench.turn();
  first->end = true;
  auto second = bench.io.connect();
  auto third = bench.io.connect();
  auto fourth = bench.io.connect();
  bench.turn();
  EXPECT_EQ(bench.active(), 2U);
  bench.turn(kAcceptRetry + 1ms);
  bench.turn();
  EXPECT_EQ(bench.active(), 2U);
}

TEST(Loop, ARefusedHeadRequestHasNoContent) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back("HEAD / HTTP/1.1\r\n\r\n");
  bench.turn();
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(peer->written.ends_with("\r\n\r\n")) << peer->written;
}

// A client that sends on without reading must not push its write deadline away.
TEST(Loop, MoreRequestsDoNotExtendTheWriteDeadline) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/a"));
  bench.turn();
  for (int i = 0; i < 60; ++i) {
    peer->to_server.push_back("G");
    bench.turn(100ms);
  }
  EXPECT_TRUE(peer->server_closed);
}

// A8, P32: from the request's first octet; progress does not extend it. 408, then the end.
TEST(Loop, ADripDoesNotExtendTheRequestDeadline) {
  Config config;
  config.timeout_request = 1000ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  bench.turn();
  const std::string drip = get("/" + std::string(100, 'a'));
  for (int i = 0; i < 9; ++i) {
    peer->to_server.push_back(drip.substr(static_cast<std::size_t>(i), 1));
    bench.turn(100ms);
  }
  EXPECT_EQ(peer->written, "");
  peer->to_server.push_back("x");
  bench.turn(300ms);
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << peer->written;
  EXPECT_NE(peer->written.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(peer->server_shut);
  EXPECT_FALSE(peer->server_closed);  // lingering: the client may still read
  peer->end = true;
  bench.turn();
  EXPECT_TRUE(peer->server_closed);
}

TEST(Loop, TheDeadlineOfALaterRequestCountsFromItsOwnFirstOctet) {
  Config config;
  config.timeout_request = 1000ms;
  config.timeout_keepalive = 60'000ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  for (int i = 0; i < 2; ++i) {
    peer->to_server.push_back(get("/a"));
    bench.turn(900ms);
  }
  bench.turn(30s);
  peer->to_server.push_back("GET ");
  bench.turn();
  bench.turn(990ms);
  EXPECT_EQ(count(peer->written, "408"), 0);
  bench.turn(20ms);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 408"), 1);
}

// A9: idle after an answer is the end, not earlier, and without a word.
TEST(Loop, AnIdleConnectionIsClosedSilently) {
  Config config;
  config.timeout_keepalive = 2000ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  bench.turn();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  const std::string before = peer->written;
  bench.turn(1999ms);
  EXPECT_FALSE(peer->server_closed);
  bench.turn(2ms);
  EXPECT_TRUE(peer->server_closed);
  EXPECT_EQ(peer->written, before);
  EXPECT_EQ(bench.loop->stats().timeouts_keepalive.value(), 1U);
}

// Found by seed 290586 of the simulated world.
TEST(Loop, AnEmptyLineBehindAnAnswerThatTakesLongEndsNothing) {
  Config config;
  config.timeout_request = 100ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/a") + "\r\n");
  bench.turn();
  bench.turn(150ms);
  peer->take = SIZE_MAX;
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("/a"));
  bench.turn(90ms);
  EXPECT_FALSE(peer->server_closed);
  bench.turn(20ms);
  EXPECT_TRUE(peer->server_closed);
}

TEST(Loop, AConnectionThatNeverSaysAnythingIsClosedSilently) {
  InlineBench bench;
  auto peer = bench.io.connect();
  bench.turn();
  bench.turn(Config().timeout_request + 1ms);
  EXPECT_TRUE(peer->server_closed);
  EXPECT_EQ(peer->written, "");
}

// P31: many deadlines, each at its own time and none lost.
TEST(Loop, EachConnectionHasItsOwnDeadline) {
  Config config;
  config.timeout_request = 300ms;
  InlineBench bench(config);
  std::vector<std::shared_ptr<FakePeer>> peers;
  std::vector<int> answered_at(10, -1);
  for (int now = 0; now < 600; ++now) {
    if (now % 20 == 0 && now < 200) {
      peers.push_back(bench.io.connect());
      peers.back()->to_server.push_back("GET ");
    }
    bench.turn(1ms);
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (answered_at[i] < 0 && !peers[i]->written.empty()) answered_at[i] = now;
    }
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_GE(answered_at[static_cast<std::size_t>(i)], 300 + 20 * i) << i;
    EXPECT_LE(answered_at[static_cast<std::size_t>(i)], 302 + 20 * i) << i;
  }
}

// P33: what arrived in time is served, however late we look.
TEST(Loop, DeadlinesAreCheckedAfterTheInput) {
  Config config;
  config.timeout_request = 100ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->to_server.push_back("GET /late HTTP/1.1\r\n");
  bench.turn();
  peer->to_server.push_back("Host: a\r\n\r\n");
  bench.turn(10s);
  EXPECT_TRUE(peer->written.ends_with("/late"));
}

// A15.
TEST(Loop, TheRequestCapEndsTheConnection) {
  Config config;
  config.request_count = 3;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/1") + get("/2") + get("/3") + get("/4"));
  bench.turn();
  EXPECT_EQ(count(peer->written, "Connection: keep-alive"), 2);
  EXPECT_EQ(count(peer->written, "Connection: close"), 1);
  EXPECT_TRUE(peer->written.ends_with("/3"));
  EXPECT_TRUE(peer->server_shut);
  EXPECT_EQ(bench.loop->stats().requests.value(), 3U);
}

TEST(Loop, RefusalsSayCloseAndLinger) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/first") + "GET / HTTP/1.1\r\n\r\n" + get("/never"));
  bench.turn();
  EXPECT_EQ(count(peer->written, "HTTP/1.1 200"), 1);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 400"), 1);
  EXPECT_EQ(count(peer->written, "/never"), 0);
  EXPECT_TRUE(peer->server_shut);
  // What comes now is thrown away, and the peer's end is awaited, but not for ever.
  peer->to_server.push_back(std::string(50'000, 'x'));
  bench.turn();
  EXPECT_FALSE(peer->server_closed);
  bench.turn(Config().timeout_linger + 1ms);
  EXPECT_TRUE(peer->server_closed);
  EXPECT_EQ(bench.loop->stats().timeouts_linger.value(), 1U);
}

TEST(Loop, AHandlerThatThrowsIsA500AndTheConnectionGoesOn) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/throw") + get("/throw-int") + get("/after"));
  bench.turn();
  EXPECT_EQ(count(peer->written, "HTTP/1.1 500 Internal Server Error"), 2);
  EXPECT_TRUE(peer->written.ends_with("/after"));
  EXPECT_EQ(bench.loop->stats().handler_exceptions.value(), 2U);
}

// T32: half-closed after the request: the answer still comes, then the end.
TEST(Loop, AHalfClosedClientIsAnswered) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a") + "GET /unfinished");
  peer->end = true;
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("/a"));
  EXPECT_TRUE(peer->server_closed);
  EXPECT_EQ(bench.active(), 0U);
}

TEST(Loop, AResetConnectionIsForgotten) {
  InlineBench bench;
  auto peer = bench.io.connect();
  bench.turn();
  peer->to_server.push_back("GET /unf");
  bench.turn();
  peer->reset = ECONNRESET;
  bench.turn();
  EXPECT_EQ(bench.active(), 0U);
}

TEST(Loop, ExpectContinueIsAnsweredOnceAndOnlyWhenTheBodyIsAwaited) {
  InlineBench bench;
  auto peer = bench.io.connect();
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
  peer->to_server.push_back(head);
  bench.turn();
  EXPECT_EQ(peer->written, "HTTP/1.1 100 Continue\r\n\r\n");
  peer->to_server.push_back("ab");
  bench.turn();
  peer->to_server.push_back("cd");
  bench.turn();
  EXPECT_EQ(count(peer->written, "100 Continue"), 1);
  EXPECT_TRUE(peer->written.ends_with("abcd"));
  peer->to_server.push_back(head + "a");
  bench.turn();
  EXPECT_EQ(count(peer->written, "100 Continue"), 1);
}

TEST(Loop, AtMaxConnFurtherConnectionsWaitAndAreServedLater) {
  Config config;
  config.max_conn = 2;
  InlineBench bench(config);
  auto one = bench.io.connect();
  auto two = bench.io.connect();
  auto three = bench.io.connect();
  three->to_server.push_back(get("/three"));
  bench.turn();
  bench.turn();
  EXPECT_EQ(bench.active(), 2U);
  EXPECT_EQ(three->written, "");
  one->end = true;
  bench.turn();
  EXPECT_TRUE(three->written.ends_with("/three"));
}

// T21: no spin while there are no descriptors; a closed connection or the timer tries again.
TEST(Loop, AFailedAcceptIsTriedAgainLater) {
  InlineBench bench;
  bench.turn();
  bench.io.fail_accept(EMFILE);
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  EXPECT_EQ(peer->written, "");
  EXPECT_EQ(bench.loop->stats().accept_errors.value(), 1U);
  bench.turn(kAcceptRetry + 1ms);
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("/a"));
}

TEST(Loop, WaitsUntilTheNextDeadlineAndNoLonger) {
  InlineBench bench;
  ASSERT_FALSE(bench.loop->turn(10s));
  EXPECT_EQ(bench.io.last_wait(), 10s);
  bench.io.connect();
  ASSERT_FALSE(bench.loop->turn(10s));
  ASSERT_FALSE(bench.loop->turn(10s));
  EXPECT_LE(bench.io.last_wait(), Config().timeout_request + 1ms);
}

// B4: a declared length is made room for in one step; B5: the next upload finds the room there.
TEST(Loop, ADeclaredBodyGrowsTheBufferOnce) {
  Config config;
  config.read_buf_cap = 64 << 20;
  InlineBench bench(config);
  const std::string body(10'000'000, 'u');
  const std::string input =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  std::uint64_t growths = 0;
  for (int round = 0; round < 3; ++round) {
    auto peer = bench.io.connect();
    for (std::size_t at = 0; at < input.size(); at += 65536)
      peer->to_server.push_back(input.substr(at, 65536));
    bench.turn();
    EXPECT_TRUE(peer->written.ends_with("\r\n\r\n" + body)) << peer->written.size();
    EXPECT_LE(bench.loop->stats().buffer_growths.value(), round == 0 ? 1U : growths);
    growths = bench.loop->stats().buffer_growths.value();
    peer->end = true;
    bench.turn();
  }
}

TEST(Loop, ASocketThatCannotBeAttachedLeavesItsPlaceToTheNext) {
  Config config;
  config.max_conn = 1;
  InlineBench bench(config);
  bench.io.fail_attach(ENOMEM);
  auto lost = bench.io.connect();
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  EXPECT_TRUE(lost->server_closed);
  EXPECT_TRUE(peer->written.ends_with("/a"));
  EXPECT_EQ(bench.loop->stats().accept_errors.value(), 1U);
  EXPECT_EQ(bench.active(), 1U);
}

// The deadline is the client's: what had arrived by then counts, although the loop gets to it later.
TEST(Loop, WhatHadArrivedAtTheDeadlineIsInTime) {
  Config config;
  config.timeout_request = 100ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->to_server.push_back("GET /a HTTP/1.1\r\n");
  bench.turn();
  peer->held = true;
  peer->to_server.push_back("Host: a\r\n\r\n");
  bench.turn(200ms);
  EXPECT_EQ(peer->written, "");
  peer->held = false;
  bench.turn(10ms);
  EXPECT_TRUE(peer->written.starts_with("HTTP/1.1 200 OK\r\n")) << peer->written;
  EXPECT_EQ(bench.loop->stats().timeouts_request.value(), 0U);
}

// --- stopping ---

TEST(Stop, IdleConnectionsGoAtOnceAndNobodyNewComes) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  bench.loop->stop();
  bench.turn();
  EXPECT_TRUE(peer->server_closed);
  EXPECT_FALSE(bench.io.listening());
  EXPECT_TRUE(bench.loop->stopped());
}

// P21 (a), P42: what is in flight is answered, and the answer says close although it was dispatched before.
TEST(Stop, RequestsInFlightAreAnsweredWithClose) {
  PoolBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a") + get("/b"));
  bench.turn();
  bench.loop->stop();
  bench.turn();
  EXPECT_FALSE(bench.loop->stopped());
  bench.work();
  EXPECT_NE(peer->written.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(peer->written.ends_with("/a"));  // and no second request is begun
  peer->end = true;
  bench.turn();
  EXPECT_TRUE(bench.loop->stopped());
}

TEST(Stop, AnUnfinishedRequestMayStillArrive) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back("GET /a HTTP/1.1\r\n");
  bench.turn();
  bench.loop->stop();
  bench.turn();
  peer->to_server.push_back("Host: a\r\n\r\n");
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("Connection: close\r\n\r\n/a"));
}

// Closing with unread input resets the connection, and the client would lose what it has not read yet.
TEST(Stop, ARequestThatHasArrivedIsAnswered) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/a"));
  bench.turn();
  peer->to_server.push_back(get("/b"));
  bench.loop->stop();
  bench.turn();
  EXPECT_TRUE(peer->written.ends_with("Connection: close\r\n\r\n/b"));
  EXPECT_FALSE(peer->server_closed);
  peer->end = true;
  bench.turn();
  EXPECT_TRUE(bench.loop->stopped());
}

// So does input that comes after the close: while the client has not got its last answer, its side is waited for.
TEST(Stop, AnAnswerThatIsOnItsWayArrivesWhateverTheClientSaysMeanwhile) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back(get("/big"));
  bench.turn();
  peer->unsent = 70'000;
  bench.loop->stop();
  bench.turn();
  EXPECT_TRUE(peer->server_shut);
  EXPECT_FALSE(peer->server_closed);
  peer->to_server.push_back(get("/b"));
  bench.turn();
  EXPECT_FALSE(peer->server_closed);
  EXPECT_TRUE(peer->written.ends_with('b'));  // the big answer's end: nothing else was said
  peer->unsent = 0;
  peer->end = true;
  bench.turn();
  EXPECT_TRUE(bench.loop->stopped());
}

TEST(Stop, TheDrainIsWaitedForAndNotSpunThrough) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->to_server.push_back("GET /a HTTP/1.1\r\n");
  bench.turn();
  bench.loop->stop();
  ASSERT_FALSE(bench.loop->turn(10s));
  ASSERT_FALSE(bench.loop->turn(10s));
  EXPECT_GT(bench.io.last_wait(), 100ms);
}

TEST(Stop, TheDrainDeadlineCutsTheRest) {
  InlineBench bench;
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/a"));
  bench.turn();
  bench.loop->stop();
  bench.turn();
  EXPECT_FALSE(bench.loop->stopped());
  bench.turn(Config().timeout_drain + 1ms);
  EXPECT_TRUE(peer->server_closed);
  EXPECT_TRUE(bench.loop->stopped());
}

TEST(Stop, DestroyingALoopWithEverythingInFlightLeaksNothing) {
  PoolBench bench;
  auto handling = bench.io.connect();
  auto partial = bench.io.connect();
  auto stuck = bench.io.connect();
  stuck->take = 0;
  stuck->to_server.push_back("GET / HTTP/1.1\r\n\r\n");
  handling->to_server.push_back(get("/a") + get("/b"));
  partial->to_server.push_back("GET /");
  bench.turn();
  bench.loop.reset();  // LeakSanitizer is the judge
}

}  // namespace
}  // namespace httpdyno
