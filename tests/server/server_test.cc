// The server from outside: several loops, unix sockets, starting and stopping. Its clients are threads with
// blocking sockets.
#include "server/server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <new>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "net/io/socket.h"
#include "tests/temporary_folder.h"

namespace httpdyno {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Config any_port() {
  Config config;
  config.port = 0;
  return config;
}

// How a connection's next answer came.
enum class Came { whole, nothing, truncated };

class Client {
 public:
  explicit Client(const io::Address& address)
      : fd_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{20, 0};  // no test hangs
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (address.family() == AF_INET) {
      // From another address than the server's: a port that nobody listens on cannot connect to itself.
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
      ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from);
    }
    connected_ = ::connect(fd_.get(), address.get(), address.size) == 0;
  }
  bool connected() const { return connected_; }

  bool send(std::string_view text) {
    return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) == ssize_t(text.size());
  }
  // One answer with a Content-Length; its content is in body().
  Came receive() {
    for (;;) {
      const std::size_t head = got_.find("\r\n\r\n");
      const std::size_t length = got_.find("Content-Length: ");
      if (head != std::string::npos && length < head) {
        const std::size_t size = std::stoul(got_.substr(length + 16));
        if (got_.size() >= head + 4 + size) {
          body_ = got_.substr(head + 4, size);
          got_.erase(0, head + 4 + size);
          return Came::whole;
        }
      }
      char octets[65536];
      const ssize_t count = ::recv(fd_.get(), octets, sizeof octets, 0);
      if (count <= 0) return got_.empty() ? Came::nothing : Came::truncated;
      got_.append(octets, static_cast<std::size_t>(count));
    }
  }
  Came ask() { return send(kGet) ? receive() : Came::nothing; }
  const std::string& body() const { return body_; }

 private:
  io::Fd fd_;
  bool connected_ = false;
  std::string got_;
  std::string body_;
};

// Runs a server that listens until the end of the scope.
template <class S>
class Running {
 public:
  explicit Running(S& server) : server_(server), thread_([this] { error_ = server_.run(); }) {}
  ~Running() { EXPECT_FALSE(stop()); }
  Error stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
    return error_;
  }

 private:
  S& server_;
  Error error_;
  std::thread thread_;
};

// A handler that notes which threads call it.
struct Threads {
  std::mutex mutex;
  std::set<std::thread::id> seen;

  void note() {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  }
};

TEST(Server, EachLoopIsAThreadAndAllListenOnOnePort) {
  Threads threads;
  Config config = any_port();
  config.loops = 3;
  Server server(config, [&threads](const http::Request&, http::Response& response) {
    threads.note();
    response.set_body("three");
  });
  ASSERT_FALSE(server.listen());
  EXPECT_NE(server.address().port(), 0);
  Running running(server);
  // The kernel spreads them by a hash of the addresses: 120 miss one of three by chance once in 10^21.
  std::vector<Client> clients;
  for (int i = 0; i < 120; ++i) clients.emplace_back(server.address());
  for (Client& client : clients) {
    ASSERT_EQ(client.ask(), Came::whole);
    EXPECT_EQ(client.body(), "three");
    ASSERT_EQ(client.ask(), Came::whole);
  }
  EXPECT_EQ(threads.seen.size(), 3U);
  // Read while the loops run: the sum of the three.
  EXPECT_EQ(server.stats().total().accepted, 120U);
  EXPECT_EQ(server.stats().total().requests, 240U);
  EXPECT_EQ(server.stats().total().active, 120U);
  // stop() reaches them all.
  EXPECT_FALSE(running.stop());
  EXPECT_TRUE(server.stopped());
  for (Client& client : clients) EXPECT_EQ(client.receive(), Came::nothing);
  EXPECT_EQ(server.stats().total().active, 0U);
}

TEST(Server, SeveralLoopsEndWhatIsInFlight) {
  Config config = any_port();
  config.loops = 2;
  std::atomic<int> begun{0};
  std::atomic<bool> go{false};
  Server server(config, [&](const http::Request&, http::Response& response) {
    ++begun;
    while (!go) std::this_thread::yield();
    response.set_body("done");
  });
  ASSERT_FALSE(server.listen());
  Running running(server);
  std::vector<Client> clients;
  for (int i = 0; i < 60; ++i) {
    clients.emplace_back(server.address());
    ASSERT_TRUE(clients.back().send(kGet));
  }
  while (begun < 2) std::this_thread::yield();
  server.stop();
  go = true;
  EXPECT_FALSE(running.stop());
  int whole = 0;
  for (Client& client : clients) {
    const Came came = client.receive();
    EXPECT_NE(came, Came::truncated);
    whole += came == Came::whole ? 1 : 0;
  }
  EXPECT_GE(whole, 2);
}

