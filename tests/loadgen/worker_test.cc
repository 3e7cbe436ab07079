// A worker's whole loop in virtual time: schedules, windows, timeouts, losses, without a socket and without
// sleeping.
#include "loadgen/drive/worker.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/base/limits.h"
#include "tests/loadgen/fake_io.h"

namespace httpdyno::loadgen {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
constexpr std::string_view kClosingAnswer =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";

using TestWorker = Worker<FakeIo, FakeClock>;

class WorkerTest : public testing::Test {
 protected:
  // `io` first: it sets the time.
  void make(std::uint32_t connections, std::uint32_t pipeline = 1,
            std::uint64_t requests_per_connection = Script::kUnlimited) {
    Url url;
    ASSERT_EQ(parse_url("http://h/", url), "");
    const RequestSpec spec;
    script_ = make_script(url, {&spec, 1}, pipeline, requests_per_connection);
    script_.kinds[0].expected.check_length = true;
    script_.kinds[0].expected.body_bytes = 2;
    worker_ = std::make_unique<TestWorker>(
        io_, script_,
        WorkerConfig{.server = {}, .connections = connections, .timeout = 500ms, .arrivals = arrivals_});
    begin_ = FakeClock::now();
    // The server, if a test sets no other: each connection's requests one after another, kService each.
    io_.on_request = [this](io::ConnId id, std::string_view bytes) {
      for (std::size_t i = whole_requests(id, bytes); i > 0; --i) answer_next(id, kAnswer);
    };
  }
  // How many requests `bytes` complete on this connection.
  std::size_t whole_requests(io::ConnId id, std::string_view bytes) {
    std::size_t& seen = octets_[id.index];
    const std::size_t before = seen / script_.kinds[0].octets.size();
    seen += bytes.size();
    return seen / script_.kinds[0].octets.size() - before;
  }
  void answer_next(io::ConnId id, std::string_view bytes) {
    Time& free = free_at_[id.index];
    free = std::max(free, FakeClock::now()) + kService;
    ++answers_;
    io_.answer(id, std::string(bytes), free);
  }
  // A run of `length` from now; the window is all of it unless `warmup` says less.
  RunEnd run(Duration length, Duration warmup = 0s) {
    worker_->connect_all();
    start_ = FakeClock::now();
    worker_->ledger().set_window({start_ + warmup, start_ + length});
    const RunEnd end = worker_->run(start_, start_ + length, drain_limit(500ms, 1));
    worker_->ledger().take_all(tally_);
    for (const KindTally& kind : tally_.kinds)
      EXPECT_TRUE(kind.balances()) << "whatever was sent has one fate";
    return end;
  }
  const Tally& tally() const { return tally_; }
  const Histogram& service() const { return tally_.kinds[0].latencies.service.values(); }
  std::uint64_t errors(ErrorKind kind) const { return tally_.errors().of(kind); }

  static constexpr Duration kService = 100us;

