// Response heads and bodies, whole and in pieces: every case must mean the same however it is cut.
#include "net/http/response_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno::http {
namespace {

struct Outcome {
  ResponseEvent event = ResponseEvent::more;  // complete, error, or more where the octets ran out
  ResponseError error = ResponseError::none;
  int status = 0;
  bool keep_alive = false;
  BodyFraming framing = BodyFraming::none;
  std::uint64_t head_bytes = 0;
  std::uint64_t body_bytes = 0;
  std::string body;
  std::size_t consumed = 0;
  int heads = 0;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << "event " << static_cast<int>(o.event) << " error '" << response_error_text(o.error)
             << "' status " << o.status << " keep " << o.keep_alive << " framing "
             << static_cast<int>(o.framing) << " head " << o.head_bytes << " body " << o.body_bytes << " '"
             << o.body.substr(0, 40) << "' consumed " << o.consumed << " heads " << o.heads;
}

struct Reading {
  bool to_head = false;
  bool end = false;  // the stream ends after the octets
  ResponseLimits limits{};
};

// Each piece lives in memory of its own, exactly as large as it is, so that a sanitizer sees a read beyond
// it.
Outcome read_pieces(const std::vector<std::string_view>& pieces, const Reading& how) {
  ResponseParser parser(how.limits);
  parser.start(how.to_head);
  Outcome out;
  for (std::string_view piece : pieces) {
    const std::vector<char> own(piece.begin(), piece.end());
    std::string_view rest(own.data(), own.size());
    for (;;) {
      const ResponseStep step = parser.next(rest);
      out.event = step.event;
      out.consumed += step.consumed;
      rest.remove_prefix(step.consumed);
      out.body += step.body;
      if (step.event == ResponseEvent::head) ++out.heads;
      EXPECT_TRUE(step.event != ResponseEvent::more || rest.empty());
      if (step.event != ResponseEvent::head && step.event != ResponseEvent::body) break;
    }
    if (out.event == ResponseEvent::complete || out.event == ResponseEvent::error) break;
  }
  if (how.end && out.event == ResponseEvent::more) out.event = parser.end().event;
  out.error = parser.error();
  out.body_bytes = parser.body_bytes();
  if (out.heads > 0) {
    out.status = parser.head().status;
    out.keep_alive = parser.head().keep_alive;
    out.framing = parser.head().framing;
    out.head_bytes = parser.head().head_bytes;
  }
  return out;
}

Outcome read_whole(std::string_view text, const Reading& how = {}) { return read_pieces({text}, how); }

// The whole, every cut in two, octet by octet, and 20 random cuts: all the same, or the test fails.
Outcome read_every_way(std::string_view text, const Reading& how = {}) {
  const Outcome whole = read_whole(text, how);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const Outcome two = read_pieces({text.substr(0, cut), text.substr(cut)}, how);
    EXPECT_EQ(two, whole) << "cut at " << cut;
    if (two != whole) break;
  }
  std::vector<std::string_view> octets;
  for (std::size_t i = 0; i < text.size(); ++i) octets.push_back(text.substr(i, 1));
  EXPECT_EQ(read_pieces(octets, how), whole) << "octet by octet";
  Prng random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t count = 1 + random.below(9);
      pieces.push_back(text.substr(at, count));
      at += count;
    }
    EXPECT_EQ(read_pieces(pieces, how), whole) << "random pieces, round " << round << " of seed 7";
  }
  return whole;
}

void expect_complete(std::string_view text, std::string_view body, const Reading& how = {}) {
  const Outcome out = read_every_way(text, how);
  EXPECT_EQ(out.event, ResponseEvent::complete) << out << "\nof:\n" << text;
  EXPECT_EQ(out.body, body) << text;
  EXPECT_EQ(out.body_bytes, body.size());
  EXPECT_EQ(out.heads, 1);
  EXPECT_EQ(out.consumed, text.size()) << text;
}

void expect_error(std::string_view text, ResponseError error, const Reading& how = {}) {
  const Outcome out = read_every_way(text, how);
  EXPECT_EQ(out.event, ResponseEvent::error) << out << "\nof:\n" << text;
  EXPECT_EQ(response_error_text(out.error), response_error_text(error)) << text;
}

