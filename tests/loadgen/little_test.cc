// Little's law over made-up runs: it holds exactly, whatever becomes of a request and wherever the window cuts
// it, and a wrong latency breaks it.
#include "loadgen/figures/little.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "loadgen/drive/ledger.h"
#include "loadgen/figures/in_flight.h"
#include "loadgen/work/script.h"
#include "net/base/prng.h"
#include "tests/loadgen/synthetic.h"

namespace httpdyno::loadgen {
namespace {

constexpr Window kWindow = {Time(1ms), Time(4ms)};

enum class Outcome { good, bad, lost, timed_out };

struct Request {
  Stamps stamps;
  Time end;
  Outcome outcome = Outcome::good;
};

// What a worker writes of these requests.
struct Books {
  Script script{.kinds = std::vector<RequestKind>(1), .batch = "GET", .last_batch = ""};
  Ledger ledger;
  InFlight in_flight;
  Tally tally;

  explicit Books(bool open_loop) : ledger(script, open_loop) {
    ledger.set_window(kWindow);
    in_flight.begin(kWindow);
  }

  void write(const std::vector<Request>& requests) {
    const KindState& kind = ledger.kinds()[0];
    std::vector<std::pair<Time, int>> changes;
    for (const Request& each : requests) {
      changes.emplace_back(each.stamps.sent, 1);
      changes.emplace_back(each.end, -1);
      switch (each.outcome) {
        case Outcome::good: ledger.answer_well(kind, each.stamps, each.end); break;
        case Outcome::bad: ledger.answer_badly(kind, each.stamps, ErrorKind::status, 500, each.end); break;
        case Outcome::lost: ledger.lose(kind, each.stamps, ErrorKind::closed, 0, false, each.end); break;
        case Outcome::timed_out: ledger.time_out(kind, each.stamps, false, each.end); break;
      }
    }
    std::stable_sort(changes.begin(), changes.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [time, delta] : changes) in_flight.change(time, delta);
    ledger.take_all(tally);
  }
  Histogram service() const { return tally.latencies().service.values(); }
  double found() const { return discrepancy(in_flight.area(), service(), tally.in_flight_apart); }
};

// Poisson arrivals over a longer time than the window, with queueing when the loop is open.
std::vector<Request> load(std::uint64_t seed, bool open_loop) {
  Prng random(seed);
  std::vector<Request> requests;
  const auto draw = [&](double mean) {
    return Duration(static_cast<std::int64_t>(mean * synthetic::exponential(random)));
  };
  for (Time due{}; due < Time(5ms); due += draw(2'000)) {
    const Time sent = open_loop ? due + draw(20'000) : due;
    const Time first_byte = sent + Duration(1) + draw(random.below(20) == 0 ? 500'000 : 30'000);
    const auto outcome = random.below(4) == 0 ? static_cast<Outcome>(1 + random.below(3)) : Outcome::good;
    requests.push_back({{due, sent, first_byte}, first_byte + draw(1'000), outcome});
  }
  return requests;
}

class Little : public testing::TestWithParam<bool> {};

TEST_P(Little, HoldsExactlyWithTheEdgesOfTheWindow) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Books books(GetParam());
    books.write(load(seed, GetParam()));
    EXPECT_EQ(books.found(), 0) << "seed " << seed;
    // The edges are no trifle: without them a sound run would be called unsound.
    EXPECT_GT(discrepancy(books.in_flight.area(), books.service(), Duration::zero()), 0.01) << seed;
  }
}

TEST_P(Little, FindsARequestInFiftyThatIsCountedTwice) {
  Books books(GetParam());
  const std::vector<Request> requests = load(5, GetParam());
  books.write(requests);
  Histogram twice = books.service();
  for (std::size_t i = 0; i < requests.size(); i += 50) {
    if (kWindow.holds(requests[i].stamps.due)) {
      twice.record((requests[i].end - requests[i].stamps.sent).count());
    }
  }
  EXPECT_GT(discrepancy(books.in_flight.area(), twice, books.tally.in_flight_apart), 0.01);
}

INSTANTIATE_TEST_SUITE_P(Loops, Little, testing::Bool(),
                         [](const auto& each) { return each.param ? "Open" : "Closed"; });

// As issue 438 of wrk: one connection, 5,043 requests a second, and a mean latency of 6.04 ms.
TEST(LittlesLaw, FindsALatencyThirtyTimesTooLong) {
  Books books(false);
  std::vector<Request> requests;
  for (Time time{}; time < Time(5ms); time += 198ns) requests.push_back({{time, time, time}, time + 198ns});
  books.write(requests);
  EXPECT_EQ(books.found(), 0);
  EXPECT_NEAR(static_cast<double>(books.in_flight.area().count()) / 3e6, 1, 1e-3);
  Histogram too_long;
  books.service().each_recorded([&](std::int64_t lowest, std::int64_t, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) too_long.record(30 * lowest);
  });
  EXPECT_NEAR(discrepancy(books.in_flight.area(), too_long, books.tally.in_flight_apart), 29, 0.1);
}

TEST(LittlesLaw, HoldsForAPipelinedBatch) {
  Books books(false);
  std::vector<Request> requests;
  for (int i = 1; i <= 8; ++i) requests.push_back({{Time(2ms), Time(2ms), Time(2ms)}, Time(2ms + i * 10us)});
  books.write(requests);
  EXPECT_EQ(books.in_flight.area(), 10us * (1 + 2 + 3 + 4 + 5 + 6 + 7 + 8));
  EXPECT_EQ(books.found(), 0);
}

TEST(LittlesLaw, HoldsWhereTheWindowEndsEarly) {
  Books books(false);
  books.in_flight.end_window(Time(3ms));
  books.ledger.end_window(Time(3ms));
  books.write(load(9, false));
  EXPECT_GT(books.in_flight.area(), 0ns);
  EXPECT_EQ(books.found(), 0);
}

TEST(LittlesLaw, NothingIsNoDiscrepancy) {
  Histogram one;
  one.record(100);
  EXPECT_EQ(discrepancy(0ns, Histogram(), 0ns), 0);
  EXPECT_EQ(discrepancy(0ns, one, 0ns), std::numeric_limits<double>::infinity());
  EXPECT_EQ(discrepancy(0ns, one, -100ns), 0);
  EXPECT_DOUBLE_EQ(discrepancy(99ns, one, 0ns), 1.0 / 99);
}

}  // namespace
}  // namespace httpdyno::loadgen
