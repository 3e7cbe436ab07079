// The server that applications embed: a configuration, a handler, one loop on one thread.
//
//   httpdyno::Server server(config, [](const http::Request& request, http::Response& response) { ... });
//   if (httpdyno::Error error = server.listen()) { ... error.message() ... }
//   server.run();
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "net/base/error.h"
#include "net/io/epoll/epoll_io.h"
#include "net/io/listener.h"
#include "server/config.h"
#include "server/inline_dispatch.h"
#include "server/loop.h"
#include "server/pool_dispatch.h"
#include "server/stats.h"

namespace httpdyno {

// `H` is called as handler.h says. Neither copied nor moved: workers and timers point into it.
//
// One thread calls listen(), tick() and run(); stop() may be called by any thread and by signal handlers.
template <Handler H, template <class> class DispatchOf>
class BasicServer {
 public:
  using Dispatch = DispatchOf<H>;

  BasicServer(Config config, H handler)
      : config_(std::move(config)), dispatch_(config_, std::move(handler)) {}
  BasicServer(const BasicServer&) = delete;
  BasicServer& operator=(const BasicServer&) = delete;

  // Why this configuration cannot work, in one line; empty when it can.
  static std::string problem(const Config& config) {
    std::string problem = config.problem();
    return problem.empty() ? Dispatch::problem(config) : problem;
  }

  // Binds and listens; connections are accepted from the first tick() on. Once. EADDRINUSE when the port is
  // taken, EINVAL when the configuration has a problem().
  Error listen() {
    if (!problem(config_).empty()) return Error{EINVAL, "configuration"};
    io::Address wanted;
    if (Error error = io::parse_address(config_.bind, config_.port, wanted)) return error;
    io::Listener listener;
    if (Error error = io::listen(wanted, config_.backlog, {&listener, 1}, address_)) return error;
    if (Error error = io_.open(std::move(listener))) return error;
    loop_ = std::make_unique<Loop<io::EpollIo, Dispatch>>(config_, io_, dispatch_);
    stats_.add_loop(loop_->stats());
    return {};
  }

  // Where it listens, with the port that the kernel chose. After listen().
  const io::Address& address() const { return address_; }

  // One turn: waits for at most `max_wait` until something happens, deals with all of it, returns. After
  // listen(). An error is lasting.
  Error tick(Duration max_wait) { return loop_->turn(max_wait); }

  // Ticks until stop() has been called and everything in flight has ended.
  Error run() {
    while (!loop_->stopped()) {
      if (Error error = loop_->turn(Duration::max())) return error;
    }
    return {};
  }

  // No new connections; idle ones are closed, requests in flight are answered with `Connection: close`, and
  // what is left after timeout_drain is cut. After listen().
  void stop() noexcept { loop_->stop(); }
  bool stopped() const { return loop_->stopped(); }

  // Summed when they are asked for. Valid as long as the server.
  const ServerStats& stats() const { return stats_; }

 private:
  Config config_;
  io::Address address_;
  io::EpollIo io_;
  Dispatch dispatch_;
  std::unique_ptr<Loop<io::EpollIo, Dispatch>> loop_;
  ServerStats stats_;
};

// Handlers run on the thread that ticks.
template <Handler H>
class Server : public BasicServer<H, InlineDispatch> {
  using BasicServer<H, InlineDispatch>::BasicServer;
};
template <Handler H>
Server(Config, H) -> Server<H>;

// Handlers run on config.thread_pool_count workers.
template <Handler H>
class PooledServer : public BasicServer<H, PoolDispatch> {
  using BasicServer<H, PoolDispatch>::BasicServer;
};
template <Handler H>
PooledServer(Config, H) -> PooledServer<H>;

}  // namespace httpdyno
