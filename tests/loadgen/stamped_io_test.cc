// The kernel's own stamps, over sockets: a server in the test's thread, which answers when the worker waits, so
// that nothing depends on how busy the machine is.
#include "loadgen/drive/stamped_io.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "loadgen/drive/kernel_clock.h"
#include "loadgen/drive/worker.h"
#include "net/io/listener.h"

namespace httpdyno::loadgen {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

// Answers what has come, whenever it is asked to.
class ServerAtHand {
 public:
  explicit ServerAtHand(const char* host) {
    io::Address wanted;
    EXPECT_FALSE(io::parse_address(host, 0, wanted));
    EXPECT_FALSE(io::listen(wanted, 16, {&listener_, 1}, address));
  }
  // `think` before each answer. Whether anything was answered.
  bool serve(Duration think) {
    for (;;) {
      io::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) break;
      clients_.push_back(std::move(fd));
    }
    bool any = false;
    for (const io::Fd& client : clients_) {
      char buffer[65536];
      const ssize_t count = ::recv(client.get(), buffer, sizeof buffer, 0);
      if (count <= 0) continue;
      const std::string_view octets(buffer, static_cast<std::size_t>(count));
      std::string answers;
      for (std::size_t at = 0; (at = octets.find("\r\n\r\n", at)) != std::string_view::npos; ++at)
        answers += kAnswer;
      std::this_thread::sleep_for(think);
      EXPECT_EQ(::send(client.get(), answers.data(), answers.size(), MSG_NOSIGNAL), ssize_t(answers.size()));
      any = true;
    }
    return any;
  }

  io::Address address;

 private:
  io::Listener listener_;
  std::vector<io::Fd> clients_;
};

// A generator that stands still for `before_reading` whenever there is something to be read.
class SlowReader : public StampedIo {
 public:
  ServerAtHand* server = nullptr;
  Duration think{};
  Duration before_reading{};

  Error wait(Duration limit) {
    if (server->serve(think)) std::this_thread::sleep_for(before_reading);
    return StampedIo::wait(std::min<Duration>(limit, 1ms));
  }
};

class StampedIoTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const Error refused = begin_stamping(server_.address, keeper_);
    if (refused) GTEST_SKIP() << refused.message();
    ASSERT_FALSE(io_.open());
    io_.server = &server_;
  }

  // So many batches on one connection.
  void run(std::uint32_t pipeline, Duration length) {
    Url url;
    ASSERT_EQ(parse_url("http://h/", url), "");
    const RequestSpec spec;
    const Script script = make_script(url, {&spec, 1}, pipeline, Script::kUnlimited);
    Worker<SlowReader> worker(
        io_, script,
        WorkerConfig{.server = server_.address, .connections = 1, .timeout = 10s, .arrivals = {}});
    worker.connect_all();
    wait_for_the_kernel();
    const Time start = read_clock();
    worker.ledger().set_window({start, start + length});
    ASSERT_EQ(worker.run(start, start + length, 10s), RunEnd::done);
    worker.ledger().take_all(tally_);
    ASSERT_TRUE(tally_.kernel);
    ASSERT_GT(tally_.measured(), 0U);
    ASSERT_EQ(tally_.errors().total(), 0U);
  }
  // It begins to stamp what arrives a while after it has been asked to.
  static void wait_for_the_kernel() {
    constexpr io::ConnId kOnly{0, 1};
    ServerAtHand server("127.0.0.1");
    SlowReader client;
    client.server = &server;
    ASSERT_FALSE(client.open());
    ASSERT_FALSE(client.connect(kOnly, server.address));
    for (const Time until = read_clock() + 10s; read_clock() < until;) {
      ASSERT_FALSE(client.wait(1ms));
      while (const io::Completion* done = client.next()) {
        if (done->event == io::Event::sent) continue;
        if (done->event == io::Event::received && client.received_at()) return;
        if (done->event == io::Event::connected) {
          ASSERT_FALSE(client.stamp(kOnly));
        }
        client.send(kOnly, "GET / HTTP/1.1\r\n\r\n");
      }
    }
    FAIL() << "the kernel stamps nothing";
  }
  const Histogram& service() const { return tally_.kinds[0].latencies.service.values(); }
  const Histogram& kernel_service() const { return tally_.kernel->kernel_service.values(); }
  const Histogram& receive_delay() const { return tally_.kernel->receive_delay.values(); }
  const Histogram& transmit_delay() const { return tally_.kernel->transmit_delay.values(); }
  void expect_every_request() const {
    EXPECT_EQ(tally_.kernel->unstamped, 0U);
    EXPECT_EQ(kernel_service().total(), service().total());
    // The parts are the whole, for each request and so for their sums.
    EXPECT_NEAR(transmit_delay().mean() + kernel_service().mean() + receive_delay().mean(), service().mean(),
                1);
  }

  ServerAtHand server_{GetParam()};
  io::Fd keeper_;
  SlowReader io_;
  Tally tally_;
};
INSTANTIATE_TEST_SUITE_P(Families, StampedIoTest, testing::Values("127.0.0.1", "::1"));

TEST_P(StampedIoTest, AServersDelayIsTheKernelsService) {
  io_.think = 20ms;
  run(1, 100ms);
  expect_every_request();
  EXPECT_GE(kernel_service().min(), 20'000'000);
}

TEST_P(StampedIoTest, AReadersDelayIsItsOwn) {
  io_.before_reading = 50ms;
  run(1, 100ms);
  expect_every_request();
  EXPECT_GE(receive_delay().min(), 50'000'000);
  EXPECT_GE(service().min(), 50'000'000);
  EXPECT_LE(kernel_service().mean(), service().mean() - 50'000'000);
}

TEST_P(StampedIoTest, ABatchHasStamps) {
  io_.think = 2ms;
  run(8, 20ms);
  expect_every_request();
  EXPECT_EQ(tally_.measured() % 8, 0U);
  EXPECT_GE(kernel_service().min(), 2'000'000);
}

}  // namespace
}  // namespace httpdyno::loadgen
