// The seed's own scenario: a live server and its client sockets in one thread, inline and pooled. No threads
// but the pool's.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "net/io/socket.h"
#include "server/router.h"
#include "server/server.h"

namespace httpdyno {
namespace {

// The word that must reach the handler.
struct Context {
  int word = 77;
  std::thread::id loop_thread = std::this_thread::get_id();
  std::atomic<int> wrong{0};
  std::atomic<int> on_loop_thread{0};
};

void look(Context& context) {
  if (context.word != 77) ++context.wrong;
  if (std::this_thread::get_id() == context.loop_thread) ++context.on_loop_thread;
}

Router<Context> make_site(Context& context) {
  Router<Context> router(context);
  router.add(http::Method::get, "/hello",
             [](Context& c, const http::Request&, std::string_view, http::Response& r) {
               look(c);
               r.set_body("hello GET");
             });
  router.add(http::Method::post, "/echo",
             [](Context& c, const http::Request& q, std::string_view, http::Response& r) {
               look(c);
               r.set_body(q.body());
             });
  return router;
}

// A client that never blocks: while it waits, the test ticks the server.
class Client {
 public:
  explicit Client(const io::Address& address)
      : fd_(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    ::connect(fd_.get(), address.get(), address.size);
  }

  template <class Server>
  void write(Server& server, std::string_view text) {
    for (const Time end = read_clock() + 5s; !text.empty() && read_clock() < end;) {
      const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
      ASSERT_FALSE(server.tick(count > 0 ? 0ms : 5ms));
    }
    ASSERT_TRUE(text.empty());
  }

  // One whole response; empty when the server has ended the connection first.
  template <class Server>
  std::string response(Server& server) {
    const auto whole = [this] {
      const std::size_t head = got_.find("\r\n\r\n");
      if (head == std::string::npos) return std::size_t{0};
      const std::size_t at = got_.find("Content-Length: ");
      const std::size_t total = head + 4 + std::stoul(got_.substr(at + 16));
      return got_.size() >= total ? total : std::size_t{0};
    };
    for (const Time end = read_clock() + 5s; whole() == 0 && !ended_ && read_clock() < end;) {
      EXPECT_FALSE(server.tick(5ms));
      receive();
    }
    const std::size_t size = whole();
    std::string text = got_.substr(0, size);
    got_.erase(0, size);
    return text;
  }

  // True when the server ends the connection within `limit`, with nothing more to read.
  template <class Server>
  bool ends(Server& server, Duration limit) {
    for (const Time end = read_clock() + limit; !ended_ && read_clock() < end;) {
      EXPECT_FALSE(server.tick(5ms));
      receive();
    }
    return ended_ && got_.empty();
  }

 private:
  void receive() {
    char buffer[65536];
    const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (count > 0) got_.append(buffer, static_cast<std::size_t>(count));
    if (count == 0) ended_ = true;
  }