TEST(Server, TickIsForOneLoop) {
  Config config = any_port();
  config.loops = 2;
  Server server(config, [](const http::Request&, http::Response&) {});
  EXPECT_EQ(server.tick(Duration::zero()).code, EINVAL);
  ASSERT_FALSE(server.listen());
  EXPECT_EQ(server.tick(Duration::zero()).message(), "tick() is for one loop that listens: Invalid argument");
}

TEST(Server, RunIsForAServerThatListens) {
  Server server(any_port(), [](const http::Request&, http::Response&) {});
  EXPECT_EQ(server.run().message(), "run() is for a server that listens: Invalid argument");
}

TEST(Server, StopsBeforeItRuns) {
  for (const std::uint32_t loops : {1U, 4U}) {
    Config config = any_port();
    config.loops = loops;
    Server server(config, [](const http::Request&, http::Response&) {});
    ASSERT_FALSE(server.listen());
    server.stop();
    EXPECT_FALSE(server.run());
    EXPECT_TRUE(server.stopped());
  }
}

TEST(Server, ListenMayBeTriedAgain) {
  Server holder(any_port(), [](const http::Request&, http::Response&) {});
  ASSERT_FALSE(holder.listen());
  Config config = any_port();
  config.port = holder.address().port();
  for (const std::uint32_t loops : {1U, 2U}) {
    config.loops = loops;
    Server server(config, [](const http::Request&, http::Response&) {});
    EXPECT_EQ(server.listen().code, EADDRINUSE);
    EXPECT_EQ(server.listen().code, EADDRINUSE);
  }
}

TEST(PooledServer, EachLoopHasItsOwnWorkers) {
  Threads threads;
  Config config = any_port();
  config.loops = 2;
  config.thread_pool_count = 3;
  // A handler waits until all six are inside: a pool that the loops share has only three. Nobody waits for ever.
  std::condition_variable all_inside;
  const auto limit = std::chrono::steady_clock::now() + 15s;
  PooledServer server(config, [&](const http::Request&, http::Response& response) {
    std::unique_lock lock(threads.mutex);
    threads.seen.insert(std::this_thread::get_id());
    all_inside.notify_all();
    all_inside.wait_until(lock, limit, [&] { return threads.seen.size() == 6; });
    response.set_body("pooled");
  });
  ASSERT_FALSE(server.listen());
  Running running(server);
  // The kernel spreads them by a hash of the addresses: fewer than three of 100 for one loop never happens.
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(server.address());
    ASSERT_TRUE(clients.back().send(kGet));
  }
  for (Client& client : clients) ASSERT_EQ(client.receive(), Came::whole);
  EXPECT_FALSE(running.stop());
  EXPECT_EQ(threads.seen.size(), 6U);
  EXPECT_EQ(server.stats().total().requests, 100U);
}

TEST(Server, SeveralLoopsShareAUnixSocket) {
  const TemporaryFolder folder;
  Config config;
  config.bind = "unix:" + folder.file("site.sock");
  config.loops = 2;
  Server server(config, [](const http::Request&, http::Response& response) { response.set_body("unix"); });
  ASSERT_FALSE(server.listen());
  Running running(server);
  for (int i = 0; i < 100; ++i) {
    Client client(server.address());
    ASSERT_EQ(client.ask(), Came::whole) << i;
    EXPECT_EQ(client.body(), "unix");
  }
  EXPECT_EQ(server.stats().total().accepted, 100U);
  Server second(config, [](const http::Request&, http::Response&) {});
  EXPECT_EQ(second.listen().code, EADDRINUSE);
  EXPECT_FALSE(running.stop());
  EXPECT_FALSE(std::filesystem::exists(server.address().path()));
}

