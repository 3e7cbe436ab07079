// Which stamp is whose, and a worker that is told by stamps where its requests' time went: in virtual time.
#include "loadgen/drive/kernel_times.h"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "loadgen/drive/worker.h"
#include "tests/loadgen/fake_io.h"

namespace httpdyno::loadgen {
namespace {

constexpr std::int64_t kApart = 1'700'000'000'000'000'000;  // realtime less monotonic

Time at(std::int64_t ns) { return Time(Duration(ns)); }
RealTime real(std::int64_t ns) { return {ns + kApart}; }

class KernelTimesTest : public testing::Test {
 protected:
  explicit KernelTimesTest() { times_.clock().see(at(0), real(0), at(0)); }

  // A request that was sent at `sent` and whose answer, stamped at `received`, was read at `now`.
  void answer(std::int64_t sent, std::optional<std::int64_t> received, std::int64_t now) {
    std::optional<RealTime> stamp;
    if (received) stamp = real(*received);
    times_.on_answered(0, {.due = at(sent), .sent = at(sent), .first_byte = {}}, stamp, at(now), window_,
                       out_);
  }
  // Of the values recorded so far.
  static void expect_sum(const Latency& latency, std::int64_t count, double sum) {
    EXPECT_EQ(latency.values().total(), count);
    EXPECT_NEAR(latency.values().mean() * static_cast<double>(count), sum, 3.0 * static_cast<double>(count));
  }