  io::Fd fd_;
  std::string got_;
  bool ended_ = false;
};

std::string body_of(const std::string& response) {
  const std::size_t head = response.find("\r\n\r\n");
  return head == std::string::npos ? "" : response.substr(head + 4);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr const char* kHello = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

std::string echo(const std::string& body) {
  return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

Config base_config() {
  Config config;
  config.port = 0;
  config.max_conn = 8;
  return config;
}

// Steps 1 to 6.
TEST(SeedScenario, Inline) {
  Context context;
  Config config = base_config();
  config.timeout_request = 150ms;
  config.timeout_keepalive = 400ms;
  config.request_count = 3;
  Server server(config, make_site(context));
  ASSERT_FALSE(server.listen());

  Client client(server.address());
  for (int i = 1; i <= 3; ++i) {
    client.write(server, kHello);
    const std::string response = client.response(server);
    EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n")) << response;
    EXPECT_EQ(body_of(response), "hello GET");
    EXPECT_TRUE(has(response, i < 3 ? "Connection: keep-alive\r\n" : "Connection: close\r\n"))
        << i << response;
  }
  EXPECT_TRUE(client.ends(server, 2s));
  EXPECT_EQ(server.stats().total().accepted, 1U);

  Client poster(server.address());
  poster.write(server, echo("nine byte"));
  EXPECT_EQ(body_of(poster.response(server)), "nine byte");
  poster.write(server, "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(poster.response(server).starts_with("HTTP/1.1 404 Not Found\r\n"));
  std::string large(50'000, 'l');
  large.back() = 'T';
  poster.write(server, echo(large));
  const std::string echoed = poster.response(server);
  EXPECT_TRUE(has(echoed, "Content-Length: 50000\r\n"));
  EXPECT_EQ(body_of(echoed), large);

  Client half(server.address());
  half.write(server, "GET /hel");
  for (const Time end = read_clock() + 300ms; read_clock() < end;) ASSERT_FALSE(server.tick(5ms));
  Client healthy(server.address());
  healthy.write(server, kHello);
  EXPECT_EQ(body_of(healthy.response(server)), "hello GET");
  EXPECT_TRUE(half.response(server).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_TRUE(half.ends(server, 2s));
  EXPECT_EQ(context.wrong, 0);
  EXPECT_GT(context.on_loop_thread, 0);
}

// Steps 7 to 9: on one connection, across worker threads, woken by the workers and not by the tick's end.
TEST(SeedScenario, Pooled) {
  Context context;
  Config config = base_config();
  config.timeout_request = 1000ms;
  config.timeout_keepalive = 1000ms;
  config.request_count = 50;
  config.thread_pool_count = 2;
  config.thread_pool_backlog = 16;
  PooledServer server(config, make_site(context));
  ASSERT_FALSE(server.listen());

  Client client(server.address());
  client.write(server, kHello);
  EXPECT_EQ(body_of(client.response(server)), "hello GET");
  client.write(server, echo("across threads"));
  EXPECT_EQ(body_of(client.response(server)), "across threads");
  client.write(server, "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.response(server).starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_EQ(server.stats().total().accepted, 1U);
  EXPECT_EQ(context.wrong, 0);
  EXPECT_EQ(context.on_loop_thread, 0);
}

// P18: the loop sleeps for seconds when the worker wakes it.
TEST(PooledServer, AWorkerWakesALoopThatWaits) {
  Context context;
  Config config = base_config();
  config.thread_pool_count = 1;
  PooledServer server(config, make_site(context));
  ASSERT_FALSE(server.listen());
  Client client(server.address());
  client.write(server, kHello);
  const Time begin = read_clock();
  for (int i = 0; i < 3 && server.stats().total().bytes_sent == 0; ++i) ASSERT_FALSE(server.tick(4s));
  EXPECT_GT(server.stats().total().bytes_sent, 0U);
  EXPECT_LT(read_clock() - begin, 3s);
}

// A17: tick(0) returns at once, an idle tick takes about its time, and stop() from elsewhere ends run().
TEST(Server, TicksAndStops) {
  Context context;
  Server server(base_config(), make_site(context));
  ASSERT_FALSE(server.listen());
  Time begin = read_clock();
  ASSERT_FALSE(server.tick(0ms));
  EXPECT_LT(read_clock() - begin, 1s);
  begin = read_clock();
  ASSERT_FALSE(server.tick(50ms));
  EXPECT_GE(read_clock() - begin, 49ms);
  std::thread other([&server] { server.stop(); });
  EXPECT_FALSE(server.run());
  other.join();
  EXPECT_TRUE(server.stopped());
}

// P21 (e): the same port, again and again.
TEST(Server, StartsAndStopsOnOnePort) {
  Context context;
  Config config = base_config();
  for (int i = 0; i < 100; ++i) {
    config.thread_pool_count = 2;
    PooledServer server(config, make_site(context));
    ASSERT_FALSE(server.listen());
    config.port = server.address().port();
    Client client(server.address());
    client.write(server, kHello);
    ASSERT_EQ(body_of(client.response(server)), "hello GET");
    server.stop();
    ASSERT_FALSE(server.run());
  }
}

TEST(Server, ListeningFailuresAreValues) {
  Context context;
  Config config = base_config();
  Server first(config, make_site(context));
  ASSERT_FALSE(first.listen());
  config.port = first.address().port();
  Server second(config, make_site(context));
  EXPECT_EQ(second.listen().code, EADDRINUSE);
  config.bind = "not an address";
  Server third(config, make_site(context));
  EXPECT_EQ(third.listen().code, EINVAL);
}

TEST(Config, ProblemsNameKnobValueAndRange) {
  using Site = Server<Router<Context>>;
  using PooledSite = PooledServer<Router<Context>>;
  EXPECT_EQ(Site::problem(Config()), "");
  Config config;
  config.thread_pool_count = 3;
  EXPECT_EQ(Site::problem(config),
            "thread-pool-count is 3; this server runs its handlers inline: it may be 0");
  EXPECT_EQ(PooledSite::problem(config), "");
  EXPECT_NE(PooledSite::problem(Config()), "");
  config.timeout_handler = 250ms;
  EXPECT_EQ(PooledSite::problem(config), "");
  config.thread_pool_count = 0;
  EXPECT_EQ(Site::problem(config),
            "timeout-handler-ms is 250; this server runs its handlers inline: it may be 0");
  config.thread_pool_backlog = 0;
  EXPECT_NE(PooledSite::problem(config).find("thread-pool-backlog is 0"), std::string::npos);
  config = Config();
  config.read_buf_cap = 10;
  EXPECT_NE(config.problem().find("read-buf-cap is 10; it may be from 64 to"), std::string::npos)
      << config.problem();
  config = Config();
  config.timeout_write = 0ms;
  EXPECT_NE(config.problem().find("timeout-write-ms is 0"), std::string::npos);
  config = Config();
  config.max_conn = 0;
  EXPECT_NE(config.problem(), "");
}

}  // namespace
}  // namespace httpdyno
