// The server that applications embed: a configuration, a handler, one or more loops, each on a thread.
//
//   httpdyno::Server server(config, [](const http::Request& request, http::Response& response) { ... });
//   if (httpdyno::Error error = server.listen()) { ... error.message() ... }
//   server.run();
#pragma once

#include <algorithm>
#include <concepts>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "net/base/error.h"
#include "net/io/epoll/epoll_io.h"
#include "net/io/listener.h"
#include "server/access_log.h"
#include "server/config.h"
#include "server/inline_dispatch.h"
#include "server/loop.h"
#include "server/pool_dispatch.h"
#include "server/stats.h"

namespace httpdyno {

// `H` is called as handler.h says, `Log` as access_log.h; there is one of each, whatever the number of loops. Neither copied nor moved:
// workers and timers point into it.
//
// One thread calls listen(), tick(), run() and stopped(). stop(), address() and stats() may be called by any
// thread after listen(), stop() by signal handlers, too. SIGPIPE need not be ignored.
template <Handler H, template <class> class DispatchOf, class Log = NoAccessLog>
requires AccessLog<Log> || std::same_as<Log, NoAccessLog>
class BasicServer {
 public:
  BasicServer(Config config, H handler, Log log = {})
      : config_(std::move(config)), handler_(std::move(handler)), log_(std::move(log)) {}
  BasicServer(const BasicServer&) = delete;
  BasicServer& operator=(const BasicServer&) = delete;

  // Why this configuration cannot work, in one line; empty when it can.
  static std::string problem(const Config& config) {
    std::string problem = config.problem();
    return problem.empty() ? Dispatch::problem(config) : problem;
  }

  // Binds and listens; connections wait until the first tick() or run(). EADDRINUSE when the port or the unix
  // socket is taken, EINVAL when the configuration has a problem(). Once; after an error it may be tried
  // again.
  Error listen() {
    if (!problem(config_).empty()) return Error{EINVAL, "configuration"};
    io::Address wanted;
    if (Error error = io::parse_address(config_.bind, config_.port, wanted)) return error;
    std::vector<io::Listener> listeners(config_.loops);
    if (Error error = io::listen(wanted, config_.backlog, listeners, address_)) return error;
    std::vector<std::unique_ptr<Shard>> shards;
    for (io::Listener& listener : listeners) {
      if (Error error = listener.limit_unsent(config_.kernel_unsent_bytes_max)) return error;
      shards.push_back(std::make_unique<Shard>(config_, handler_));
      if (Error error = shards.back()->open(config_, std::move(listener), log_)) return error;
    }
    shards_ = std::move(shards);
    for (const auto& shard : shards_) stats_.add_loop(shard->loop->stats());
    return {};
  }

  // Where it listens, with the port that the kernel chose.
  const io::Address& address() const { return address_; }

  // One turn: waits for at most `max_wait` until something happens, deals with all of it, returns. For a
  // server of one loop; EINVAL otherwise. Any other error is lasting.
  Error tick(Duration max_wait) {
    if (shards_.size() != 1) return Error{EINVAL, "tick() is for one loop that listens"};
    return shards_.front()->loop->turn(max_wait);
  }

  // Runs every loop, the first on this thread and each other on one of its own, until stop() has been called
  // and everything in flight has ended. A loop that fails stops the others; its error is returned.
  Error run() {
    if (shards_.empty()) return Error{EINVAL, "run() is for a server that listens"};
    if (shards_.size() == 1) return shards_.front()->run();
    std::vector<Error> errors(shards_.size());
    const auto run_shard = [this, &errors](std::size_t index) {
      errors[index] = shards_[index]->run();
      if (errors[index]) stop();
    };
    std::vector<std::thread> threads;
    Error no_thread;
    try {
      for (std::size_t i = 1; i < shards_.size(); ++i) threads.emplace_back(run_shard, i);
    } catch (const std::system_error& error) {
      no_thread = Error{error.code().value(), "thread"};
      stop();
    }
    run_shard(0);
    for (std::thread& thread : threads) thread.join();
    if (no_thread) return no_thread;
    const auto failed = std::ranges::find_if(errors, [](const Error& error) { return bool(error); });
    return failed == errors.end() ? Error{} : *failed;
  }

  // No new connections; idle ones are closed, requests in flight are answered with `Connection: close`, and
  // what is left after timeout_drain is cut. A unix socket's file is removed.
  void stop() noexcept {
    for (const auto& shard : shards_) shard->loop->stop();
  }
  // For whoever ticks, and after run().
  bool stopped() const {
    return std::ranges::all_of(shards_, [](const auto& shard) { return shard->loop->stopped(); });
  }

  // The sum over the loops is made when it is asked for. Valid as long as the server.
  const ServerStats& stats() const { return stats_; }

 private:
  // Several loops call the one handler.
  struct HandlerRef {
    H* handler;
    void operator()(const http::Request& request, http::Response& response) const {
      (*handler)(request, response);
    }
  };
  using Dispatch = DispatchOf<HandlerRef>;

  // One loop with everything that belongs to it: what one thread writes is on no cache line of another's.
  struct alignas(64) Shard {
    Shard(const Config& config, H& handler) : dispatch(config, HandlerRef{&handler}) {}

    Error open(const Config& config, io::Listener listener, Log& log) {
      if (Error error = io.open(std::move(listener))) return error;
      try {
        loop = std::make_unique<Loop<io::EpollIo, Dispatch, Log>>(config, io, dispatch, &log);
      } catch (const std::system_error& error) {  // of a worker
        return Error{error.code().value(), "thread"};
      }
      return {};
    }
    Error run() {
      while (!loop->stopped()) {
        if (Error error = loop->turn(Duration::max())) return error;
      }
      return {};
    }

    io::EpollIo io;
    Dispatch dispatch;
    std::unique_ptr<Loop<io::EpollIo, Dispatch, Log>> loop;
  };

  Config config_;
  H handler_;
  [[no_unique_address]] Log log_;
  io::Address address_;
  std::vector<std::unique_ptr<Shard>> shards_;
  ServerStats stats_;
};

// Handlers run on the loops' own threads: with config.loops above 1 several at a time.
template <Handler H, class Log = NoAccessLog>
class Server : public BasicServer<H, InlineDispatch, Log> {
  using BasicServer<H, InlineDispatch, Log>::BasicServer;
};
template <Handler H>
Server(Config, H) -> Server<H>;
template <Handler H, AccessLog Log>
Server(Config, H, Log) -> Server<H, Log>;

// Handlers run on workers, several at a time: config.thread_pool_count of them for each loop.
template <Handler H, class Log = NoAccessLog>
class PooledServer : public BasicServer<H, PoolDispatch, Log> {
  using BasicServer<H, PoolDispatch, Log>::BasicServer;
};
template <Handler H>
PooledServer(Config, H) -> PooledServer<H>;
template <Handler H, AccessLog Log>
PooledServer(Config, H, Log) -> PooledServer<H, Log>;

}  // namespace httpdyno