std::string ok(std::string_view fields, std::string_view body = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

TEST(ResponseParser, ReadsAnAnswerWithALength) {
  const std::string text = ok("Content-Type: text/plain\r\nContent-Length: 13\r\n", "Hello, World!");
  const Outcome out = read_every_way(text);
  EXPECT_EQ(out.event, ResponseEvent::complete);
  EXPECT_EQ(out.status, 200);
  EXPECT_TRUE(out.keep_alive);
  EXPECT_EQ(out.framing, BodyFraming::length);
  EXPECT_EQ(out.head_bytes, text.size() - 13);
  EXPECT_EQ(out.body, "Hello, World!");
}

TEST(ResponseParser, TakesNoMoreThanOneOfSeveralAnswers) {
  const std::string one = ok("Content-Length: 2\r\n", "OK");
  const std::string all = one + one + one;
  ResponseParser parser;
  std::string_view rest = all;
  for (int i = 0; i < 3; ++i) {
    parser.start(false);
    EXPECT_TRUE(parser.at_start());
    ResponseEvent event = ResponseEvent::head;
    std::size_t consumed = 0;
    while (event == ResponseEvent::head || event == ResponseEvent::body) {
      const ResponseStep step = parser.next(rest.substr(consumed));
      consumed += step.consumed;
      event = step.event;
    }
    EXPECT_EQ(event, ResponseEvent::complete);
    EXPECT_EQ(consumed, one.size());
    rest.remove_prefix(consumed);
  }
  EXPECT_TRUE(rest.empty());
}

TEST(ResponseParser, ReadsBodiesThatHaveNoLength) {
  expect_complete(ok("", "all until the end"), "all until the end", {.end = true});
  expect_complete(ok(""), "", {.end = true});
  const Outcome out = read_whole(ok("Connection: keep-alive\r\n", "x"), {.end = true});
  EXPECT_EQ(out.framing, BodyFraming::until_close);
  EXPECT_FALSE(out.keep_alive);
}

TEST(ResponseParser, ReadsChunkedBodies) {
  constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
  expect_complete(ok(kChunked, "5\r\nhello\r\n0\r\n\r\n"), "hello");
  expect_complete(ok(kChunked, "0\r\n\r\n"), "");
  expect_complete(ok(kChunked, "5;a=b;c=\"d e\"\r\nhello\r\n00A \t;x\r\n0123456789\r\n0;last\r\n\r\n"),
                  "hello0123456789");
  expect_complete(ok(kChunked, "1\r\nx\r\n0\r\nX-Sum: 1\r\nContent-Length: 99\r\nConnection: close\r\n\r\n"),
                  "x");
  expect_complete(ok("transfer-ENCODING: \t Chunked \r\n", "1\r\nx\r\n0\r\n\r\n"), "x");
  // A trailer changes neither framing nor persistence.
  EXPECT_TRUE(read_whole(ok(kChunked, "0\r\nConnection: close\r\n\r\n")).keep_alive);
}

TEST(ResponseParser, RefusesMalformedChunks) {
  constexpr std::string_view kChunked = "Transfer-Encoding: chunked\r\n";
  for (const char* body : {"\r\n", "x\r\n", "-1\r\n", "0x5\r\nhello\r\n", " 5\r\nhello\r\n", "5\nhello\r\n",
                           "5 6\r\n", "5\r\nhelloXX", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n",
                           "12345678901234567\r\n", "5;a\nb\r\nhello\r\n", "5\rXhello"}) {
    const Outcome out = read_every_way(ok(kChunked, body));
    EXPECT_EQ(out.event, ResponseEvent::error) << body;
  }
  expect_error(ok(kChunked, "0\r\nno colon\r\n\r\n"), ResponseError::bad_field);
  expect_error(ok(kChunked, "0\r\n folded: x\r\n\r\n"), ResponseError::folded_line);
}

TEST(ResponseParser, AnswersWithoutBody) {
  expect_complete("HTTP/1.1 204 No Content\r\n\r\n", "");
  expect_complete("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "");
  expect_complete(ok("Content-Length: 5\r\n"), "", {.to_head = true});
  expect_complete(ok("Transfer-Encoding: chunked\r\n"), "", {.to_head = true});
  expect_complete(ok("Content-Length: 0\r\n"), "");
  EXPECT_TRUE(read_whole(ok(""), {.to_head = true}).keep_alive);
  // What follows such an answer belongs to the next.
  const Outcome out = read_whole("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\nHTTP/");
  EXPECT_EQ(out.event, ResponseEvent::complete);
  EXPECT_EQ(out.consumed, 37U);
}

TEST(ResponseParser, SkipsInterimAnswers) {
  const std::string final = ok("Content-Length: 2\r\n", "OK");
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nConnection: "
      "close\r\n\r\n" +
      final;
  const Outcome out = read_every_way(text);
  EXPECT_EQ(out.event, ResponseEvent::complete);
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(out.body, "OK");
  EXPECT_TRUE(out.keep_alive);
  EXPECT_EQ(out.head_bytes, text.size() - 2);
  EXPECT_EQ(out.heads, 1);

  std::string many;
  for (int i = 0; i < 3; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
  expect_error(many + final, ResponseError::too_many_interim, {.limits = {.interim_max = 2}});
  expect_complete(many + final, "OK", {.limits = {.interim_max = 3}});
  expect_error("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", ResponseError::unexpected_upgrade);
}

TEST(ResponseParser, SaysWhetherTheConnectionStays) {
  const auto keep_alive = [](std::string text) { return read_every_way(text).keep_alive; };
  EXPECT_TRUE(keep_alive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(keep_alive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keep_alive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCONNECTION:foo,\tCLOSE , bar\r\n\r\n"));
  EXPECT_TRUE(keep_alive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: closed, not-close\r\n\r\n"));
  EXPECT_TRUE(keep_alive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Connection: close\r\n\r\n"));
  EXPECT_FALSE(keep_alive("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(keep_alive("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(keep_alive(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(keep_alive("HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"));
}

TEST(ResponseParser, RefusesMalformedStatusLines) {
  for (const char* line :
       {"\r\n", "HTTP/2.0 200 OK\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 x\r\n", "HTTP/1.1 abc x\r\n", "http/1.1 200 OK\r\n", "HTTP/1.1 200\r\n",
        "HTTP/1.1\t200 OK\r\n", " HTTP/1.1 200 OK\r\n", "\x16\x03\x01garbage", "HTTP/11 200 OK\r\n"}) {
    expect_error(line, ResponseError::bad_status_line);
  }
  expect_error("HTTP/1.1 200 OK\n\n", ResponseError::bad_line_end);
  expect_error("HTTP/1.1 200 O\rK\r\n", ResponseError::bad_line_end);
  expect_error(std::string_view("HTTP/1.1 200 O\0K\r\n", 18), ResponseError::bad_field);
  expect_complete("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "");
  expect_complete("HTTP/1.1 404 Not \xc3\xa4 Found\tx\r\nContent-Length: 0\r\n\r\n", "");
}

TEST(ResponseParser, RefusesMalformedHeaderLines) {
  expect_error(ok("no colon\r\n"), ResponseError::bad_field);
  expect_error(ok("nocolon\r\n"), ResponseError::bad_field);
  expect_error(ok(": empty\r\n"), ResponseError::bad_field);
  expect_error(ok("Content-Length : 5\r\n"), ResponseError::bad_field);
  expect_error(ok("X\t: 5\r\n"), ResponseError::bad_field);
  expect_error(ok(" X: before\r\n"), ResponseError::folded_line);
  expect_error(ok("X: a\r\n folded\r\n"), ResponseError::folded_line);
  expect_error(ok("X: a\nY: b\r\n"), ResponseError::bad_line_end);
  expect_error(ok("X: a\rY: b\r\n"), ResponseError::bad_line_end);
  expect_error(ok(std::string_view("X: a\0b\r\n", 8)), ResponseError::bad_field);
  expect_error(ok("Connection: close\n\r\n"), ResponseError::bad_line_end);
  expect_error(ok(std::string_view("Connection: a\0\r\n", 16)), ResponseError::bad_field);
  expect_error(ok("X\xc3\xa4: a\r\n"), ResponseError::bad_field);
}

TEST(ResponseParser, RefusesDoubtfulLengths) {
  for (const char* value : {"", " ", "-1", "+1", "0x5", "5 5", "5,5", "1.0", "five", "1234567890123456789",
                            "99999999999999999999999999"}) {
    expect_error(ok("Content-Length: " + std::string(value) + "\r\n"), ResponseError::bad_length);
  }
  expect_error(ok("Content-Length: 5\r\nContent-Length: 6\r\n"), ResponseError::conflicting_length);
  expect_error(ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), ResponseError::conflicting_length);
  expect_error(ok("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), ResponseError::conflicting_length);
  for (const char* value :
       {"", "gzip", "gzip, chunked", "chunked, chunked", "chunked x", "xchunked", "identity"}) {
    expect_error(ok("Transfer-Encoding: " + std::string(value) + "\r\n"), ResponseError::bad_coding);
  }
  expect_error(ok("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), ResponseError::bad_coding);
  expect_error("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ResponseError::bad_coding);
  expect_complete(ok("Content-Length: 2 \t\r\nContent-Length:2\r\n", "OK"), "OK");
  expect_complete(ok("Content_Length: 9\r\nContent-Lengths: 9\r\nContent-Length: 2\r\n", "OK"), "OK");
}

TEST(ResponseParser, BoundsTheHead) {
  // More than 100 header lines and a value of 64 KiB are fine by default.
  std::string fields;
  for (int i = 0; i < 300; ++i) fields += "X-" + std::to_string(i) + ": " + std::string(20, 'v') + "\r\n";
  fields += "X-Long: " + std::string(64 << 10, 'v') + "\r\nContent-Length: 2\r\n";
  const Outcome out = read_whole(ok(fields, "OK"));
  EXPECT_EQ(out.event, ResponseEvent::complete);
  EXPECT_EQ(out.body, "OK");

  const std::string small = ok("A: 1\r\nB: 2\r\nContent-Length: 2\r\n", "OK");
  const std::uint64_t head_bytes = small.size() - 2;
  expect_complete(small, "OK", {.limits = {.head_bytes_max = head_bytes}});
  expect_error(small, ResponseError::head_too_large, {.limits = {.head_bytes_max = head_bytes - 1}});
  expect_complete(small, "OK", {.limits = {.fields_max = 3}});
  expect_error(small, ResponseError::too_many_fields, {.limits = {.fields_max = 2}});
  // The fault beyond the limit is not seen, whatever the pieces.
  expect_error(small.substr(0, 20) + "\n\n\n", ResponseError::head_too_large,
               {.limits = {.head_bytes_max = 20}});

  const std::string chunked = ok("Transfer-Encoding: chunked\r\n", "1;abcdef\r\nx\r\n0\r\nA: 1\r\n\r\n");
  expect_complete(chunked, "x", {.limits = {.chunk_line_bytes_max = 10}});
  expect_error(chunked, ResponseError::bad_chunk, {.limits = {.chunk_line_bytes_max = 9}});
}

TEST(ResponseParser, SaysThatTheStreamEndedTooEarly) {
  const std::string length = ok("Content-Length: 5\r\n", "hello");
  const std::string chunked = ok("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nA: b\r\n\r\n");
  for (const std::string& text : {length, chunked}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      const Outcome out = read_whole(text.substr(0, size), {.end = true});
      EXPECT_EQ(out.event, ResponseEvent::error) << size;
      EXPECT_EQ(out.error, ResponseError::truncated) << size;
    }
    EXPECT_EQ(read_whole(text, {.end = true}).event, ResponseEvent::complete);
  }
}

TEST(ResponseParser, GoesOnFromAKnownHead) {
  const std::string text = ok("Content-Length: 5\r\n", "hello");
  ResponseParser parser;
  const ResponseStep first = parser.next(text);
  ASSERT_EQ(first.event, ResponseEvent::head);
  const ResponseHead head = parser.head();

  parser.start(false);
  parser.assume_head(head);
  EXPECT_FALSE(parser.at_start());
  const ResponseStep body = parser.next("hel");
  EXPECT_EQ(body.event, ResponseEvent::body);
  EXPECT_EQ(body.body, "hel");
  EXPECT_EQ(parser.next("").event, ResponseEvent::more);
  const ResponseStep rest = parser.next("loHTTP");
  EXPECT_EQ(rest.body, "lo");
  EXPECT_EQ(parser.next("HTTP").event, ResponseEvent::complete);
  EXPECT_EQ(parser.body_bytes(), 5U);
  EXPECT_EQ(parser.head().status, 200);
}

TEST(ResponseParser, NeitherHangsNorReadsBeyondOnNoise) {
  const std::string valid =
      ok("Content-Length: 5\r\nConnection: close\r\nTransfer-Encodin: chunked\r\n", "hello") +
      ok("Transfer-Encoding: chunked\r\n", "5;x\r\nhello\r\n0\r\nA: b\r\n\r\n");
  Prng random(42);
  for (int round = 0; round < 3000; ++round) {
    std::string text = valid.substr(random.below(2) * (valid.size() / 2));
    for (std::uint64_t i = 0, n = 1 + random.below(4); i < n; ++i) {
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    }
    const Outcome whole = read_whole(text, {.end = true});
    std::vector<std::string_view> octets;
    for (std::size_t i = 0; i < text.size(); ++i) octets.push_back(std::string_view(text).substr(i, 1));
    EXPECT_EQ(read_pieces(octets, {.end = true}), whole) << "round " << round << " of seed 42";
    EXPECT_NE(whole.event, ResponseEvent::more);
  }
}

}  // namespace
}  // namespace httpdyno::http