  KernelTimes times_{1, 4};
  Window window_{at(0), at(1'000'000)};
  KernelLatencies out_;
};

TEST_F(KernelTimesTest, TellsARequestsTimeApart) {
  times_.on_connected(0);
  EXPECT_FALSE(times_.awaits(0));
  times_.on_batch(0, 1, 100);
  EXPECT_TRUE(times_.awaits(0));
  times_.on_sent(0, {99, real(1'500)});
  EXPECT_FALSE(times_.awaits(0));
  answer(1'000, 5'000, 7'000);
  expect_sum(out_.transmit_delay, 1, 500);
  expect_sum(out_.kernel_service, 1, 3'500);
  expect_sum(out_.receive_delay, 1, 2'000);
  EXPECT_EQ(out_.unstamped, 0U);
}

TEST_F(KernelTimesTest, GivesABatchTheStampOfItsLastOctetOnly) {
  times_.on_connected(0);
  times_.on_batch(0, 2, 200);
  times_.on_sent(0, {149, real(1'100)});  // the kernel took a part
  EXPECT_TRUE(times_.awaits(0));
  times_.on_sent(0, {199, real(1'200)});
  EXPECT_FALSE(times_.awaits(0));
  answer(1'000, 2'000, 2'500);
  answer(1'000, 3'000, 3'500);
  expect_sum(out_.transmit_delay, 2, 400);
  expect_sum(out_.kernel_service, 2, 800 + 1'800);
}

TEST_F(KernelTimesTest, TakesOneStampForSendsThatTheKernelPutTogether) {
  times_.on_connected(0);
  times_.on_batch(0, 1, 100);
  times_.on_batch(0, 1, 100);
  times_.on_batch(0, 1, 100);
  times_.on_sent(0, {199, real(1'500)});
  EXPECT_TRUE(times_.awaits(0));
  times_.on_sent(0, {299, real(1'900)});
  for (int i = 0; i < 3; ++i) answer(1'000, 5'000, 5'000);
  expect_sum(out_.transmit_delay, 3, 500 + 500 + 900);
}

TEST_F(KernelTimesTest, IgnoresTheStampOfASecondTransmission) {
  times_.on_connected(0);
  times_.on_batch(0, 1, 100);
  times_.on_sent(0, {99, real(1'500)});
  times_.on_sent(0, {99, real(9'000)});
  times_.on_batch(0, 1, 100);
  times_.on_sent(0, {99, real(9'500)});
  EXPECT_TRUE(times_.awaits(0));
  answer(1'000, 10'000, 10'000);
  answer(8'000, 10'000, 10'000);
  expect_sum(out_.transmit_delay, 1, 500);
  EXPECT_EQ(out_.unstamped, 1U);
}

TEST_F(KernelTimesTest, CountsOctetsAroundTheEndOf32Bits) {
  times_.on_connected(0);
  std::int64_t now = 1'000;
  for (int i = 0; i < 10; ++i, now += 1'000) {
    times_.on_batch(0, 1, 1'000'000'000);
    times_.on_sent(0,
                   {static_cast<std::uint32_t>((i + 1) * std::int64_t{1'000'000'000} - 1), real(now + 100)});
    EXPECT_FALSE(times_.awaits(0)) << i;
    answer(now, now + 500, now + 600);
  }
  expect_sum(out_.transmit_delay, 10, 1'000);
  EXPECT_EQ(out_.unstamped, 0U);
}

TEST_F(KernelTimesTest, HasNoFigureWhereAStampIsMissingOrCannotBe) {
  times_.on_connected(0);
  std::uint32_t octets = 0;
  const auto ask = [&](std::optional<std::int64_t> sent_stamp) {
    times_.on_batch(0, 1, 100);
    octets += 100;
    if (sent_stamp) times_.on_sent(0, {octets - 1, real(*sent_stamp)});
  };
  ask(std::nullopt);
  answer(1'000, 2'000, 3'000);
  ask(1'500);
  answer(1'000, std::nullopt, 3'000);
  ask(900);  // before it was sent
  answer(1'000, 2'000, 3'000);
  ask(2'500);  // after its answer
  answer(1'000, 2'000, 3'000);
  ask(1'500);  // read before it came
  answer(1'000, 4'000, 3'000);
  EXPECT_EQ(out_.unstamped, 5U);
  EXPECT_EQ(out_.kernel_service.values().total(), 0);
  ask(1'500);
  answer(1'000, 2'000, 3'000);
  EXPECT_EQ(out_.kernel_service.values().total(), 1) << "and goes on";
}

TEST_F(KernelTimesTest, LeavesOutWhatIsNotOfTheWindow) {
  window_ = {at(2'000), at(3'000)};
  times_.on_connected(0);
  for (std::uint32_t i = 0; i < 4; ++i) {
    times_.on_batch(0, 1, 100);
    times_.on_sent(0, {100 * (i + 1) - 1, real(3'500)});
  }
  answer(1'999, 4'000, 5'000);
  answer(2'000, 4'000, 5'000);
  answer(2'999, 4'000, 5'000);
  answer(3'000, 4'000, 5'000);
  EXPECT_EQ(out_.kernel_service.values().total(), 2);
  EXPECT_EQ(out_.unstamped, 0U);
}

TEST_F(KernelTimesTest, AStepOfTheClockMakesNoLatency) {
  constexpr std::int64_t kStep = 1'000'000'000;
  std::uint32_t octets = 0;
  times_.on_connected(0);
  for (const std::int64_t sent : {1'000, 1'000, 6'000}) {
    times_.on_batch(0, 1, 100);
    octets += 100;
    // The first two left before the step, the third after it.
    times_.on_sent(0, {octets - 1, real(sent + 100 + (sent > 5'000 ? kStep : 0))});
    if (sent == 1'000) times_.clock().see(at(5'000), real(5'000 + kStep), at(5'000));
  }
  answer(1'000, 4'000, 5'000);          // both stamps are of before
  answer(1'000, 7'000 + kStep, 8'000);  // one of before, one of after
  answer(6'000, 7'000 + kStep, 8'000);
  EXPECT_EQ(out_.unstamped, 2U);
  expect_sum(out_.kernel_service, 1, 900);
  expect_sum(out_.receive_delay, 1, 1'000);
}

// A kernel that gives what is sent to the device after kTransmit, and what comes to the reader after `receive_delay`.
class StampingFakeIo : public FakeIo {
 public:
  static constexpr Duration kTransmit = 7us;

  Duration receive_delay{};
  std::function<std::int64_t(Time)> apart = [](Time) { return kApart; };

  void send(io::ConnId id, std::string_view bytes) {
    Line& line = lines_[id.index];
    const std::size_t taken = std::min(bytes.size(), send_max);
    line.octets += static_cast<std::uint32_t>(taken);
    line.stamps.push_back({line.octets - 1, real_of(FakeClock::now() + kTransmit)});
    FakeIo::send(id, bytes);
  }
  Error stamp(io::ConnId id) {
    lines_[id.index] = {};
    return {};
  }
  std::optional<SentStamp> next_sent(io::ConnId id) {
    Line& line = lines_[id.index];
    if (line.stamps.empty()) return {};
    const SentStamp stamp = line.stamps.front();
    line.stamps.pop_front();
    return stamp;
  }
  std::optional<RealTime> received_at() const { return real_of(FakeClock::now() - receive_delay); }
  RealTime real_time() const { return real_of(FakeClock::now()); }

 private:
  struct Line {
    std::uint32_t octets = 0;
    std::deque<SentStamp> stamps;
  };
  RealTime real_of(Time time) const { return {time.time_since_epoch().count() + apart(time)}; }

  std::map<std::uint32_t, Line> lines_;
};
static_assert(StampingBackend<StampingFakeIo> && !StampingBackend<FakeIo>);

class StampedWorkerTest : public testing::Test {
 protected:
  static constexpr Duration kService = 100us;
  static constexpr Duration kDelay = 30us;

  Tally run(std::uint32_t connections, std::uint32_t pipeline, Duration length,
            std::uint64_t requests_per_connection = Script::kUnlimited) {
    Url url;
    EXPECT_EQ(parse_url("http://h/", url), "");
    const RequestSpec spec;
    const Script script = make_script(url, {&spec, 1}, pipeline, requests_per_connection);
    io_.receive_delay = kDelay;
    std::map<std::uint32_t, std::size_t> octets;
    io_.on_request = [&](io::ConnId id, std::string_view bytes) {
      std::size_t& seen = octets[id.index];
      const std::size_t size = script.kinds[0].octets.size();
      const std::size_t whole = script.keep_alive() ? (seen % size + bytes.size()) / size : 1;
      seen += bytes.size();
      for (std::size_t i = 0; i < whole; ++i)
        io_.answer(id, std::string(answer_), FakeClock::now() + kService);
    };
    Worker<StampingFakeIo, FakeClock> worker(
        io_, script,
        WorkerConfig{.server = {}, .connections = connections, .timeout = 500ms, .arrivals = arrivals_});
    worker.connect_all();
    const Time start = FakeClock::now();
    worker.ledger().set_window({start, start + length});
    EXPECT_EQ(worker.run(start, start + length, drain_limit(500ms, 1)), RunEnd::done);
    Tally tally;
    worker.ledger().take_all(tally);
    return tally;
  }
  static void expect_all(const Latency& latency, std::uint64_t count, Duration value) {
    EXPECT_EQ(latency.values().total(), static_cast<std::int64_t>(count));
    EXPECT_NEAR(static_cast<double>(latency.values().min()), static_cast<double>(value.count()), 2);
    EXPECT_NEAR(static_cast<double>(latency.values().max()), static_cast<double>(value.count()), 2);
  }

  StampingFakeIo io_;
  Arrivals arrivals_;
  std::string_view answer_ = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
};

TEST_F(StampedWorkerTest, FilesWhereTheTimeOfEachRequestWent) {
  for (const std::uint32_t pipeline : {1U, 3U}) {
    const Tally tally = run(2, pipeline, 20 * kService);
    EXPECT_EQ(tally.measured(), 2U * pipeline * 20);
    ASSERT_TRUE(tally.kernel);
    EXPECT_EQ(tally.kernel->unstamped, 0U);
    expect_all(tally.kernel->transmit_delay, tally.measured(), StampingFakeIo::kTransmit);
    expect_all(tally.kernel->kernel_service, tally.measured(), kService - StampingFakeIo::kTransmit - kDelay);
    expect_all(tally.kernel->receive_delay, tally.measured(), kDelay);
  }
}

TEST_F(StampedWorkerTest, DoesSoInAnOpenLoopAndOnNewConnections) {
  arrivals_.kind = Arrivals::Kind::constant;
  arrivals_.rate = Rate::of(5'000);
  io_.spin_to = [](Time now) { return now + 1us; };
  const Tally open = run(4, 2, 20ms);
  EXPECT_EQ(open.measured(), 100U);
  expect_all(open.kernel->kernel_service, 100, kService - StampingFakeIo::kTransmit - kDelay);
  arrivals_ = {};
  answer_ = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";
  const Tally churn = run(2, 1, 20 * kService, 1);
  EXPECT_GT(churn.measured(), 0U);
  EXPECT_EQ(churn.kernel->unstamped, 0U);
  expect_all(churn.kernel->kernel_service, churn.measured(), kService - StampingFakeIo::kTransmit - kDelay);
}

TEST_F(StampedWorkerTest, KnowsWhenTheLastOctetOfARequestInPartsLeft) {
  io_.send_max = 7;
  const Tally tally = run(1, 1, 20 * kService);
  EXPECT_GT(tally.measured(), 10U);
  EXPECT_EQ(tally.kernel->unstamped, 0U);
  expect_all(tally.kernel->transmit_delay, tally.measured(), StampingFakeIo::kTransmit);
}

TEST_F(StampedWorkerTest, DropsTheStampsOfRequestsDuringWhichTheClockStepped) {
  const Time step = FakeClock::now() + 1050us;
  io_.apart = [=](Time time) { return time < step ? kApart : kApart - 3'600'000'000'000; };
  const Tally tally = run(2, 1, 20 * kService);
  EXPECT_EQ(tally.measured(), 40U);
  EXPECT_EQ(tally.kernel->unstamped, 2U) << "those under way then, one on each connection";
  expect_all(tally.kernel->transmit_delay, 38, StampingFakeIo::kTransmit);
  expect_all(tally.kernel->kernel_service, 38, kService - StampingFakeIo::kTransmit - kDelay);
  expect_all(tally.kernel->receive_delay, 38, kDelay);
}

}  // namespace
}  // namespace httpdyno::loadgen
