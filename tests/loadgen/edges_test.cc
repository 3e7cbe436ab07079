// What a server may answer and what it must not, over real sockets: each case ends well or with errors of one
// stated kind, in time, with counts that balance, pipelined or not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "loadgen/base/failure.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/replies.h"
#include "tests/loadgen/tiny_server.h"

namespace httpdyno::loadgen {
namespace {

using nlohmann::json;
using testing::AnyOf;

// The reply to the `nth` request of a connection that gets up to `depth` of them at once.
using Script = std::function<Reply(std::uint64_t nth, std::uint32_t depth)>;

struct Edge {
  std::string name;
  Script script;
  // The one key under "errors" that counts, or none: a good run. Pipelined it may be another, for what is sent
  // behind a request has its own fate.
  std::string error;
  std::string error_pipelined = error;
  // How many requests of a batch have been answered when the connection is lost, if it is: the others are
  // errors.
  std::uint32_t answered = error.empty() ? 1 : 0;
  std::vector<std::string> words = {};
  std::string first = {};  // the first answer, which makes the rule; empty: that of a good run, or a good one
  std::string greeting = {};  // what the server says before any request
};

// How gtest names a case.
void PrintTo(const Edge& edge, std::ostream* out) { *out << edge.name; }

std::string repeated(std::size_t times, const std::function<std::string(std::size_t)>& part) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part(i);
  return text;
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kChunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kInterims = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
const std::vector<std::string> kHead = {"-m", "HEAD"};

std::vector<Edge> good_edges() {
  std::vector<Edge> all;
  const auto add = [&](const char* name, Reply reply, std::vector<std::string> words = {}) -> Edge& {
    all.push_back(
        {name, [reply](std::uint64_t, std::uint32_t) { return reply; }, "", "", 1, std::move(words)});
    return all.back();
  };
  const auto fields = [](std::size_t count, std::size_t size) {
    return repeated(count,
                    [=](std::size_t i) { return fmt::format("X-{}: {}\r\n", i, std::string(size, 'v')); });
  };

  add("octet by octet", {.bytes = answer("OK"), .piece = 1});
  add("pieces of seven octets", {.bytes = kInterims + answer("OK"), .piece = 7});
  add("coalesced", {.bytes = answer("OK"), .hold = true});
  add("interim before", {.bytes = kInterims + answer("OK")});
  add("coalesced with interim", {.bytes = kInterims + answer("OK"), .hold = true});
  add("unknown interim", {.bytes = "HTTP/1.1 199 x\r\nContent-Length: 5\r\n\r\n" + answer("OK")});
  add("HEAD", {.bytes = kOk + "Content-Length: 500\r\n\r\n"}, kHead);
  add("HEAD coalesced", {.bytes = kOk + "Content-Length: 500\r\n\r\n", .hold = true}, kHead);
  add("HEAD of chunked", {.bytes = kChunked}, kHead);
  add("HEAD without a length", {.bytes = kOk + "\r\n"}, kHead);
  add("204", {.bytes = "HTTP/1.1 204 No Content\r\n\r\n", .hold = true});
  add("204 with a length", {.bytes = "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"});
  add("304 with a length", {.bytes = "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"});
  add("304 that would be chunked",
      {.bytes = "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", .hold = true});
  add("chunked with extension and trailers",
      {.bytes = kChunked + "3;x=\"y\"\r\nabc\r\n1 ; z\r\nd\r\n0;last\r\nT: u\r\nContent-Length: 7\r\n\r\n"});
  add("chunked coalesced", {.bytes = kChunked + "2\r\nOK\r\n0\r\n\r\n", .hold = true});
  add("chunked octet by octet", {.bytes = kChunked + "00a;b\r\n0123456789\r\n0\r\nT: u\r\n\r\n", .piece = 1});
  add("chunked without content", {.bytes = kChunked + "000\r\n\r\n"});
  add("chunked in thousands",
      {.bytes = kChunked + repeated(5000, [](std::size_t) { return "1\r\nx\r\n"; }) + "0\r\n\r\n"});
  add("Transfer-Encoding in capitals",
      {.bytes = kOk + "TRANSFER-ENCODING: CHUNKED\r\n\r\n1\r\nx\r\n0\r\n\r\n"});
  add("until close", {.bytes = kOk + "\r\nall of it", .close = true}).error_pipelined = "closed";
  add("until close octet by octet", {.bytes = kOk + "\r\nall of it", .close = true, .piece = 1})
      .error_pipelined = "closed";
  add("until close without content", {.bytes = kOk + "\r\n", .close = true}).error_pipelined = "closed";
  add("150 fields", {.bytes = answer("OK", fields(150, 5))});
  add("2000 fields", {.bytes = answer("OK", fields(2000, 5)), .hold = true});
  add("field of 64 KiB", {.bytes = answer("OK", fields(1, 64 << 10))});
  add("header section of 64 KiB", {.bytes = answer("OK", fields(64, 1017)), .hold = true});
  add("header section of 500 KiB", {.bytes = answer("OK", fields(500, 1017))});
  add("longer than any buffer", {.bytes = answer(std::string(3 << 20, 'x'))});
  add("HTTP/1.0", {.bytes = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK", .close = true})
      .error_pipelined = "closed";
  add("HTTP/1.0 until close", {.bytes = "HTTP/1.0 200 OK\r\n\r\nOK", .close = true}).error_pipelined =
      "closed";
  add("HTTP/1.0 with keep-alive",
      {.bytes = "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nOK"});
  add("HTTP/1.9", {.bytes = "HTTP/1.9 200 OK\r\nContent-Length: 2\r\n\r\nOK"});
  add("Connection: close", {.bytes = answer("OK", "Connection: close\r\n"), .close = true}).error_pipelined =
      "closed";
  add("Connection: close among others", {.bytes = answer("OK", "Connection: x, CLOSE ,y\r\n"), .close = true})
      .error_pipelined = "closed";
  add("empty reason phrase", {.bytes = "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nOK"});
  add("two equal lengths", {.bytes = kOk + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nOK"});
  add("length with zeros and blanks", {.bytes = kOk + "Content-Length: \t 0002 \r\n\r\nOK"});
  add("no content", {.bytes = answer(""), .hold = true});
  add("octets above ASCII in a value", {.bytes = answer("OK", "X: \x80\xff\t\r\n")});
  add("an upgrade that is only offered", {.bytes = answer("OK", "Connection: upgrade\r\nUpgrade: h2c\r\n")});

  add("no two heads alike", {}).script = [](std::uint64_t nth, std::uint32_t) {
    return Reply{.bytes = answer("OK", fmt::format("X-Number: {}\r\n", nth * nth)), .hold = true};
  };
  Edge& middle = add("close in the middle of a pipeline", {});
  middle.error_pipelined = "closed";
  middle.answered = 6;
  middle.script = [](std::uint64_t nth, std::uint32_t) {
    const bool last = nth == 5;
    return Reply{.bytes = answer("OK", last ? "Connection: close\r\n" : ""), .close = last};
  };
  return all;
}

std::vector<Edge> bad_edges() {
  std::vector<Edge> all;
  const auto add = [&](const char* name, const char* error, Reply reply) -> Edge& {
    all.push_back({name, [reply](std::uint64_t, std::uint32_t) { return reply; }, error, error});
    return all.back();
  };
  const auto refused = [&](const char* name, std::string bytes) {
    add(name, "parse", {.bytes = std::move(bytes)});
  };
  const auto cut = [&](const char* name, std::string bytes) {
    add(fmt::format("FIN {}", name).c_str(), "closed", {.bytes = bytes, .close = true});
    add(fmt::format("RST {}", name).c_str(), "read", {.bytes = bytes, .reset = true});
  };
  const auto stuck = [&](const char* name, Reply reply) {
    // What follows in a pipeline would be taken for the rest.
    Edge& edge = add(name, "timeout", {});
    edge.script = [reply = std::move(reply)](std::uint64_t nth, std::uint32_t) {
      return nth == 0 ? reply : Reply{};
    };
    edge.words = {"--timeout", "300ms"};
  };
  const std::string two = "Content-Length: 2\r\n";

  refused("bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nOK");
  refused("bare CR in a value", kOk + "X: a\rb\r\n" + two + "\r\nOK");
  refused("NUL in a value", kOk + std::string("X: a\0b\r\n", 8) + two + "\r\nOK");
  refused("garbage", "no HTTP at all");
  refused("octets of TLS", std::string("\x15\x03\x01\x00\x02\x02\x46", 7));
  refused("HTTP/2", "HTTP/2 200\r\n\r\n");
  refused("empty line first", "\r\n" + answer("OK"));
  refused("no space after the status", "HTTP/1.1 200\r\n" + two + "\r\nOK");
  refused("status 99", "HTTP/1.1 99 x\r\n" + two + "\r\nOK");
  refused("status 099", "HTTP/1.1 099 x\r\n" + two + "\r\nOK");
  refused("status 1000", "HTTP/1.1 1000 x\r\n" + two + "\r\nOK");
  refused("status with a sign", "HTTP/1.1 +20 x\r\n" + two + "\r\nOK");
  refused("obs-fold", kOk + "X: a\r\n b\r\n" + two + "\r\nOK");
  refused("blank before the colon", kOk + "Content-Length : 2\r\n\r\nOK");
  refused("field without a colon", kOk + "nonsense\r\n" + two + "\r\nOK");
  refused("field without a name", kOk + ": x\r\n" + two + "\r\nOK");
  refused("lengths that conflict", kOk + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nOK");
  refused("list of lengths", kOk + "Content-Length: 2, 2\r\n\r\nOK");
  refused("length of two words", kOk + "Content-Length: 2 2\r\n\r\nOK");
  refused("length that overflows", kOk + "Content-Length: 18446744073709551618\r\n\r\nOK");
  refused("length below zero", kOk + "Content-Length: -2\r\n\r\nOK");
  refused("length with a plus", kOk + "Content-Length: +2\r\n\r\nOK");
  refused("length in hex", kOk + "Content-Length: 0x2\r\n\r\nOK");
  refused("length of nothing", kOk + "Content-Length:\r\n\r\nOK");
  refused("chunked and a length", kOk + two + "Transfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n");
  refused("chunked twice", kOk + "Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n");
  refused("gzip that nobody asked for", kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n");
  refused("chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n");
  refused("chunk size that overflows", kChunked + "10000000000000002\r\nOK\r\n0\r\n\r\n");
  refused("chunk size below zero", kChunked + "-2\r\nOK\r\n0\r\n\r\n");
  refused("chunk size of nothing", kChunked + "\r\nOK\r\n0\r\n\r\n");
  refused("chunk size in C's hex", kChunked + "0x2\r\nOK\r\n0\r\n\r\n");
  refused("chunk longer than its size", kChunked + "2\r\nOKAY\r\n0\r\n\r\n");
  refused("chunk with a bare LF", kChunked + "2\nOK\n0\n\n");
  refused("chunk extension without end", kChunked + "2;" + std::string(20 << 10, 'x'));
  refused("head without end", kOk + "X: " + std::string(2 << 20, 'v'));
  refused("interim answers without end",
          repeated(100, [](std::size_t) { return "HTTP/1.1 102 Processing\r\n\r\n"; }));
  refused("101", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n");

  stuck("silence", {});
  stuck("silence after an interim answer", {.bytes = "HTTP/1.1 100 Continue\r\n\r\n"});
  stuck("half a head", {.bytes = kOk + "Content-Le"});
  stuck("half a body", {.bytes = kOk + "Content-Length: 10000\r\n\r\nab"});
  stuck("half a chunk", {.bytes = kChunked + "10\r\nab"});
  stuck("largest chunk", {.bytes = kChunked + "ffffffffffffffff\r\nab"});
  stuck("no last chunk", {.bytes = kChunked + "2\r\nOK\r\n"});
  stuck("no end of the trailers", {.bytes = kChunked + "2\r\nOK\r\n0\r\nT: u\r\n"});
  stuck("no end of the connection", {.bytes = kOk + "\r\nOK"});
  stuck("slow drip", {.bytes = answer(std::string(100'000, 'x')), .piece = 1});

  cut("instead of an answer", "");
  cut("inside the status line", "HTTP/1.1 2");
  cut("inside the head", kOk + "Content-Le");
  cut("after an interim answer", "HTTP/1.1 100 Continue\r\n\r\n");
  cut("before the body", kOk + "Content-Length: 5\r\n\r\n");
  cut("inside the body", kOk + "Content-Length: 5\r\n\r\nab");
  cut("inside a long body", kOk + "Content-Length: 3000000\r\n\r\n" + std::string(1 << 20, 'x'));
  cut("inside a chunk size", kChunked + "5");
  cut("inside a chunk", kChunked + "5\r\nab");
  cut("before the last chunk", kChunked + "2\r\nab\r\n");
  cut("inside the trailers", kChunked + "2\r\nab\r\n0\r\nT: u\r\n");
  add("RST inside a body until close", "read", {.bytes = kOk + "\r\nab", .reset = true});

  add("status 600", "status", {.bytes = "HTTP/1.1 600 x\r\n" + two + "\r\nOK"});
  add("status 999", "status", {.bytes = "HTTP/1.1 999 x\r\n" + two + "\r\nOK", .hold = true});
  add("body too long", "length", {.bytes = answer("OKAY"), .hold = true});
  add("body too short", "length", {.bytes = answer("O"), .hold = true});
  add("chunked body too short", "length", {.bytes = kChunked + "1\r\nO\r\n0\r\n\r\n"});
  add("other octets", "body", {.bytes = answer("xxxy"), .hold = true}).words = {"--body-bytes", "4"};

  Edge& none =
      add("204 with a body", "unsolicited", {.bytes = "HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nOK"});
  none.error_pipelined = "parse";
  none.answered = 1;
  none.first = "HTTP/1.1 204 x\r\n\r\n";
  Edge& head = add("HEAD with a body", "unsolicited", {.bytes = answer("OK")});
  head.error_pipelined = "parse";
  head.answered = 1;
  head.words = kHead;
  Edge& early = add("response before request", "unsolicited", {.bytes = answer("OK")});
  early.greeting = answer("OK");
  add("two answers to one request", "unsolicited", {}).script = [](std::uint64_t nth, std::uint32_t depth) {
    return Reply{.bytes = answer("OK") + (nth % depth == depth - 1 ? answer("OK") : "")};
  };
  return all;
}

struct Way {
  std::uint32_t depth;
  bool open_loop;
};

struct Outcome {
  Finished run;
  std::uint64_t server_requests = 0;
  std::chrono::steady_clock::duration took{};
};

Outcome drive(const Edge& edge, Way way) {
  const bool slow = edge.error == "timeout";
  // Open loop the place of a request in its batch is nobody's to know.
  const std::uint32_t batch = way.open_loop ? 1 : way.depth;
  TinyServer server(
      [&](const std::string& request, std::uint64_t number, std::uint64_t nth) {
        if (number != 0) return edge.script(nth, batch);
        if (!edge.first.empty()) return Reply{.bytes = edge.first};
        return edge.error.empty() ? edge.script(0, 1) : good_reply(request, number);
      },
      edge.greeting);
  std::vector<std::string> words = {server.url(), "-c",    "2",      "--pipeline", std::to_string(way.depth),
                                    "-d",         "100ms", "--json", "-"};
  words.insert(words.end(), edge.words.begin(), edge.words.end());
  if (way.open_loop) words.insert(words.end(), {"-R", "200"});
  if (!slow) words.insert(words.end(), {"--timeout", "60s"});
  const auto begin = std::chrono::steady_clock::now();
  Outcome out{.run = run_program(std::move(words))};
  out.took = std::chrono::steady_clock::now() - begin;
  out.server_requests = server.requests();
  return out;
}

constexpr std::array kLost = {"read", "write", "timeout", "parse", "closed"};

std::uint64_t count(const json& value) { return value.get<std::uint64_t>(); }

bool is_lost(const std::string& error) { return std::find(kLost.begin(), kLost.end(), error) != kLost.end(); }

void expect_fate(const Edge& edge, Way way, const Outcome& outcome) {
  SCOPED_TRACE(fmt::format("--pipeline {}{}", way.depth, way.open_loop ? " -R" : ""));
  EXPECT_LT(outcome.took, std::chrono::seconds(50));
  ASSERT_NE(outcome.run.out, "") << outcome.run.err;
  const json result = json::parse(outcome.run.out);
  const json& errors = result.at("errors");
  // Whatever was sent has one fate.
  const std::uint64_t unanswered = count(result.at("unanswered"));
  std::uint64_t fates = count(result.at("requests")) + unanswered;
  for (const char* lost : kLost) fates += count(errors.at(lost));
  EXPECT_GE(fates, outcome.server_requests);
  if (way.open_loop) {
    EXPECT_EQ(result.at("due"), 20);
    EXPECT_EQ(count(result.at("sent")) + count(result.at("queued")), 20U);
    EXPECT_EQ(count(result.at("sent")) + 1, fates) << "and the first request";
  }

  const std::string& error = way.depth == 1 ? edge.error : edge.error_pipelined;
  // Open loop not every request shares a connection with others: some fare as if alone.
  const std::string& other = way.open_loop ? edge.error : error;
  const std::uint64_t total = count(errors.at("total"));
  const auto of = [&](const std::string& kind) { return kind.empty() ? 0 : count(errors.at(kind)); };
  // And a request may be due just when the connection is being reset.
  const std::uint64_t writing = way.open_loop && error == "read" ? of("write") : 0;
  EXPECT_EQ(total, of(error) + (other == error ? 0 : of(other)) + writing) << errors;
  EXPECT_TRUE(total > 0 || error.empty() || other.empty()) << errors;
  if (edge.error != "timeout") {
    EXPECT_EQ(unanswered, 0U);
    EXPECT_TRUE(total != 0 || result.at("requests") == outcome.server_requests);
  }
  // With a wrong answer among what was timed the figures are void; a busy machine may make them so, too.
  const bool wrong = of("status") + of("length") + of("body") != 0;
  EXPECT_THAT(outcome.run.code, AnyOf(wrong        ? kExitVoid
                                      : total == 0 ? 0
                                                   : kExitFailed,
                                      kExitVoid))
      << outcome.run.err;
  if (!way.open_loop && is_lost(error)) {
    const std::uint32_t answered = way.depth == 1 ? 0 : edge.answered;
    EXPECT_EQ(of(error) % (way.depth - answered), 0U) << "each lost connection loses them all";
  }
}

class EdgesTest : public testing::TestWithParam<Edge> {};

TEST_P(EdgesTest, HasItsFate) {
  constexpr Way kWays[] = {{1, false}, {16, false}, {1, true}, {16, true}};
  std::vector<std::future<Outcome>> outcomes;
  for (const Way& way : kWays) {
    outcomes.push_back(std::async(std::launch::async, drive, std::cref(GetParam()), way));
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) expect_fate(GetParam(), kWays[i], outcomes[i].get());
}

std::string name_of(const testing::TestParamInfo<Edge>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Good, EdgesTest, testing::ValuesIn(good_edges()), name_of);
INSTANTIATE_TEST_SUITE_P(Bad, EdgesTest, testing::ValuesIn(bad_edges()), name_of);

}  // namespace
}  // namespace httpdyno::loadgen
