// The client's side of a connection, with octets and times passed in by hand.
#include "loadgen/drive/client_connection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "loadgen/base/limits.h"
#include "net/base/prng.h"
#include "tests/loadgen/url_of.h"

namespace httpdyno::loadgen {
namespace {

Time at(Duration since_start) { return Time() + 1h + since_start; }

std::string answer(std::string_view body, std::string_view fields = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

Expectation expect_ok() {
  Expectation expected;
  expected.check_length = true;
  expected.body_bytes = 2;
  return expected;
}

Script script_of(std::uint32_t pipeline, const RequestSpec& spec, Expectation expected) {
  Url url;
  EXPECT_EQ(parse_url("http://h/", url), "");
  Script script = make_script(url, {&spec, 1}, pipeline);
  script.kinds[0].expected = std::move(expected);
  return script;
}

// A connection with everything that it refers to; connected at time 0.
struct Bench {
  explicit Bench(std::uint32_t pipeline, const RequestSpec& spec = RequestSpec(),
                 Expectation expected = expect_ok())
      : Bench(script_of(pipeline, spec, std::move(expected))) {}
  explicit Bench(Script all)
      : script(std::move(all)),
        ledger(script, false),
        tally(ledger.tally()),
        asked(script.pipeline),
        connection(script, ledger, asked, draws_of_connection(1, 0)) {
    ledger.set_window({at(0s), at(1h)});
    connection.begin_connect(at(0s));
    connection.on_connected();
  }
  std::string_view begin_batch(Time now) {
    connection.fill(now);
    return connection.take_batch();
  }
  // Sends a batch in one piece.
  void send(Time now) {
    const std::string_view batch = begin_batch(now);
    EXPECT_EQ(connection.on_sent(batch.size(), now), Wish::nothing);
  }
  std::uint64_t errors(ErrorKind error) const { return tally.errors().of(error); }
  std::uint64_t causes(const ErrorCause& cause) const { return tally.errors().of(cause); }

  Script script;
  Ledger ledger;
  Tally& tally;
  std::vector<Asked> asked;
  ClientConnection connection;
};

TEST(ClientConnection, GivesEachRequestOfABatchItsOwnLatency) {
  constexpr std::uint32_t kDepth = 16;
  constexpr Duration kService = 100us;
  Bench bench(kDepth);
  bench.send(at(0s));
  for (std::uint32_t j = 1; j <= kDepth; ++j) {
    EXPECT_EQ(bench.connection.outstanding(), kDepth - j + 1);
    EXPECT_EQ(bench.connection.on_bytes(answer("OK"), at(j * kService)),
              j == kDepth ? Wish::more : Wish::nothing);
  }
  // Request j of a batch that is served one by one waits j times the service time: mean (P + 1) s / 2,
  // maximum P s.
  const Histogram& latency = bench.tally.kinds[0].latencies.service.values();
  EXPECT_EQ(latency.total(), kDepth);
  EXPECT_EQ(latency.min(), 100'000);
  EXPECT_EQ(latency.max(), kDepth * 100'000);
  EXPECT_DOUBLE_EQ(latency.mean(), (kDepth + 1) * 100'000 / 2.0);
  for (std::uint32_t j = 1; j <= kDepth; ++j) {
    EXPECT_EQ(latency.count_at(Histogram::index_of(j * 100'000)), 1) << j;
  }
}

TEST(ClientConnection, ReadsABatchInOnePiece) {
  Bench bench(3);
  bench.send(at(0s));
  EXPECT_EQ(bench.connection.on_bytes(answer("OK") + answer("OK") + answer("OK"), at(5ms)), Wish::more);
  EXPECT_EQ(bench.connection.state(), ClientState::ready);
  EXPECT_EQ(bench.tally.answered(), 3U);
  EXPECT_EQ(bench.tally.kinds[0].latencies.service.values().min(), 5'000'000);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
}

TEST(ClientConnection, ReadsAnswersHoweverTheyAreCut) {
  const std::string chunked =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\nO\r\n1\r\nK\r\n0\r\n\r\n";
  const std::string stream =
      answer("OK") + answer("OK") + answer("OK", "Date: x\r\n") + chunked + answer("OK");
  Prng random(11);
  for (int round = 0; round < 500; ++round) {
    Bench bench(5);
    bench.send(at(0s));
    std::size_t from = 0;
    Wish wish = Wish::nothing;
    while (from < stream.size()) {
      const std::size_t count = std::min<std::size_t>(
          1 + random.below(static_cast<std::uint64_t>(round) % 60 + 1), stream.size() - from);
      const std::vector<char> own(stream.begin() + static_cast<std::ptrdiff_t>(from),
                                  stream.begin() + static_cast<std::ptrdiff_t>(from + count));
      ASSERT_EQ(wish, Wish::nothing);
      wish = bench.connection.on_bytes({own.data(), own.size()}, at(1ms));
      from += count;
    }
    ASSERT_EQ(wish, Wish::more) << "round " << round << " of seed 11";
    ASSERT_EQ(bench.tally.answered(), 5U);
    ASSERT_EQ(bench.tally.errors().total(), 0U);
  }
}

TEST(ClientConnection, MeasuresOnlyWhatWasSentWithinTheWindow) {
  Bench bench(1);
  bench.ledger.set_window({at(10ms), at(20ms)});
  for (const Duration sent : {9ms, 10ms, 19ms, 20ms}) {
    bench.send(at(sent));
    EXPECT_EQ(bench.connection.on_bytes(answer("OK"), at(sent + 5ms)), Wish::more);
  }
  EXPECT_EQ(bench.tally.answered(), 4U);
  EXPECT_EQ(bench.tally.kinds[0].latencies.service.values().total(), 2);
}

TEST(ClientConnection, StampsARequestWhenItsFirstOctetIsHandedOver) {
  Bench bench(3);
  const std::size_t one = bench.script.kinds[0].octets.size();
  const std::string_view batch = bench.begin_batch(at(0s));
  // The kernel takes the first request and half of the second.
  EXPECT_EQ(bench.connection.on_sent(one + one / 2, at(10ms)), Wish::send);
  EXPECT_EQ(bench.connection.unsent(), batch.substr(one + one / 2));
  EXPECT_EQ(bench.connection.on_sent(batch.size() - one - one / 2, at(10ms)), Wish::nothing);
  EXPECT_EQ(bench.connection.on_bytes(answer("OK") + answer("OK") + answer("OK"), at(15ms)), Wish::more);
  const Histogram& latency = bench.tally.kinds[0].latencies.service.values();
  EXPECT_EQ(latency.count_at(Histogram::index_of(15'000'000)), 2);
  EXPECT_EQ(latency.count_at(Histogram::index_of(5'000'000)), 1);
}

TEST(ClientConnection, StampsAWholeRequestOnTheEdgeOfASend) {
  Bench bench(2);
  const std::size_t one = bench.script.kinds[0].octets.size();
  bench.begin_batch(at(0s));
  EXPECT_EQ(bench.connection.on_sent(one, at(10ms)), Wish::send);
  EXPECT_EQ(bench.connection.on_sent(one, at(10ms)), Wish::nothing);
  EXPECT_EQ(bench.connection.on_bytes(answer("OK") + answer("OK"), at(15ms)), Wish::more);
  EXPECT_EQ(bench.tally.kinds[0].latencies.service.values().min(), 5'000'000);
  EXPECT_EQ(bench.tally.kinds[0].latencies.service.values().max(), 15'000'000);
}

TEST(ClientConnection, WaitsForTheSendThatWasOvertakenByItsAnswer) {
  Bench bench(1);
  const std::string_view batch = bench.begin_batch(at(0s));
  EXPECT_EQ(bench.connection.on_bytes(answer("OK"), at(1ms)), Wish::nothing);
  EXPECT_EQ(bench.tally.answered(), 1U);
  EXPECT_EQ(bench.connection.on_sent(batch.size(), at(2ms)), Wish::more);
}

TEST(ClientConnection, CountsABadAnswerOnceAndGoesOn) {
  Bench bench(4);
  bench.send(at(0s));
  EXPECT_EQ(bench.connection.on_bytes("HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nOK" + answer("OKAY") +
                                          answer("") + answer("OK"),
                                      at(1ms)),
            Wish::more);
  EXPECT_EQ(bench.errors(ErrorKind::status), 1U);
  EXPECT_EQ(bench.errors(ErrorKind::length), 2U);
  EXPECT_EQ(bench.tally.errors().total(), 3U);
  EXPECT_EQ(bench.tally.answered(), 4U);
  EXPECT_EQ(bench.tally.kinds[0].latencies.service.values().total(), 1);
}

TEST(ClientConnection, ComparesAnEchoOctetByOctet) {
  Expectation expected = expect_ok();
  expected.body_bytes = 8;
  expected.check_body = true;
  expected.body = "abcdefgh";
  const std::string good = answer("abcdefgh");
  const std::string bad = answer("abcdefgX");
  const std::string chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n";
  const std::string stream = good + bad + good + chunked + bad;
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Bench bench(5, RequestSpec(), expected);
    bench.send(at(0s));
    bench.connection.on_bytes(std::string_view(stream).substr(0, cut), at(1ms));
    if (cut < stream.size()) {
      EXPECT_EQ(bench.connection.on_bytes(std::string_view(stream).substr(cut), at(1ms)), Wish::more);
    }
    EXPECT_EQ(bench.errors(ErrorKind::body), 2U) << "cut at " << cut;
    EXPECT_EQ(bench.tally.errors().total(), 2U) << "cut at " << cut;
  }
}

TEST(ClientConnection, LosesEveryOutstandingRequestWithItsConnection) {
  Bench bench(8);
  bench.send(at(0s));
  bench.connection.on_bytes(answer("OK") + answer("OK") + answer("OK").substr(0, 20), at(1ms));
  EXPECT_EQ(bench.connection.on_end_of_stream(at(2ms)), Wish::close);
  EXPECT_EQ(bench.tally.answered(), 2U);
  EXPECT_EQ(bench.errors(ErrorKind::closed), 6U);
  EXPECT_EQ(bench.tally.errors().total(), 6U);
  EXPECT_TRUE(bench.connection.ended_badly());
}

TEST(ClientConnection, NamesTheCauseOfALostConnection) {
  Bench reading(4);
  reading.send(at(0s));
  EXPECT_EQ(reading.connection.on_receive_failed(ECONNRESET, at(1ms)), Wish::close);
  EXPECT_EQ(reading.errors(ErrorKind::read), 4U);
  EXPECT_EQ(reading.causes({ErrorKind::read, AnswerProgress::before_first_byte, ECONNRESET}), 4U);

  Bench writing(4);
  writing.begin_batch(at(0s));
  EXPECT_EQ(writing.connection.on_send_failed(EPIPE, at(1ms)), Wish::close);
  EXPECT_EQ(writing.errors(ErrorKind::write), 4U);
  EXPECT_EQ(writing.causes({ErrorKind::write, AnswerProgress::before_first_byte, EPIPE}), 4U);

  Bench parsing(4);
  parsing.send(at(0s));
  EXPECT_EQ(parsing.connection.on_bytes(answer("OK") + "garbage", at(1ms)), Wish::close);
  EXPECT_EQ(parsing.errors(ErrorKind::parse), 3U);
  EXPECT_EQ(parsing.tally.answered(), 1U);
  const int bad_status_line = static_cast<int>(http::ResponseError::bad_status_line);
  EXPECT_EQ(parsing.causes({ErrorKind::parse, AnswerProgress::mid_response, bad_status_line}), 1U);
  EXPECT_EQ(parsing.causes({ErrorKind::parse, AnswerProgress::before_first_byte, bad_status_line}), 2U);
}

// Whose answer has begun is told apart from those behind it, whatever ends the connection.
TEST(ClientConnection, KnowsHowFarTheAnswerHadCome) {
  struct Case {
    ErrorKind kind;
    int detail;
    std::function<Wish(ClientConnection&)> end;
  };
  const Case kCases[] = {
      {ErrorKind::closed, 0, [](ClientConnection& c) { return c.on_end_of_stream(at(2ms)); }},
      {ErrorKind::read, ECONNRESET,
       [](ClientConnection& c) { return c.on_receive_failed(ECONNRESET, at(2ms)); }},
      {ErrorKind::timeout, 0, [](ClientConnection& c) { return c.on_check(at(2s), 1s); }},
  };
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  for (const Case& each : kCases) {
    for (const std::string& begun : {std::string("H"), head, head + "O"}) {
      SCOPED_TRACE(begun);
      Bench bench(4);
      bench.send(at(0s));
      bench.connection.on_bytes(answer("OK") + begun, at(1ms));
      EXPECT_EQ(each.end(bench.connection), Wish::close);
      EXPECT_EQ(bench.causes({each.kind, AnswerProgress::mid_response, each.detail}), 1U);
      EXPECT_EQ(bench.causes({each.kind, AnswerProgress::before_first_byte, each.detail}), 2U);
      EXPECT_TRUE(bench.tally.kinds[0].balances());
    }
    // Nothing has begun.
    Bench bench(4);
    bench.send(at(0s));
    bench.connection.on_bytes(answer("OK"), at(1ms));
    EXPECT_EQ(each.end(bench.connection), Wish::close);
    EXPECT_EQ(bench.causes({each.kind, AnswerProgress::before_first_byte, each.detail}), 3U);
    EXPECT_TRUE(bench.tally.kinds[0].balances());
  }
}

TEST(ClientConnection, KnowsWhatIsWrongWithAWholeAnswer) {
  Bench bench(4);
  bench.send(at(0s));
  bench.connection.on_bytes(
      "HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\nOK" + answer("O") + answer("OKAY") + answer("OK"), at(1ms));
  EXPECT_EQ(bench.causes({ErrorKind::status, AnswerProgress::whole, 503}), 1U);
  EXPECT_EQ(bench.causes({ErrorKind::length, AnswerProgress::whole, kShorter}), 1U);
  EXPECT_EQ(bench.causes({ErrorKind::length, AnswerProgress::whole, kLonger}), 1U);
  EXPECT_EQ(bench.tally.errors().total(), 3U);
  EXPECT_EQ(bench.tally.answered(), 4U);
  EXPECT_TRUE(bench.tally.kinds[0].balances());
}

TEST(ClientConnection, MindsAnAnswerThatNobodyAskedFor) {
  Bench early(1);
  EXPECT_EQ(early.connection.on_bytes(answer("OK"), at(1ms)), Wish::close);
  EXPECT_EQ(early.errors(ErrorKind::unsolicited), 1U);
  EXPECT_EQ(early.tally.answered(), 0U);

  Bench extra(2);
  extra.send(at(0s));
  EXPECT_EQ(extra.connection.on_bytes(answer("OK") + answer("OK") + "H", at(1ms)), Wish::close);
  EXPECT_EQ(extra.errors(ErrorKind::unsolicited), 1U);
  EXPECT_EQ(extra.tally.answered(), 2U);
}

TEST(ClientConnection, TakesTheEndOfAnIdleConnectionForNoError) {
  Bench bench(1);
  EXPECT_EQ(bench.connection.on_end_of_stream(at(1ms)), Wish::close);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
  EXPECT_FALSE(bench.connection.ended_badly());
}

TEST(ClientConnection, EndsWithTheAnswerThatSaysSo) {
  Bench bench(2);
  bench.send(at(0s));
  EXPECT_EQ(bench.connection.on_bytes(answer("OK") + answer("OK", "Connection: close\r\n"), at(1ms)),
            Wish::nothing);
  EXPECT_EQ(bench.connection.state(), ClientState::lingering);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
  EXPECT_EQ(bench.connection.on_end_of_stream(at(2ms)), Wish::close);
  EXPECT_EQ(bench.tally.errors().total(), 0U);

  // Requests behind such an answer are lost.
  Bench early(3);
  early.send(at(0s));
  EXPECT_EQ(early.connection.on_bytes(answer("OK", "Connection: close\r\n"), at(1ms)), Wish::nothing);
  EXPECT_EQ(early.causes({ErrorKind::closed, AnswerProgress::before_first_byte}), 2U);
}

TEST(ClientConnection, ReadsABodyThatTheEndOfTheStreamEnds) {
  Bench bench(1);
  bench.send(at(0s));
  EXPECT_EQ(bench.connection.on_bytes("HTTP/1.1 200 OK\r\n\r\nO", at(1ms)), Wish::nothing);
  EXPECT_EQ(bench.connection.on_bytes("K", at(2ms)), Wish::nothing);
  EXPECT_EQ(bench.connection.on_end_of_stream(at(3ms)), Wish::close);
  EXPECT_EQ(bench.tally.answered(), 1U);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
  EXPECT_EQ(bench.tally.kinds[0].latencies.service.values().max(), 3'000'000);
}

TEST(ClientConnection, WithoutKeepAliveEndsWhateverTheServerSays) {
  Bench bench(make_script(url_of("http://h/"), std::vector<RequestSpec>(1), 1, 1));
  bench.send(at(0s));
  EXPECT_EQ(bench.connection.on_bytes(answer("OK"), at(1ms)), Wish::nothing);
  EXPECT_EQ(bench.connection.state(), ClientState::lingering);
  EXPECT_EQ(bench.connection.on_check(at(1ms) + kLinger - 1ns, 1s), Wish::nothing);
  EXPECT_EQ(bench.connection.on_check(at(1ms) + kLinger, 1s), Wish::close);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
}

TEST(ClientConnection, TimesOutByTheOldestRequest) {
  Bench bench(2);
  bench.send(at(0s));
  bench.connection.on_bytes(answer("OK"), at(900ms));
  EXPECT_EQ(bench.connection.on_check(at(1s) - 1ns, 1s), Wish::nothing);
  EXPECT_EQ(bench.connection.on_check(at(1s), 1s), Wish::close);
  EXPECT_EQ(bench.errors(ErrorKind::timeout), 1U);
  EXPECT_EQ(bench.tally.errors().total(), 1U);
}

TEST(ClientConnection, TimesOutWhileConnecting) {
  Bench bench(1);
  bench.connection.begin_close();
  bench.connection.on_closed();
  bench.connection.begin_connect(at(1s));
  EXPECT_EQ(bench.connection.on_check(at(2s) - 1ns, 1s), Wish::nothing);
  EXPECT_EQ(bench.connection.on_check(at(2s), 1s), Wish::close);
  EXPECT_EQ(bench.errors(ErrorKind::connect), 1U);
  EXPECT_EQ(bench.causes({ErrorKind::connect, AnswerProgress::no_request, ETIMEDOUT}), 1U);
}

TEST(ClientConnection, CountsWhatIsGivenUpAsUnanswered) {
  Bench bench(4);
  bench.send(at(0s));
  bench.connection.on_bytes(answer("OK"), at(1ms));
  bench.connection.abandon(at(1ms));
  EXPECT_EQ(bench.tally.kinds[0].unanswered, 3U);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
}

TEST(ClientConnection, BeginsAnewAfterALoss) {
  Bench bench(1);
  bench.send(at(0s));
  bench.connection.on_bytes("HTTP/1.1 200 OK\r\nContent-Le", at(1ms));
  EXPECT_EQ(bench.connection.on_end_of_stream(at(2ms)), Wish::close);
  bench.connection.begin_close();
  bench.connection.on_closed();
  bench.connection.begin_connect(at(3ms));
  bench.connection.on_connected();
  bench.send(at(4ms));
  EXPECT_EQ(bench.connection.on_bytes(answer("OK"), at(5ms)), Wish::more);
  EXPECT_EQ(bench.tally.answered(), 1U);
  EXPECT_EQ(bench.errors(ErrorKind::closed), 1U);
}

TEST(ClientConnection, BeginsAnewWithNothingOfABatchThatWasCutOff) {
  Bench bench(4);
  const std::string_view batch = bench.begin_batch(at(0s));
  EXPECT_EQ(bench.connection.on_sent(batch.size() / 2, at(0s)), Wish::send);
  EXPECT_EQ(bench.connection.on_send_failed(ECONNRESET, at(1ms)), Wish::close);
  bench.connection.begin_close();
  bench.connection.on_closed();
  bench.connection.begin_connect(at(2ms));
  bench.connection.on_connected();
  EXPECT_EQ(bench.connection.room(), 4U);
  bench.send(at(3ms));
  EXPECT_EQ(bench.connection.outstanding(), 4U);
}

TEST(ClientConnection, ReadsAnswersToHead) {
  RequestSpec spec;
  spec.method = "HEAD";
  Expectation expected;
  expected.check_length = true;
  expected.body_bytes = 0;
  Bench bench(2, spec, expected);
  bench.send(at(0s));
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
  EXPECT_EQ(bench.connection.on_bytes(head + head, at(1ms)), Wish::more);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
}

// A head that is equal to the last one is not parsed: the outcome must be the same as if it were.
TEST(ClientConnection, TakesAnEqualHeadForWhatItWas) {
  const std::string first = answer("OK", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  const std::string second = answer("OK", "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
  const std::string longer = answer("OK", "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\nX: y\r\n");
  const std::string wrong =
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\nContent-Length: 1\r\n\r\nO";
  Bench bench(8);
  bench.send(at(0s));
  EXPECT_EQ(
      bench.connection.on_bytes(first + first + second + second + longer + wrong + wrong + first, at(1ms)),
      Wish::more);
  EXPECT_EQ(bench.tally.answered(), 8U);
  EXPECT_EQ(bench.errors(ErrorKind::length), 2U);
  EXPECT_EQ(bench.tally.errors().total(), 2U);
}

// Kinds whose answers differ in length; "/1" is answered with "1", "/22" with "22".
Script mix_of(std::uint32_t pipeline) {
  std::vector<RequestSpec> specs(3);
  const char* const kTargets[] = {"/1", "/22", "/333"};
  Url url;
  EXPECT_EQ(parse_url("http://h/", url), "");
  for (std::size_t i = 0; i < specs.size(); ++i) specs[i].target = kTargets[i];
  Script script = make_script(url, specs, pipeline);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    script.kinds[i].expected = {.check_length = true, .body_bytes = i + 1, .body = {}};
  }
  return script;
}

// The targets of the requests in `batch`, without the '/'.
std::vector<std::string> targets_in(std::string_view batch) {
  std::vector<std::string> targets;
  while (!batch.empty()) {
    const std::size_t from = batch.find('/') + 1;
    targets.emplace_back(batch.substr(from, batch.find(' ', from) - from));
    batch.remove_prefix(batch.find("\r\n\r\n") + 4);
  }
  return targets;
}

TEST(MixedConnection, TakesEachAnswerForTheKindThatWasAskedAtItsPlace) {
  for (const std::uint32_t depth : {1U, 16U}) {
    Bench bench(mix_of(depth));
    std::vector<std::uint64_t> asked(3);
    Time now = at(0s);
    for (int round = 0; round < 100; ++round) {
      const std::vector<std::string> targets = targets_in(bench.begin_batch(now));
      ASSERT_EQ(targets.size(), depth);
      bench.connection.on_sent(bench.connection.unsent().size(), now);
      std::string stream;
      for (const std::string& target : targets) {
        stream += answer(target);
        ++asked[target.size() - 1];
      }
      // In two pieces, so that an answer of each kind is cut somewhere.
      const std::size_t cut = static_cast<std::size_t>(round) % stream.size();
      bench.connection.on_bytes(std::string_view(stream).substr(0, cut), now);
      ASSERT_EQ(bench.connection.on_bytes(std::string_view(stream).substr(cut), now + 1ms), Wish::more);
      now += 1s;
    }
    EXPECT_EQ(bench.tally.errors().total(), 0U);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      EXPECT_GT(asked[i], 0U);
      EXPECT_EQ(bench.tally.kinds[i].answered, asked[i]);
      EXPECT_EQ(bench.tally.kinds[i].measured(), asked[i]);
    }
    EXPECT_EQ(bench.tally.answered(), 100 * depth);
    EXPECT_EQ(bench.tally.measured(), 100 * depth);
  }
}

TEST(MixedConnection, CountsABadAnswerUnderItsKind) {
  Bench bench(mix_of(64));
  const std::vector<std::string> targets = targets_in(bench.begin_batch(at(0s)));
  bench.connection.on_sent(bench.connection.unsent().size(), at(0s));
  std::string stream;
  std::vector<std::uint64_t> asked(3);
  for (const std::string& target : targets) {
    ++asked[target.size() - 1];
    // Right for another kind, wrong for this one; and another status.
    if (target == "22") stream += answer("333");
    if (target == "333") stream += "HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\n333";
    if (target == "1") stream += answer("1");
  }
  EXPECT_EQ(bench.connection.on_bytes(stream, at(1ms)), Wish::more);
  const std::vector<KindTally>& kinds = bench.tally.kinds;
  EXPECT_EQ(kinds[0].errors.total(), 0U);
  EXPECT_EQ(kinds[0].measured(), asked[0]);
  EXPECT_GT(asked[1], 0U);
  EXPECT_EQ(kinds[1].errors.of(ErrorKind::length), asked[1]);
  EXPECT_EQ(kinds[1].measured(), 0U);
  EXPECT_GT(asked[2], 0U);
  EXPECT_EQ(kinds[2].errors.of(ErrorKind::status), asked[2]);
  EXPECT_EQ(kinds[2].errors.total(), asked[2]);
  EXPECT_EQ(bench.tally.errors().total(), asked[1] + asked[2]);
}

TEST(MixedConnection, LosesEachRequestUnderItsKind) {
  Bench bench(mix_of(64));
  const std::vector<std::string> targets = targets_in(bench.begin_batch(at(0s)));
  bench.connection.on_sent(bench.connection.unsent().size(), at(0s));
  bench.connection.on_bytes(answer(targets[0]), at(1ms));
  EXPECT_EQ(bench.connection.on_receive_failed(ECONNRESET, at(1ms)), Wish::close);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto lost = std::count_if(targets.begin() + 1, targets.end(),
                                    [i](const std::string& target) { return target.size() == i + 1; });
    EXPECT_EQ(bench.tally.kinds[i].errors.of(ErrorKind::read), static_cast<std::uint64_t>(lost));
  }
}

// The same octets are a whole answer to a HEAD and the beginning of one to a GET.
TEST(MixedConnection, ReadsEqualHeadsByWhatWasAsked) {
  std::vector<RequestSpec> specs(2);
  specs[1].method = "HEAD";
  Url url;
  ASSERT_EQ(parse_url("http://h/", url), "");
  Script script = make_script(url, specs, 32);
  script.kinds[0].expected = {.check_length = true, .body_bytes = 2, .body = {}};
  script.kinds[1].expected = {.check_length = true, .body_bytes = 0, .body = {}};
  Bench bench(std::move(script));
  std::string_view batch = bench.begin_batch(at(0s));
  bench.connection.on_sent(batch.size(), at(0s));
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  std::string stream;
  for (; !batch.empty(); batch.remove_prefix(batch.find("\r\n\r\n") + 4)) {
    stream += batch.front() == 'H' ? head : head + "OK";
  }
  EXPECT_EQ(bench.connection.on_bytes(stream, at(1ms)), Wish::more);
  EXPECT_GT(bench.tally.kinds[0].measured(), 0U);
  EXPECT_GT(bench.tally.kinds[1].measured(), 0U);
  EXPECT_EQ(bench.tally.measured(), 32U);
  EXPECT_EQ(bench.tally.errors().total(), 0U);
}

TEST(MixedConnection, StampsRequestsOfDifferentSizesWhenTheyAreHandedOver) {
  for (std::size_t cut = 1;; ++cut) {
    Bench bench(mix_of(4));
    const std::string batch(bench.begin_batch(at(0s)));
    if (cut == batch.size()) break;
    EXPECT_EQ(bench.connection.on_sent(cut, at(10ms)), Wish::send);
    EXPECT_EQ(bench.connection.unsent(), std::string_view(batch).substr(cut));
    EXPECT_EQ(bench.connection.on_sent(batch.size() - cut, at(10ms)), Wish::nothing);
    std::string stream;
    for (const std::string& target : targets_in(batch)) stream += answer(target);
    EXPECT_EQ(bench.connection.on_bytes(stream, at(15ms)), Wish::more);
    // As many as have an octet before the cut.
    std::int64_t begun = 1;
    for (std::size_t end = 0; (end = batch.find("\r\n\r\n", end)) != std::string::npos;) {
      end += 4;
      if (end < cut) ++begun;
    }
    const Histogram latency = bench.tally.latencies().service.values();
    EXPECT_EQ(latency.count_at(Histogram::index_of(15'000'000)), begun) << cut;
    EXPECT_EQ(latency.count_at(Histogram::index_of(5'000'000)), 4 - begun) << cut;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
