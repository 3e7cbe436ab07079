// What the load generator prints against what is true, in virtual time and exactly: not a quantile here or
// there but every bucket of the histogram, from a closed form for each request.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <functional>
#include <tuple>
#include <vector>

#include "tests/loadgen/oracles.h"
#include "tests/loadgen/virtual_load.h"

namespace httpdyno::loadgen {
namespace {

constexpr double kPercents[] = {50, 90, 95, 99, 99.9};

Arrivals constant(Rate rate) { return {.kind = Arrivals::Kind::constant, .rate = rate, .rate_to = {}}; }
Arrivals poisson(Rate rate, std::uint64_t seed) {
  return {.kind = Arrivals::Kind::poisson, .rate = rate, .rate_to = {}, .seed = seed};
}

Histogram series(std::uint64_t count, const std::function<Duration(std::uint64_t k)>& value) {
  Histogram out;
  for (std::uint64_t k = 0; k < count; ++k) out.record(value(k).count());
  return out;
}

// As a person reads it: the highest value that shares a bucket with this one.
std::int64_t as_printed(std::int64_t value, const Histogram& of) {
  return std::min(Histogram::highest_at(Histogram::index_of(value)), of.max());
}

using Buckets = std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>;
Buckets buckets(const Histogram& histogram) {
  Buckets out;
  histogram.each_recorded([&](auto... bucket) { out.emplace_back(bucket...); });
  return out;
}

void expect_same(const Histogram& found, const Histogram& wanted) {
  EXPECT_EQ(found.total(), wanted.total());
  EXPECT_EQ(found.min(), wanted.min());
  EXPECT_EQ(found.max(), wanted.max());
  EXPECT_DOUBLE_EQ(found.mean(), wanted.mean());
  EXPECT_EQ(buckets(found), buckets(wanted));
}

// What holds for every run: each due request is somewhere, and has both of its halves.
void expect_complete(const VirtualRun& run, std::uint64_t due) {
  EXPECT_EQ(run.due, due);
  EXPECT_EQ(run.due, run.tally.sent() + run.tally.queued + run.tally.shed);
  EXPECT_EQ(run.latencies.response.values().total(), static_cast<std::int64_t>(due));
  EXPECT_EQ(run.latencies.queue.values().total(), static_cast<std::int64_t>(due));
  const auto sum = [](const Latency& latency) {
    return latency.values().mean() * static_cast<double>(latency.values().total());
  };
  // What was never sent has no service time: its whole response is queue.
  EXPECT_DOUBLE_EQ(sum(run.latencies.response), sum(run.latencies.queue) + sum(run.latencies.service));
}

// --- the stalling server: 100 ms out of every second ---

constexpr Duration kStall = 100ms;
constexpr Duration kEvery = 1s;
constexpr std::uint64_t kPeriods = 3;

std::function<ServerScript(Time)> stalling(Duration service, bool serial) {
  return [=](Time begin) {
    const Stalls stalls = {.first = begin, .every = kEvery, .lasts = kStall};
    return serial ? serial_server(service, stalls) : parallel_server(service, stalls);
  };
}

void expect_stalls(const VirtualRun& run, Rate rate, const oracle::StallingServer& truth) {
  const auto per_period = static_cast<std::uint64_t>(rate.per_second());
  const double gap = 1e9 / rate.per_second();
  expect_complete(run, kPeriods * per_period);
  expect_same(run.response(), series(run.due, [&](std::uint64_t k) {
                const double since_stall = static_cast<double>(k % per_period) * gap;
                const double wait = std::max(0.0, oracle::ns(kStall) - since_stall * (1 - truth.rho));
                return truth.service + Duration(oracle::whole_ns(wait));
              }));
  for (const double percent : kPercents) {
    // The closed form is continuous; a series has its value at the last request before.
    const double above = std::floor((100 - percent) / 100 * rate.per_second() + 1e-9);
    const std::int64_t wanted = truth.quantile(100 * (1 - above / rate.per_second()));
    EXPECT_EQ(run.response().percentile(percent), as_printed(wanted, run.response())) << percent;
  }
  EXPECT_NEAR(run.response().mean(), truth.mean_of_series(rate), 1e-3);
}

TEST(StallingServer, IsSeenByEveryRequestThatWasDueInAStall) {
  const Rate rate = Rate::of(10'000);
  const oracle::StallingServer truth = {.service = 200us, .lasts = kStall, .every = kEvery, .rho = 0};
  const VirtualRun run =
      run_virtually({.arrivals = constant(rate), .length = kPeriods * kEvery, .connections = 1024},
                    stalling(truth.service, false));
  expect_stalls(run, rate, truth);
  // The table of the requirements: s + 50, 90 and 99 ms, and 5 ms more on average.
  EXPECT_EQ(truth.quantile(90), 200'000);
  EXPECT_EQ(truth.quantile(95), 50'200'000);
  EXPECT_EQ(truth.quantile(99), 90'200'000);
  EXPECT_EQ(truth.quantile(99.9), 99'200'000);
  EXPECT_NEAR(truth.mean(), 5'200'000, 1e-3);
}

TEST(StallingServer, IsSeenWithTheBacklogThatItLeaves) {
  const Rate rate = Rate::of(10'000);
  const oracle::StallingServer truth = {.service = 50us, .lasts = kStall, .every = kEvery, .rho = 0.5};
  for (const std::uint32_t connections : {1U, 10U, 1000U}) {
    const VirtualRun run =
        run_virtually({.arrivals = constant(rate), .length = kPeriods * kEvery, .connections = connections},
                      stalling(truth.service, true));
    expect_stalls(run, rate, truth);
  }
  EXPECT_EQ(truth.quantile(90), 50'050'000);
  EXPECT_EQ(truth.quantile(95), 75'050'000);
  EXPECT_EQ(truth.quantile(99), 95'050'000);
  EXPECT_EQ(truth.quantile(99.9), 99'550'000);
  EXPECT_NEAR(truth.mean(), 10'050'000, 1e-3);
}

// Poisson arrivals see time averages: the same quantiles, but for what chance does to the sample.
TEST(StallingServer, IsSeenByPoissonArrivals) {
  constexpr Duration kLength = 6 * kEvery;
  const Arrivals arrivals = poisson(Rate::of(10'000), 4);
  const oracle::StallingServer truth = {.service = 200us, .lasts = kStall, .every = kEvery, .rho = 0};
  const VirtualRun run = run_virtually({.arrivals = arrivals, .length = kLength, .connections = 1500},
                                       stalling(truth.service, false));
  Histogram wanted;
  Schedule due(arrivals, Time(), Time() + kLength, 0, 1);
  for (; due.due() != kNever; due.advance()) {
    const Duration since_stall = (due.due() - Time()) % kEvery;
    wanted.record((truth.service + std::max(Duration::zero(), kStall - since_stall)).count());
  }
  expect_complete(run, due.taken());
  expect_same(run.response(), wanted);
  for (const double percent : kPercents) {
    const double above = (100 - percent) / 100;
    const double deviation =
        oracle::ns(kEvery) * std::sqrt(above * (1 - above) / static_cast<double>(run.due));
    const auto found = static_cast<double>(run.response().percentile(percent));
    const auto wanted_ns = static_cast<double>(truth.quantile(percent));
    EXPECT_NEAR(found, wanted_ns, 3 * deviation + wanted_ns / 1000) << percent;
  }
}

// What the open loop is for: a closed one asks one request in a stall where many would have come.
TEST(StallingServer, IsMissedByAClosedLoop) {
  constexpr Duration kService = 1ms;
  constexpr auto kPerPeriod = static_cast<std::int64_t>((kEvery - kStall) / kService);
  const VirtualRun closed = run_virtually({.length = kPeriods * kEvery}, stalling(kService, true));
  EXPECT_EQ(closed.service().total(), kPeriods * kPerPeriod);
  EXPECT_EQ(closed.service().percentile(99), as_printed(1'000'000, closed.service()));
  EXPECT_EQ(closed.service().percentile(99.9), 101'000'000);
  EXPECT_EQ(closed.service().count_at(Histogram::index_of(101'000'000)), kPeriods);
  EXPECT_EQ(closed.response().total(), 0) << "no due times, no response times";

  const Rate rate = Rate::of(500);
  const VirtualRun open =
      run_virtually({.arrivals = constant(rate), .length = kPeriods * kEvery}, stalling(kService, true));
  expect_stalls(open, rate, {.service = kService, .lasts = kStall, .every = kEvery, .rho = 0.5});
  EXPECT_GT(open.response().percentile(99), 90 * closed.service().percentile(99));
  // The same requests' service times alone hide it just as well.
  EXPECT_EQ(open.service().percentile(99), as_printed(1'000'000, open.service()));
}

// --- other servers ---

TEST(ConstantDelay, IsEveryPercentile) {
  constexpr Duration kDelay = 5ms;
  const Arrivals ramp = {.kind = Arrivals::Kind::ramp, .rate = Rate::of(100), .rate_to = Rate::of(20'000)};
  for (const Arrivals& arrivals : {constant(Rate::of(9'999)), poisson(Rate::of(10'000), 1), ramp}) {
    const VirtualRun run = run_virtually({.arrivals = arrivals, .connections = 200},
                                         [&](Time) { return parallel_server(kDelay); });
    EXPECT_GT(run.due, 9'000U);
    expect_complete(run, run.due);
    expect_same(run.response(), series(run.due, [&](std::uint64_t) { return kDelay; }));
    expect_same(run.service(), run.response());
    EXPECT_EQ(run.latencies.queue.values().max(), 0);
  }
}

TEST(OverloadedServer, IsSlowerWithEveryRequest) {
  constexpr Duration kGap = 500us;
  constexpr Duration kService = 1ms;
  const VirtualRun run = run_virtually({.arrivals = constant(Rate::of(2000)), .connections = 2000},
                                       [&](Time) { return serial_server(kService); });
  expect_complete(run, 2000);
  expect_same(run.response(),
              series(2000, [&](std::uint64_t k) { return oracle::overloaded_response(k, kGap, kService); }));
  // 0.5 R (lambda / mu - 1) + 1 / mu, one request off.
  EXPECT_NEAR(static_cast<double>(run.response().percentile(50)), 501e6, 0.5e6 + 501e6 / 1024);
}

// What is not sent when the run ends is known to have taken so long at least: it stays in the distribution.
TEST(OverloadedServer, KeepsWhatWasNeverSent) {
  constexpr Duration kGap = 500us;
  constexpr Duration kService = 1ms;
  constexpr Duration kEnd = 1s + 250'500us;
  const VirtualRun run =
      run_virtually({.arrivals = constant(Rate::of(2000)), .connections = 1, .drain = kEnd - 1s},
                    [&](Time) { return serial_server(kService); });
  expect_complete(run, 2000);
  EXPECT_EQ(run.tally.answered(), 1250U) << "as many as the server could take";
  EXPECT_EQ(run.tally.unanswered(), 1U);
  EXPECT_EQ(run.tally.queued, 749U);
  EXPECT_EQ(run.tally.shed, 0U);
  expect_same(run.response(), series(2000, [&](std::uint64_t k) {
                return k < 1250 ? oracle::overloaded_response(k, kGap, kService)
                                : kEnd - static_cast<Duration::rep>(k) * kGap;
              }));
  EXPECT_EQ(run.latencies.response.censored(), 750);
  EXPECT_EQ(run.latencies.response.least_censored(), 251'000'000);
  EXPECT_FALSE(run.latencies.response.is_bound(run.response().percentile(12)));
  EXPECT_TRUE(run.latencies.response.is_bound(run.response().percentile(50)));
  EXPECT_EQ(run.latencies.service.censored(), 1);
}

TEST(OverloadedServer, EndsTheRunAtTheQueueLimit) {
  const VirtualRun run = run_virtually(
      {.arrivals = constant(Rate::of(2000)), .length = 60s, .connections = 1, .queue_limit = 100},
      [&](Time) { return serial_server(1ms); });
  EXPECT_EQ(run.end, RunEnd::overloaded);
  expect_complete(run, run.due);
  EXPECT_EQ(run.tally.queued, 0U);
  EXPECT_GT(run.tally.shed, 100U);
  // One more waits after every other request: 100 after 200, and it is looked for now and then.
  EXPECT_LE(run.tally.shed, 130U);
}

TEST(BimodalServer, HasAMeanThatNoMedianShows) {
  const VirtualRun run =
      run_virtually({.arrivals = constant(Rate::of(1000)), .length = 10s, .connections = 200},
                    [](Time) { return bimodal_server(10, 100us, 1s); });
  expect_complete(run, 10'000);
  expect_same(run.response(),
              series(10'000, [](std::uint64_t k) { return k % 10 == 9 ? Duration(1s) : 100us; }));
  EXPECT_EQ(run.response().percentile(50), as_printed(100'000, run.response()));
  EXPECT_EQ(run.response().percentile(90), as_printed(100'000, run.response()));
  EXPECT_EQ(run.response().percentile(90.01), 1'000'000'000);
  EXPECT_DOUBLE_EQ(run.response().mean(), 0.9 * 100e3 + 0.1 * 1e9);
}

TEST(SwallowingServer, LeavesItsShareAtTheTimeout) {
  constexpr Duration kTimeout = 500ms;
  constexpr Duration kService = 100us;
  const VirtualRun run = run_virtually(
      {.arrivals = constant(Rate::of(1000)), .length = 10s, .connections = 64, .timeout = kTimeout},
      [&](Time) { return swallowing_server(100, kService); });
  expect_complete(run, 10'000);
  EXPECT_EQ(run.latencies.response.censored(), 100);
  EXPECT_EQ(run.tally.errors().of(ErrorKind::timeout), 100U);
  EXPECT_EQ(run.tally.errors().total(), 100U);
  EXPECT_EQ(run.tally.answered(), 9'900U);
  EXPECT_EQ(run.response().count_at(Histogram::index_of(kService.count())), 9'900);
  EXPECT_GE(run.latencies.response.least_censored(), kTimeout.count());
  EXPECT_LE(run.response().max(), (kTimeout + check_interval(64)).count());
  EXPECT_FALSE(run.latencies.response.is_bound(run.response().percentile(99)));
  EXPECT_TRUE(run.latencies.response.is_bound(run.response().percentile(99.01)));
}

// Whoever asks waits for the connection, too; the server does not.
TEST(ConnectionForEachRequest, IsInTheResponseTime) {
  constexpr Duration kConnect = 3ms;
  constexpr Duration kService = 5ms;
  const VirtualRun run = run_virtually({.arrivals = constant(Rate::of(1000)),
                                        .connections = 20,
                                        .keep_alive = false,
                                        .connect_time = kConnect},
                                       [&](Time) { return parallel_server(kService); });
  expect_complete(run, 1000);
  EXPECT_EQ(run.tally.errors().total(), 0U);
  expect_same(run.response(), series(1000, [&](std::uint64_t) { return kConnect + kService; }));
  expect_same(run.service(), series(1000, [&](std::uint64_t) { return kService; }));
}

// Between two requests there is no connection for seconds, and nothing is wrong with that.
TEST(ConnectionForEachRequest, MayComeSeldom) {
  const VirtualRun run =
      run_virtually({.arrivals = constant(Rate{200'000}), .length = 60s, .keep_alive = false},
                    [&](Time) { return parallel_server(1ms); });
  EXPECT_EQ(run.end, RunEnd::done);
  expect_complete(run, 12);
  expect_same(run.response(), series(12, [](std::uint64_t) { return 1ms; }));
}

TEST(ConnectionForEachRequest, FindsThatTheServerHasGone) {
  const VirtualRun run = run_virtually(
      {.arrivals = constant(Rate::of(4)),
       .length = 60s,
       .connections = 5,
       .keep_alive = false,
       .meanwhile =
           [&](FakeIo& io, Time begin) {
             io.call(begin + 5s + 1ms, [&io] { io.connect_result = [] { return ECONNREFUSED; }; });
           }},
      [&](Time) { return parallel_server(1ms); });
  EXPECT_EQ(run.end, RunEnd::server_gone);
  EXPECT_EQ(run.tally.answered(), 21U) << "the last one at 5 s";
  EXPECT_GE(run.tally.queued, 4U) << "those of a second";
  expect_complete(run, run.tally.answered() + run.tally.queued);
}

// The generator's own sleep delays requests, and does not hide what it delayed.
TEST(PauseOfTheGenerator, IsSeenByEveryRequestThatWasDueInIt) {
  constexpr Duration kPause = 500ms;
  constexpr Duration kFrom = 1s + 250us;
  constexpr Duration kService = 2ms;
  const VirtualRun run = run_virtually(
      {.arrivals = constant(Rate::of(1000)),
       .length = 3s,
       .connections = 600,
       .meanwhile = [&](FakeIo& io,
                        Time begin) { io.call(begin + kFrom, [&] { FakeClock::value += kPause; }); }},
      [&](Time) { return parallel_server(kService); });
  expect_complete(run, 3000);
  expect_same(run.response(), series(3000, [&](std::uint64_t k) {
                const Duration due = static_cast<Duration::rep>(k) * Duration(1ms);
                const bool asleep = due >= kFrom && due < kFrom + kPause;
                // What was sent before the pause is read after it.
                if (due < kFrom && due + kService > kFrom) return kFrom + kPause - due;
                return (asleep ? kFrom + kPause - due : Duration::zero()) + kService;
              }));
  EXPECT_GE(run.tally.send_lag.max(), 499'000'000) << "and it is its own";
}

// --- queues ---

// Lindley's recursion over the load's own due times and the server's own draws: how long each request waits
// and is served.
Histogram lindley(const Arrivals& arrivals, Duration length, const std::function<Duration()>& service) {
  Histogram out;
  Schedule schedule(arrivals, Time(), Time() + length, 0, 1);
  Duration wait{};
  while (schedule.due() != kNever) {
    const Duration served = service();
    out.record((wait + served).count());
    const Time due = schedule.due();
    schedule.advance();
    if (schedule.due() != kNever) wait = std::max(Duration::zero(), wait + served - (schedule.due() - due));
  }
  return out;
}

TEST(QueueOfRandomService, IsThatOfMM1) {
  constexpr Duration kLength = 20s;
  constexpr Duration kService = 100us;
  const Arrivals arrivals = poisson(Rate::of(5'000), 11);
  const Histogram truth = lindley(arrivals, kLength, exponential_service(kService, 5));
  for (const std::uint32_t connections : {1U, 64U}) {
    const VirtualRun run =
        run_virtually({.arrivals = arrivals, .length = kLength, .connections = connections},
                      [&](Time) { return serial_server(exponential_service(kService, 5)); });
    expect_complete(run, run.due);
    expect_same(run.response(), truth);
  }
  // 100,000 correlated samples of the law: their own spread is about a hundredth.
  const oracle::MM1 law = {.lambda = 5'000, .mu = 10'000};
  EXPECT_NEAR(truth.mean() / law.mean(), 1, 0.03);
  for (const double percent : {50.0, 90.0, 95.0, 99.0}) {
    EXPECT_NEAR(static_cast<double>(truth.percentile(percent)) / law.quantile(percent), 1, 0.05) << percent;
  }
}

TEST(QueueOfConstantService, IsThatOfMD1) {
  constexpr Duration kLength = 20s;
  constexpr Duration kService = 100us;
  const Arrivals arrivals = poisson(Rate::of(8'000), 12);
  const VirtualRun run = run_virtually({.arrivals = arrivals, .length = kLength, .connections = 1},
                                       [&](Time) { return serial_server(kService); });
  expect_complete(run, run.due);
  expect_same(run.response(), lindley(arrivals, kLength, [&] { return kService; }));
  const double wait = run.response().mean() - oracle::ns(kService);
  EXPECT_NEAR(wait / oracle::mean_wait_md1(0.8, kService), 1, 0.05);
  EXPECT_NEAR(wait, run.latencies.queue.values().mean(), 1e-3);
}

// --- the same load however it is made ---

TEST(ResponseTimes, DoNotDependOnConnectionsAndPipeline) {
  constexpr Duration kLength = 2s;
  for (const Arrivals& arrivals : {constant(Rate::of(7'777)), poisson(Rate::of(8'000), 3)}) {
    const auto server = stalling(60us, true);
    const Histogram alone = run_virtually({.arrivals = arrivals, .length = kLength}, server).response();
    EXPECT_GT(alone.percentile(95), 10'000'000);
    for (const auto& [connections, pipeline] :
         {std::pair{1U, 4U}, {1U, 64U}, {2U, 1U}, {7U, 3U}, {64U, 1U}, {32U, 16U}}) {
      const VirtualRun run = run_virtually(
          {.arrivals = arrivals, .length = kLength, .connections = connections, .pipeline = pipeline},
          server);
      SCOPED_TRACE(testing::Message() << connections << " connections, pipeline " << pipeline);
      expect_complete(run, run.due);
      expect_same(run.response(), alone);
    }
  }
}

TEST(ResponseTimes, DoNotDependOnThreads) {
  const VirtualLoad load = {.arrivals = constant(Rate::of(7'777)), .connections = 800};
  const auto server = stalling(300us, false);
  const Histogram alone = run_virtually(load, server).response();
  for (const auto& [threads, connections, pipeline] :
       {std::tuple{2U, 400U, 1U}, {3U, 300U, 1U}, {4U, 25U, 8U}, {7U, 200U, 2U}, {16U, 1U, 64U}}) {
    VirtualLoad shared = load;
    shared.threads = threads;
    shared.connections = connections;
    shared.pipeline = pipeline;
    const VirtualRun run = run_virtually(shared, server);
    SCOPED_TRACE(testing::Message() << threads << " threads");
    expect_complete(run, run.due);
    expect_same(run.response(), alone);
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
