// Each bound of server/knobs.def that a connection or a request has: met, and one beyond it.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/server/loop_bench.h"

namespace httpdyno {
namespace {

std::string get_of(std::size_t bytes) {
  const std::string bare = get("/", "X: \r\n");
  return get("/", "X: " + std::string(bytes - bare.size(), 'v') + "\r\n");
}

// Sends the octets whole and one at a time; both must lead to the same status.
int status_of(const Config& config, const std::string& octets) {
  int statuses[2]{};
  for (const bool split : {false, true}) {
    InlineBench bench(config);
    auto peer = bench.io.connect();
    if (!split) peer->to_server.push_back(octets);
    for (std::size_t i = 0; split && i < octets.size(); ++i) peer->to_server.push_back(octets.substr(i, 1));
    bench.turn();
    if (peer->written.size() > 12) statuses[split] = std::stoi(peer->written.substr(9, 3));
  }
  EXPECT_EQ(statuses[0], statuses[1]) << octets.substr(0, 100);
  return statuses[0];
}

TEST(Bounds, Head) {
  Config config;
  config.head_bytes_max = 300;
  EXPECT_EQ(status_of(config, get_of(300)), 200);
  EXPECT_EQ(status_of(config, get_of(301)), 431);
  // What is wrong behind the bound is not looked at, however it arrives.
  EXPECT_EQ(status_of(config, get_of(400) + "\x01"), 431);
  EXPECT_EQ(status_of(config, get("/", "X: " + std::string(300, 'v') + "\x01\r\n")), 431);
}

TEST(Bounds, Field) {
  Config config;
  config.field_bytes_max = 50;
  EXPECT_EQ(status_of(config, get("/", "X: " + std::string(47, 'v') + "\r\nY: z\r\n")), 200);
  EXPECT_EQ(status_of(config, get("/", "X: " + std::string(48, 'v') + "\r\nY: z\r\n")), 431);
  EXPECT_EQ(status_of(config, get("/", std::string(50, 'x') + "\r\n")), 400);
  EXPECT_EQ(status_of(config, get("/", std::string(51, 'x') + "\r\n")), 431);
  EXPECT_EQ(status_of(config, get("/", std::string(51, 'x') + "\x01\r\n")), 431);
}

TEST(Bounds, BodyWithALengthAndInChunks) {
  Config config;
  config.body_bytes_max = 10;
  const auto post = [](std::size_t bytes) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
           std::string(bytes, 'b');
  };
  EXPECT_EQ(status_of(config, post(10)), 200);
  EXPECT_EQ(status_of(config, post(11)), 413);
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbbbbbb\r\n";
  EXPECT_EQ(status_of(config, chunked + "4\r\nbbbb\r\n0\r\n\r\n"), 200);
  EXPECT_EQ(status_of(config, chunked + "5\r\nbbbbb\r\n0\r\n\r\n"), 413);
  config.body_bytes_max = 0;
  EXPECT_EQ(status_of(config, post(0)), 200);
  EXPECT_EQ(status_of(config, post(1)), 413);
}

TEST(Bounds, RequestsOfATurn) {
  Config config;
  config.requests_per_turn = 3;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  std::string input;
  for (int i = 0; i < 10; ++i) input += get("/");
  peer->to_server.push_back(input);
  for (int turn = 1; turn <= 4; ++turn) {
    bench.turn();
    EXPECT_EQ(bench.loop->stats().requests.value(), std::min(10U, 3U * static_cast<unsigned>(turn)));
  }
}

TEST(Bounds, AnswersThatWaitToBeSent) {
  Config config;
  config.pipeline_depth_max = 4;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->take = 0;
  peer->to_server.push_back(get("/1") + get("/2"));
  bench.turn();
  EXPECT_TRUE(peer->reading);
  peer->to_server.push_back(get("/3") + get("/4") + get("/5"));
  peer->to_server.push_back(get("/6"));
  for (int i = 0; i < 3; ++i) bench.turn();
  EXPECT_EQ(bench.loop->stats().requests.value(), 4U);
  EXPECT_FALSE(peer->reading);
  peer->take = SIZE_MAX;
  for (int i = 0; i < 3; ++i) bench.turn();
  EXPECT_EQ(bench.loop->stats().requests.value(), 6U);
  EXPECT_TRUE(peer->written.ends_with("/6"));
  EXPECT_TRUE(peer->reading);
}

TEST(Bounds, WhatIsDiscardedAfterTheLastAnswer) {
  Config config;
  config.linger_bytes_max = 1000;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  peer->to_server.push_back("nonsense\r\n");
  peer->to_server.push_back(std::string(1000, 'x'));
  bench.turn();
  EXPECT_TRUE(peer->server_shut);
  EXPECT_FALSE(peer->server_closed);
  peer->to_server.push_back("x");
  bench.turn();
  EXPECT_TRUE(peer->server_closed);
}

const std::string kHead = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";

TEST(Bounds, TimeOfTheHeadCountsFromItsFirstOctet) {
  Config config;
  config.timeout_head = 200ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  bench.turn();
  for (std::size_t i = 0; i < 4; ++i) {
    peer->to_server.push_back(kHead.substr(i, 1));
    bench.turn(45ms);
  }
  EXPECT_EQ(peer->written, "");
  bench.turn(100ms);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 408"), 1);
  EXPECT_EQ(bench.loop->stats().timeouts_request.value(), 1U);
}

// The head in two pieces, the second of which the next turn reads.
std::shared_ptr<FakePeer> connect_and_send_head(InlineBench& bench) {
  auto peer = bench.io.connect();
  bench.turn();
  peer->to_server.push_back(kHead.substr(0, 5));
  bench.turn();
  peer->to_server.push_back(kHead.substr(5));
  return peer;
}

TEST(Bounds, TimeOfTheBodyCountsFromTheEndOfTheHead) {
  Config config;
  config.timeout_head = 200ms;
  config.timeout_body = 300ms;
  InlineBench bench(config);
  const auto peer = connect_and_send_head(bench);
  bench.turn(150ms);
  for (int i = 0; i < 5; ++i) {  // progress does not extend it
    peer->to_server.push_back("b");
    bench.turn(50ms);
  }
  EXPECT_EQ(peer->written, "");
  bench.turn(80ms);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 408"), 1);
}

TEST(Bounds, TimeOfTheRequestHoldsForHeadAndBodyTogether) {
  Config config;
  config.timeout_request = 250ms;
  config.timeout_head = 200ms;
  config.timeout_body = 200ms;
  InlineBench bench(config);
  const auto peer = connect_and_send_head(bench);
  bench.turn(150ms);
  bench.turn(80ms);
  EXPECT_EQ(peer->written, "");
  bench.turn(50ms);
  EXPECT_EQ(count(peer->written, "HTTP/1.1 408"), 1);
}

// A body that is here in time is served, and the next request has its own time.
TEST(Bounds, TheNextRequestHasATimeOfItsOwn) {
  Config config;
  config.timeout_head = 200ms;
  config.timeout_body = 300ms;
  InlineBench bench(config);
  auto peer = bench.io.connect();
  bench.turn();
  for (int i = 0; i < 3; ++i) {
    peer->to_server.push_back(kHead);
    bench.turn(150ms);
    peer->to_server.push_back("0123456789" + kHead.substr(0, 3));
    bench.turn(250ms);
    peer->to_server.push_back(kHead.substr(3) + "0123456789");
    bench.turn(150ms);
  }
  EXPECT_EQ(count(peer->written, "HTTP/1.1 200"), 6);
  EXPECT_EQ(bench.loop->stats().timeouts_request.value(), 0U);
}

// Frames are deleted as soon as they are given back: nothing may look at one afterwards.
TEST(Bounds, NoBufferIsKept) {
  Config config;
  config.buffer_retain_bytes_max = 0;
  config.timeout_request = 200ms;
  for (const std::string end : {"\r\n", "bad\x01\r\n", ""}) {
    InlineBench bench(config);
    auto peer = bench.io.connect();
    bench.turn();
    peer->to_server.push_back("GET / HTTP/1.1\r\nHost: a\r\n");
    bench.turn();
    peer->to_server.push_back(end + get("/next"));
    if (end.empty()) peer->to_server.clear();
    bench.turn();
    bench.turn(300ms);
    EXPECT_EQ(count(peer->written, "HTTP/1.1 "), end == "\r\n" ? 2 : 1) << end;
    EXPECT_EQ(bench.loop->frames_in_use(), 0U);
  }
}

}  // namespace
}  // namespace httpdyno