TEST(Server, SeveralLoopsTellOneAccessLogWhoAsked) {
  std::mutex mutex;
  std::multiset<std::string> seen;
  Config config = any_port();
  config.loops = 2;
  Server server(
      config, [](const http::Request&, http::Response& response) { response.set_body("logged"); },
      [&](const Access& access) {
        const std::lock_guard lock(mutex);
        const std::string peer = access.peer.text();
        seen.insert(std::string(access.method) + " " + std::string(access.target) + " " +
                    std::to_string(access.status) + " " + peer.substr(0, peer.find(':')));
      });
  ASSERT_FALSE(server.listen());
  Running running(server);
  for (int i = 0; i < 40; ++i) {
    Client client(server.address());
    ASSERT_EQ(client.ask(), Came::whole);
  }
  EXPECT_FALSE(running.stop());
  EXPECT_EQ(seen.size(), 40U);
  EXPECT_EQ(seen.count("GET / 200 127.0.0.2"), 40U);
}

// Handlers that stay inside until they are let go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool entered() {
    const std::lock_guard lock(mutex_);
    return inside_ > 0;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

std::string post(std::string_view path, const std::string& body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Its client is told and goes, others take its place and its buffers, and the worker notices nothing of it.
TEST(PooledServer, AHandlerPastItsDeadlineKeepsItsRequestAndItsAnswerReachesNobody) {
  Config config = any_port();
  config.thread_pool_count = 2;
  config.max_conn = 2;
  config.timeout_handler = 100ms;
  Gate gate;
  std::atomic<int> unchanged{0};
  PooledServer server(config, [&](const http::Request& request, http::Response& response) {
    if (request.path() == "/slow") {
      const std::string before(request.body());
      gate.wait();
      if (request.body() == before && request.path() == "/slow") ++unchanged;
    }
    response.set_body(std::string(request.body()));
  });
  ASSERT_FALSE(server.listen());
  Running running(server);
  // On a busy machine no worker may have begun in time.
  while (!gate.entered()) {
    Client client(server.address());
    ASSERT_TRUE(client.send(post("/slow", std::string(20'000, 's'))));
    ASSERT_EQ(client.receive(), Came::whole);
    EXPECT_EQ(client.body(), "504 Gateway Timeout: the handler did not answer in time\n");
    EXPECT_EQ(client.receive(), Came::nothing);
  }
  for (int i = 0; i < 200; ++i) {
    Client other(server.address());
    const std::string body = std::to_string(i) + std::string(20'000, 'o');
    ASSERT_TRUE(other.send(post("/", body)));
    ASSERT_EQ(other.receive(), Came::whole);
    EXPECT_TRUE(other.body() == body || other.body().starts_with("504 ")) << other.body();
    if (i == 100) gate.open();
  }
  while (server.stats().total().stale_dropped < 1) std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(running.stop());
  EXPECT_EQ(unchanged, 1);
}

TEST(PooledServer, AProducerPastItsDeadlineCutsTheBody) {
  Config config = any_port();
  config.thread_pool_count = 1;
  config.timeout_handler = 100ms;
  Gate gate;
  PooledServer server(config, [&](const http::Request&, http::Response& response) {
    response.stream_body(10, [&gate, pieces = 0](std::span<char> room) mutable {
      if (++pieces > 1) gate.wait();
      std::ranges::fill(room.first(5), 'p');
      return std::size_t{5};
    });
  });
  ASSERT_FALSE(server.listen());
  Running running(server);
  // On a busy machine the first piece may be late, too.
  Came came = Came::nothing;
  while (!gate.entered()) came = Client(server.address()).ask();
  EXPECT_EQ(came, Came::truncated);
  EXPECT_GE(server.stats().total().streams_cut, 1U);
  gate.open();
  while (server.stats().total().stale_dropped < 1) std::this_thread::sleep_for(1ms);
  // The worker is free again.
  std::string body;
  for (int i = 0; i < 100 && body != "pppppppppp"; ++i) {
    Client client(server.address());
    if (client.ask() == Came::whole) body = client.body();
  }
  EXPECT_EQ(body, "pppppppppp");
}

// Nobody else stops it, and nobody waits for anybody.
template <class S>
void expect_a_handler_to_end(S& server) {
  ASSERT_FALSE(server.listen());
  Error error;
  std::thread thread([&] { error = server.run(); });
  {
    Client client(server.address());
    EXPECT_EQ(client.ask(), Came::whole);
    EXPECT_EQ(client.body(), "the last");
    EXPECT_EQ(client.receive(), Came::nothing);
  }
  thread.join();
  EXPECT_FALSE(error);
  EXPECT_TRUE(server.stopped());
  EXPECT_EQ(server.stats().total().active, 0U);
}

// P21 (f).
TEST(Server, AHandlerMayStopIt) {
  std::function<void()> stop;
  Server server(any_port(), [&stop](const http::Request&, http::Response& response) {
    stop();
    response.set_body("the last");
  });
  stop = [&server] { server.stop(); };
  expect_a_handler_to_end(server);
}

TEST(PooledServer, AHandlerMayStopIt) {
  Config config = any_port();
  config.thread_pool_count = 2;
  std::function<void()> stop;
  PooledServer server(config, [&stop](const http::Request&, http::Response& response) {
    stop();
    response.set_body("the last");
  });
  stop = [&server] { server.stop(); };
  expect_a_handler_to_end(server);
}

// P39: the one worker goes on.
TEST(PooledServer, AWorkerSurvivesWhatHandlersThrow) {
  Config config = any_port();
  config.thread_pool_count = 1;
  Threads threads;
  int calls = 0;
  PooledServer server(config, [&](const http::Request&, http::Response& response) {
    threads.note();
    switch (calls++) {
      case 0: throw std::runtime_error("planned");
      case 1: throw std::bad_alloc();
      case 2: throw 7;
      default: response.set_body("well");
    }
  });
  ASSERT_FALSE(server.listen());
  Running running(server);
  Client client(server.address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(client.ask(), Came::whole);
    EXPECT_EQ(client.body(), "500 Internal Server Error\n");
  }
  ASSERT_EQ(client.ask(), Came::whole);
  EXPECT_EQ(client.body(), "well");
  EXPECT_EQ(threads.seen.size(), 1U);
  EXPECT_EQ(server.stats().total().handler_exceptions, 3U);
}

// Clients that ask without a pause, whoever listens. Nobody may get a part of an answer.
class Load {
 public:
  explicit Load(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Load() { end(); }
  void end() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  void aim_at(const io::Address& address) {
    const std::lock_guard lock(mutex_);
    address_ = address;
  }
  int whole() const { return whole_; }
  int truncated() const { return truncated_; }

 private:
  void work() {
    while (!done_) {
      io::Address address;
      {
        const std::lock_guard lock(mutex_);
        address = address_;
      }
      Client client(address);
      while (!done_) {
        const Came came = client.connected() ? client.ask() : Came::nothing;
        whole_ += came == Came::whole ? 1 : 0;
        truncated_ += came == Came::truncated ? 1 : 0;
        if (came != Came::whole) break;
      }
      std::this_thread::sleep_for(100us);  // or three of them do nothing but be refused
    }
  }

  std::mutex mutex_;
  io::Address address_;
  std::atomic<bool> done_{false};
  std::atomic<int> whole_{0};
  std::atomic<int> truncated_{0};
  std::vector<std::thread> threads_;
};

// Starts and stops `times` servers under load. The descriptors that are open afterwards are those of before.
template <class MakeServer>
void start_and_stop(int times, MakeServer make_server) {
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  const auto before = descriptors();
  {
    Load load(3);
    for (int i = 0; i < times; ++i) {
      auto server = make_server(i);
      ASSERT_FALSE(server->listen());
      load.aim_at(server->address());
      const int whole = load.whole();
      Running running(*server);
      while (load.whole() < whole + 2) std::this_thread::sleep_for(100us);
      ASSERT_FALSE(running.stop());
      ASSERT_EQ(server->stats().total().active, 0U);
    }
    load.end();
    EXPECT_EQ(load.truncated(), 0);
  }
  EXPECT_EQ(descriptors(), before);
}

void answer(const http::Request&, http::Response& response) { response.set_body(std::string(3000, 'a')); }

TEST(Server, StartsAndStopsAThousandTimesUnderLoad) {
  start_and_stop(1000, [](int i) {
    Config config = any_port();
    config.loops = 1 + static_cast<std::uint32_t>(i % 2);
    return std::make_unique<Server<decltype(&answer)>>(config, &answer);
  });
}

TEST(PooledServer, StartsAndStopsUnderLoad) {
  start_and_stop(100, [](int i) {
    Config config = any_port();
    config.loops = 1 + static_cast<std::uint32_t>(i % 2);
    config.thread_pool_count = 2;
    return std::make_unique<PooledServer<decltype(&answer)>>(config, &answer);
  });
}

}  // namespace
}  // namespace httpdyno