  FakeIo io_;
  Arrivals arrivals_;  // before make()
  Script script_;
  std::unique_ptr<TestWorker> worker_;
  Tally tally_;  // of all runs
  Time begin_;
  Time start_;
  std::map<std::uint32_t, std::size_t> octets_;
  std::map<std::uint32_t, Time> free_at_;
  std::uint64_t answers_ = 0;
};

TEST_F(WorkerTest, GivesPipelinedRequestsTheirOwnLatencies) {
  constexpr std::uint32_t kDepth = 8;
  make(4, kDepth);
  ASSERT_EQ(run(80 * kService), RunEnd::done);
  // 10 batches on each of 4 connections, request j of a batch after j service times.
  EXPECT_EQ(tally().answered(), 4U * 10 * kDepth);
  EXPECT_EQ(tally().answered(), answers_);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_DOUBLE_EQ(service().mean(), (kDepth + 1) * 100'000 / 2.0);
  EXPECT_EQ(service().max(), kDepth * 100'000);
  for (std::int64_t j = 1; j <= kDepth; ++j) {
    EXPECT_EQ(service().count_at(Histogram::index_of(j * 100'000)), 40) << j;
  }
  EXPECT_EQ(io_.sends, 40U);
}

TEST_F(WorkerTest, SendsNothingAfterItsTimeAndWaitsForWhatIsOutstanding) {
  make(3);
  ASSERT_EQ(run(10 * kService + kService / 2), RunEnd::done);
  EXPECT_LT(io_.last_send, start_ + 10 * kService + kService / 2);
  EXPECT_EQ(tally().answered(), 3U * 11);
  EXPECT_EQ(tally().kinds[0].answered_in_window, 3U * 10) << "the last answers came after it";
  EXPECT_EQ(service().total(), 33);
  EXPECT_EQ(FakeClock::now(), start_ + 11 * kService);
  EXPECT_EQ(io_.open_connections(), 3U);
}

TEST_F(WorkerTest, LeavesTheWarmUpOut) {
  make(1);
  ASSERT_EQ(run(100 * kService, 40 * kService), RunEnd::done);
  EXPECT_EQ(tally().answered(), 100U);
  EXPECT_EQ(service().total(), 60);
  // The answers at the window's two ends: the first of them was asked for in the warm-up.
  EXPECT_EQ(tally().kinds[0].answered_in_window, 60U);
}

TEST_F(WorkerTest, RunsAgainOnTheSameConnections) {
  make(2);
  ASSERT_EQ(run(10 * kService), RunEnd::done);
  EXPECT_EQ(tally().answered(), 20U);
  ASSERT_EQ(run(10 * kService), RunEnd::done);
  EXPECT_EQ(tally().answered(), 40U);
  EXPECT_EQ(io_.connects, 2U);
  EXPECT_EQ(tally().reconnects, 0U);
}

TEST_F(WorkerTest, MakesManyConnectionsAFewAtATime) {
  make(3 * kConnectsAtOnce);
  std::size_t most = 0;
  io_.connect_result = [&] {
    most = std::max(most, static_cast<std::size_t>(io_.connects));
    return 0;
  };
  worker_->connect_all();
  EXPECT_EQ(io_.connects, 3 * kConnectsAtOnce);
  EXPECT_EQ(FakeClock::now(), begin_ + 3 * io_.connect_time);
}

TEST_F(WorkerTest, TimesOutAndConnectsAnew) {
  make(2, 4);
  io_.on_request = [this](io::ConnId id, std::string_view bytes) {
    for (std::size_t i = whole_requests(id, bytes); i > 0; --i) {
      // One connection is answered once and never again.
      if (id.index == 0 && answers_ >= 4) continue;
      answer_next(id, kAnswer);
    }
  };
  ASSERT_EQ(run(700ms), RunEnd::done);
  EXPECT_EQ(errors(ErrorKind::timeout), 8U)
      << "one batch during the run, and the one after it during the drain";
  EXPECT_EQ(tally().errors().total(), 8U);
  EXPECT_EQ(tally().reconnects, 1U);
  EXPECT_EQ(tally().answered(), answers_);
  EXPECT_LE(FakeClock::now(), start_ + 700ms + drain_limit(500ms, 1) + 20ms);
}

TEST_F(WorkerTest, LooksForTimeoutsAfterWhatIsHereAlready) {
  make(2);
  io_.received_per_wait = 1;
  // The process stands still for longer than the timeout, right after both requests were sent.
  bool stopped = false;
  io_.on_request = [&](io::ConnId id, std::string_view) {
    answer_next(id, kAnswer);
    if (!stopped) io_.call(FakeClock::now() + kService / 2, [] { FakeClock::value += 2s; });
    stopped = true;
  };
  ASSERT_EQ(run(1s), RunEnd::done);
  EXPECT_EQ(tally().answered(), 2U);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_EQ(service().total(), 2);
}

TEST_F(WorkerTest, LooksForTimeoutsEvenIfThereIsAlwaysMore) {
  make(1);
  io_.received_per_wait = 0;
  ASSERT_EQ(run(1s), RunEnd::done);
  EXPECT_EQ(errors(ErrorKind::timeout), 1U);
  EXPECT_EQ(tally().answered(), 0U);
}

TEST_F(WorkerTest, CountsTheRequestsOfALostConnection) {
  make(1, 4);
  int batches = 0;
  io_.on_request = [&](io::ConnId id, std::string_view) {
    ++batches;
    answer_next(id, kAnswer);
    if (batches == 1) {
      io_.end(id, FakeClock::now() + 1ms);
    } else if (batches == 2) {
      io_.fail(id, ECONNRESET, FakeClock::now() + 1ms);
    } else {
      for (int i = 0; i < 3; ++i) answer_next(id, kAnswer);
    }
  };
  ASSERT_EQ(run(50ms), RunEnd::done);
  EXPECT_EQ(errors(ErrorKind::closed), 3U);
  EXPECT_EQ(errors(ErrorKind::read), 3U);
  EXPECT_EQ(tally().errors().total(), 6U);
  EXPECT_EQ(tally().answered(), answers_);
  EXPECT_EQ(tally().reconnects, 2U);
}

TEST_F(WorkerTest, TakesAServersCapOnRequestsForNoError) {
  make(2, 2);
  io_.on_request = [this](io::ConnId id, std::string_view) {
    answer_next(id, kAnswer);
    answer_next(id, kClosingAnswer);
    io_.end(id, free_at_[id.index]);
  };
  ASSERT_EQ(run(50 * kService), RunEnd::done);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_EQ(tally().answered(), answers_);
  EXPECT_GT(tally().reconnects, 10U);
}

TEST_F(WorkerTest, UsesOneConnectionPerRequestWithoutKeepAlive) {
  make(3, 1, 1);
  io_.on_request = [this](io::ConnId id, std::string_view) {
    answer_next(id, kClosingAnswer);
    io_.end(id, free_at_[id.index]);
  };
  ASSERT_EQ(run(50 * kService), RunEnd::done);
  EXPECT_GT(tally().answered(), 60U);
  EXPECT_EQ(io_.connects, tally().answered());
  EXPECT_EQ(io_.sends, tally().answered());
  EXPECT_EQ(io_.open_connections(), 0U);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_EQ(tally().reconnects, 0U);
  EXPECT_EQ(service().max(), 100'000) << "from the send, not from the connect";
}

TEST_F(WorkerTest, EndsAConnectionThatTheServerShouldHaveEnded) {
  make(1, 1, 1);
  io_.on_request = [this](io::ConnId id, std::string_view) { answer_next(id, kAnswer); };
  ASSERT_EQ(run(1s), RunEnd::done);
  EXPECT_GE(tally().answered(), 9U);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_EQ(io_.open_connections(), 0U);
}

TEST_F(WorkerTest, GivesUpWhenTheServerIsGone) {
  make(2);
  bool dead = false;
  io_.connect_result = [&] { return dead ? ECONNREFUSED : 0; };
  io_.on_request = [&](io::ConnId id, std::string_view) {
    if (FakeClock::now() > start_ + 10ms) dead = true;
    if (dead) {
      io_.end(id, FakeClock::now());
    } else {
      answer_next(id, kAnswer);
    }
  };
  ASSERT_EQ(run(60s), RunEnd::server_gone);
  EXPECT_EQ(errors(ErrorKind::closed), 2U);
  EXPECT_GT(errors(ErrorKind::connect), 10U);
  EXPECT_LT(errors(ErrorKind::connect), 300U) << "a dead server is not hammered";
  EXPECT_EQ(tally().errors().of({ErrorKind::connect, AnswerProgress::no_request, ECONNREFUSED}),
            errors(ErrorKind::connect));
  EXPECT_LT(FakeClock::now(), start_ + 10ms + kGoneAfter + 100ms);
  EXPECT_EQ(tally().answered(), answers_);
}

TEST_F(WorkerTest, AccountsForAllRequestsWhenTheBackendFails) {
  make(4, 4);
  io_.on_request = [this](io::ConnId, std::string_view) { io_.wait_error = {EBADF, "epoll_wait"}; };
  ASSERT_EQ(run(1s), RunEnd::io_failed);
  EXPECT_EQ(worker_->io_error().code, EBADF);
  EXPECT_EQ(tally().sent(), 16U);
  EXPECT_EQ(tally().unanswered(), 16U);
}

// A connection that waits for a due request is one that a server may end.
TEST_F(WorkerTest, SendsNothingDueOnAConnectionThatHasEnded) {
  arrivals_.kind = Arrivals::Kind::constant;
  arrivals_.rate = Rate::of(1000);
  io_.spin_to = [](Time now) { return now + 1us; };
  make(3);
  for (const Duration when : {2500us, 3500us, 7500us}) {
    io_.call(begin_ + 200us + when, [this] {
      for (std::uint32_t i = 0; i < 3; ++i) {
        for (std::uint32_t generation = 1; generation < 5; ++generation)
          io_.end({i, generation}, FakeClock::now());
      }
    });
  }
  ASSERT_EQ(run(20ms), RunEnd::done);
  EXPECT_EQ(worker_->due(), 20U);
  EXPECT_EQ(tally().answered(), 20U);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_EQ(tally().reconnects, 9U);
}

// It says something before it is asked: every answer is that to the request before.
TEST_F(WorkerTest, FindsOutAServerThatIsOneAnswerAhead) {
  make(2);
  io_.connect_time = 0us;
  bool ahead = false;
  io_.on_request = [&](io::ConnId id, std::string_view) {
    answer_next(id, kAnswer);
    if (!std::exchange(ahead, true)) io_.answer(id, std::string(kAnswer), FakeClock::now() + 50us);
  };
  ASSERT_EQ(run(10ms), RunEnd::done);
  EXPECT_EQ(tally().errors().total(), 0U) << "all requests have an answer";
  worker_->listen(kLastListen);
  worker_->ledger().take_all(tally_);
  EXPECT_EQ(errors(ErrorKind::unsolicited), 1U);
  EXPECT_EQ(tally().errors().total(), 1U);
}

TEST_F(WorkerTest, MindsWhatComesBeforeTheRun) {
  make(1);
  worker_->connect_all();
  io_.answer({0, 1}, std::string(kAnswer), FakeClock::now());
  worker_->take_in();
  ASSERT_EQ(run(100ms), RunEnd::done);
  EXPECT_EQ(errors(ErrorKind::unsolicited), 1U);
  EXPECT_EQ(tally().answered(), answers_);
  EXPECT_EQ(tally().reconnects, 1U);
}

// A server that ends a connection when it is told to, and counts the requests of each.
class ChurnTest : public WorkerTest {
 protected:
  void serve() {
    io_.on_request = [this](io::ConnId id, std::string_view bytes) {
      std::string& input = input_[{id.index, id.generation}].append(bytes);
      constexpr std::string_view kEnd = "\r\n\r\n";
      for (std::size_t end = 0; (end = input.find(kEnd)) != std::string::npos;
           input.erase(0, end + kEnd.size())) {
        ++requests_[{id.index, id.generation}];
        const bool last = input.substr(0, end).find("\r\nConnection: close") != std::string::npos;
        answer_next(id, last ? kClosingAnswer : kAnswer);
        if (last) io_.end(id, free_at_[id.index] + 10us);
      }
    };
  }
  // All but those under way at the end have had `each`.
  void expect_full_connections(std::uint64_t each) {
    worker_->listen(10ms);  // those that were being made
    worker_->ledger().take_all(tally_);
    EXPECT_EQ(tally().errors().total(), 0U);
    EXPECT_EQ(tally().answered(), answers_);
    EXPECT_EQ(tally().connections, io_.connects);
    EXPECT_EQ(tally().reconnects, 0U) << "they end as they should";
    std::map<std::uint32_t, std::uint32_t> newest;
    for (const auto& [id, count] : requests_) newest[id.first] = std::max(newest[id.first], id.second);
    for (const auto& [id, count] : requests_) {
      EXPECT_LE(count, each);
      EXPECT_TRUE(count == each || id.second == newest[id.first]) << id.first << ", " << id.second;
    }
  }

  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> input_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> requests_;
};

class ChurnOfTest : public ChurnTest, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(ChurnOfTest, GivesAConnectionSoManyRequests) {
  make(3, 1, GetParam());
  serve();
  ASSERT_EQ(run(100ms), RunEnd::done);
  EXPECT_GT(io_.connects, 3U * 3);
  expect_full_connections(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Requests, ChurnOfTest, testing::Values(1, 2, 7));

TEST_F(ChurnTest, CutsTheLastBatch) {
  make(2, 4, 10);
  serve();
  ASSERT_EQ(run(100ms), RunEnd::done);
  expect_full_connections(10);
  EXPECT_EQ(io_.sends, std::accumulate(requests_.begin(), requests_.end(), std::uint64_t{0},
                                       [](std::uint64_t sum, const auto& one) {
                                         return sum + (one.second + 3) / 4;  // batches of 4, 4 and 2
                                       }));
}

TEST_F(ChurnTest, CutsTheLastBatchOfAMix) {
  make(2, 4, 10);
  Url url;
  ASSERT_EQ(parse_url("http://h/", url), "");
  std::vector<RequestSpec> specs(2);
  specs[1].target = "/longer";
  script_ = make_script(url, specs, 4, 10);
  worker_ = std::make_unique<TestWorker>(io_, script_,
                                         WorkerConfig{.server = {}, .connections = 2, .timeout = 500ms});
  io_.send_max = 50;  // in pieces, which end anywhere
  serve();
  ASSERT_EQ(run(100ms), RunEnd::done);
  EXPECT_GT(tally().connections, 8U);
  expect_full_connections(10);
}

struct OpenChurn {
  std::uint32_t pipeline;
  std::uint64_t requests;
};
class OpenChurnTest : public ChurnTest, public testing::WithParamInterface<OpenChurn> {};

TEST_P(OpenChurnTest, DropsNothingThatIsDue) {
  arrivals_.kind = Arrivals::Kind::constant;
  arrivals_.rate = Rate::of(5000);
  io_.spin_to = [](Time now) { return now + 1us; };
  make(4, GetParam().pipeline, GetParam().requests);
  serve();
  ASSERT_EQ(run(100ms), RunEnd::done);
  EXPECT_EQ(worker_->due(), 500U);
  EXPECT_EQ(tally().answered(), 500U);
  EXPECT_GE(tally().connections, 500 / GetParam().requests);
  expect_full_connections(GetParam().requests);
}

INSTANTIATE_TEST_SUITE_P(Ways, OpenChurnTest,
                         testing::Values(OpenChurn{1, 1}, OpenChurn{1, 5}, OpenChurn{4, 5}));

TEST_F(WorkerTest, CountsARequestWhoseConnectionIsNeverMadeAsDueOnce) {
  arrivals_.kind = Arrivals::Kind::constant;
  arrivals_.rate = Rate::of(100);
  io_.spin_to = [](Time now) { return now + 1us; };
  make(2, 1, 1);
  io_.connect_result = [] { return ECONNREFUSED; };
  ASSERT_EQ(run(200ms), RunEnd::done);
  EXPECT_EQ(worker_->due(), 20U);
  EXPECT_EQ(tally().queued, 20U);
  EXPECT_EQ(tally().due_in_window, 20U);
}

TEST_F(WorkerTest, DoesNotHammerAServerThatEndsEveryConnection) {
  make(1);
  io_.on_request = [this](io::ConnId id, std::string_view) { io_.end(id, FakeClock::now()); };
  ASSERT_EQ(run(1s), RunEnd::done);
  EXPECT_GT(errors(ErrorKind::closed), 10U);
  EXPECT_LE(errors(ErrorKind::closed), 100U);
}

TEST_F(WorkerTest, StopsWhenItIsToldTo) {
  make(2, 4);
  std::uint64_t answered = 0;
  io_.on_request = [&](io::ConnId id, std::string_view bytes) {
    for (std::size_t i = whole_requests(id, bytes); i > 0; --i) {
      if (++answered <= 8) answer_next(id, kAnswer);  // then it is silent
    }
  };
  io_.call(FakeClock::now() + 50ms, [&] { worker_->stop(); });
  ASSERT_EQ(run(60s), RunEnd::interrupted);
  EXPECT_EQ(tally().answered(), 8U);
  // The timeout comes before the end of the drain: half a second is less than a second.
  EXPECT_EQ(errors(ErrorKind::timeout) + tally().kinds[0].unanswered, 8U);
  EXPECT_LE(FakeClock::now(), begin_ + 50ms + kInterruptedDrain + 20ms);
  EXPECT_GE(worker_->stopped_at(), begin_ + 50ms);
  EXPECT_LE(worker_->stopped_at(), begin_ + 70ms);
}

TEST_F(WorkerTest, StopsBeforeItHasBegun) {
  make(2);
  worker_->stop();
  EXPECT_EQ(run(60s), RunEnd::interrupted);
  EXPECT_EQ(tally().answered(), 0U);
  EXPECT_EQ(io_.sends, 0U);
}

TEST_F(WorkerTest, SendsTheRestOfWhatTheKernelTookAPartOf) {
  make(2, 4);
  io_.send_max = script_.kinds[0].octets.size() + 3;
  ASSERT_EQ(run(40 * kService), RunEnd::done);
  EXPECT_EQ(tally().errors().total(), 0U);
  EXPECT_EQ(tally().answered(), answers_);
  EXPECT_EQ(tally().answered(), 80U);
}

TEST_F(WorkerTest, CountsEveryOctet) {
  make(3, 2);
  ASSERT_EQ(run(20 * kService), RunEnd::done);
  EXPECT_EQ(tally().bytes_received, tally().answered() * kAnswer.size());
}

TEST_F(WorkerTest, CountsAnAnswerThatNobodyAskedFor) {
  make(1);
  io_.on_request = [this](io::ConnId id, std::string_view) {
    answer_next(id, std::string(kAnswer) + std::string(kAnswer));
  };
  ASSERT_EQ(run(5ms), RunEnd::done);
  EXPECT_EQ(errors(ErrorKind::unsolicited), 1U);
  EXPECT_EQ(tally().answered(), 1U);
}

// What connection 1 and 2 of a run send does not depend on which thread has them.
TEST_F(WorkerTest, DrawsTheSameForAConnectionWhereverItIs) {
  Url url;
  ASSERT_EQ(parse_url("http://h/", url), "");
  std::vector<RequestSpec> specs(2);
  specs[1].target = "/o";
  script_ = make_script(url, specs, 1);
  const auto sent_by = [&](std::uint32_t connections, std::uint32_t first, std::uint64_t seed) {
    std::map<std::uint32_t, std::string> sent;
    FakeIo io;
    TestWorker worker(io, script_,
                      WorkerConfig{.server = {},
                                   .connections = connections,
                                   .first_connection = first,
                                   .seed = seed,
                                   .timeout = 500ms});
    io.on_request = [&](io::ConnId id, std::string_view bytes) {
      sent[first + id.index] += bytes;
      io.answer(id, std::string(kAnswer), FakeClock::now() + kService);
    };
    worker.connect_all();
    worker.run(FakeClock::now(), FakeClock::now() + 40 * kService, drain_limit(500ms, 1));
    return sent;
  };
  const auto all = sent_by(3, 0, 7);
  const auto last = sent_by(2, 1, 7);
  EXPECT_EQ(all.at(1), last.at(1));
  EXPECT_EQ(all.at(2), last.at(2));
  EXPECT_NE(all.at(1), all.at(2));
  EXPECT_NE(all.at(1), sent_by(3, 0, 8).at(1));
  EXPECT_NE(all.at(1).find("/o"), std::string::npos);
}

}  // namespace
}  // namespace httpdyno::loadgen
