// One thread's share of a load: its connections, and the loop that drives them over a backend.
//
// Invariant: connection i of the table has the backend id {i, generations_[i]}; it is in one of the states
// from `connecting` to `closing` exactly when the backend knows that id.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <span>
#include <vector>

#include "loadgen/base/clocks.h"
#include "loadgen/base/limits.h"
#include "loadgen/drive/client_connection.h"
#include "loadgen/drive/head_memo.h"
#include "loadgen/figures/tally.h"
#include "loadgen/work/script.h"
#include "net/base/error.h"
#include "net/base/time.h"
#include "net/io/io.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

template <class B>
concept ClientBackend = io::Backend<B> && requires(B backend, io::ConnId id, const io::Address& address) {
  { backend.connect(id, address) } -> std::same_as<Error>;  // the completion is `connected`
};

struct WorkerConfig {
  io::Address server;
  std::uint32_t connections = 1;
  std::uint32_t first_connection = 0;  // how many other workers of the run have before
  std::uint64_t seed = 1;              // of the draws from a mix
  Duration timeout = 2s;               // of a connect and of a request
};

// How run() ended.
enum class RunEnd : std::uint8_t {
  done,         // at its time, everything answered or counted as an error
  interrupted,  // stop() was called
  server_gone,  // no connection for kGoneAfter (limits.h)
  io_failed,    // the backend's wait failed: io_error()
};

// Belongs to one thread but for stop() and answered_so_far(). Must not move while it runs.
template <ClientBackend Io, class Clock = SteadyClock>
class Worker {
 public:
  // `io` is open. `script` outlives the worker.
  Worker(Io& io, const Script& script, const WorkerConfig& config)
      : io_(io),
        script_(script),
        config_(config),
        check_every_(check_interval(config.connections)),
        kinds_(kind_states(script, tally_)),
        asked_(std::size_t{config.connections} * script.pipeline),
        generations_(config.connections, 0),
        retry_at_(config.connections) {
    connections_.reserve(config.connections);
    for (std::size_t i = 0; i < config.connections; ++i) {
      connections_.emplace_back(script_, tally_, kinds_,
                                std::span(asked_).subspan(i * script.pipeline, script.pipeline),
                                draws_of_connection(config.seed, config.first_connection + i));
    }
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Makes the connections that a run with keep-alive begins with, as far as they are down, and returns when
  // each is made or has failed (which is counted; run() tries again). Without keep-alive there is nothing to
  // be done beforehand.
  void connect_all();

  // Keeps the loop closed until `stop_at`, then sends no more and waits, at most `drain`, for what is
  // outstanding; with keep-alive the connections stay open for another run().
  RunEnd run(Time stop_at, Duration drain);

  // Any thread: run() sends no more and returns after at most kInterruptedDrain.
  void stop() {
    stop_requested_.store(true, std::memory_order_relaxed);
    io_.waker().wake();
  }
  // Any thread: for a progress display, so a little late.
  std::uint64_t answered_so_far() const { return answered_so_far_.load(std::memory_order_relaxed); }

  Tally& tally() { return tally_; }
  Error io_error() const { return io_error_; }
  // What this thread has used within the tally's window, as far as run() has got.
  Duration window_cpu() const { return cpu_until_ - cpu_from_; }
  // When run() began to send no more.
  Time stopped_at() const { return stopped_at_; }

 private:
  using State = ClientState;

  void turn();
  void on(const io::Completion& done);
  void on_received(ClientConnection& connection, const io::Completion& done);
  void on_sent(ClientConnection& connection, const io::Completion& done);
  void act(ClientConnection& connection, Wish wish, Time now);
  void begin_or_rest(ClientConnection& connection, Time now);
  void connect(ClientConnection& connection, Time now);
  void check_all(Time now);
  void begin_to_stop(Time now);
  void mark_window(Time now);
  bool holds_request(const ClientConnection& connection) const;
  bool drained() const {
    return std::none_of(connections_.begin(), connections_.end(),
                        [this](auto& c) { return holds_request(c); });
  }
  void wait_until(Time time);

  bool may_issue(Time now) {
    if (now < stop_at_) [[likely]]
      return true;
    if (!stopping_) begin_to_stop(now);
    return false;
  }
  std::uint32_t index_of(const ClientConnection& connection) const {
    return static_cast<std::uint32_t>(&connection - connections_.data());
  }
  io::ConnId id_of(const ClientConnection& connection) const {
    const std::uint32_t index = index_of(connection);
    return {index, generations_[index]};
  }

  Io& io_;
  const Script& script_;
  const WorkerConfig config_;
  const Duration check_every_;
  Tally tally_;
  std::vector<KindState> kinds_;
  std::vector<Asked> asked_;  // pipeline of them for each connection
  std::vector<ClientConnection> connections_;
  std::vector<std::uint32_t> generations_;
  std::vector<Time> retry_at_;  // of connections that are down

  Time stop_at_;  // nothing is sent from then on
  Time stopped_at_;
  Time next_check_;
  std::uint32_t checks_deferred_ = 0;
  Time last_alive_;  // when a connection was last seen established
  Duration drain_{};
  bool stopping_ = true;
  bool window_open_ = false;
  bool window_closed_ = false;
  RunEnd end_ = RunEnd::done;
  Error io_error_;
  Duration cpu_from_{};
  Duration cpu_until_{};

  alignas(64) std::atomic<bool> stop_requested_ = false;
  std::atomic<std::uint64_t> answered_so_far_ = 0;
};

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::connect_all() {
  if (!script_.keep_alive) return;
  next_check_ = last_alive_ = Clock::now();
  std::uint32_t pending = 0;
  auto next = connections_.begin();
  for (;;) {
    for (; next != connections_.end() && pending < kConnectsAtOnce; ++next) {
      if (next->state() != State::down) continue;
      connect(*next, Clock::now());
      ++pending;
    }
    turn();
    if (stop_requested_.load(std::memory_order_relaxed) || io_error_) return;
    pending = static_cast<std::uint32_t>(std::count_if(connections_.begin(), next, [](const auto& c) {
      return c.state() == State::connecting || c.state() == State::closing;
    }));
    if (next == connections_.end() && pending == 0) return;
    if (next == connections_.end() || pending == kConnectsAtOnce) wait_until(next_check_);
  }
}

template <ClientBackend Io, class Clock>
RunEnd Worker<Io, Clock>::run(Time stop_at, Duration drain) {
  const Time begin = Clock::now();
  stop_at_ = stop_at;
  drain_ = drain;
  stopping_ = false;
  end_ = RunEnd::done;
  next_check_ = begin + check_every_;
  last_alive_ = begin;
  mark_window(begin);
  if (stop_requested_.load(std::memory_order_relaxed)) {
    end_ = RunEnd::interrupted;
    begin_to_stop(begin);
  }
  for (ClientConnection& connection : connections_) {
    if (stopping_) break;
    const Time now = Clock::now();
    if (connection.state() == State::ready) begin_or_rest(connection, now);
    if (connection.state() == State::down && may_issue(now)) connect(connection, now);
  }
  for (;;) {
    turn();
    if (io_error_) return RunEnd::io_failed;
    if (stopping_) {
      if (drained()) return end_;
      const Time drain_until = stopped_at_ + drain_;
      if (io_.now() >= drain_until && !io_.more()) {
        for (ClientConnection& connection : connections_) connection.abandon();
        return end_;
      }
      wait_until(std::min(next_check_, drain_until));
    } else {
      wait_until(std::min(next_check_, stop_at_));
    }
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::wait_until(Time time) {
  if (Error error = io_.wait(std::max(time - io_.now(), Duration::zero()))) io_error_ = error;
}

// Everything that the last wait brought, and what is due.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::turn() {
  while (const io::Completion* done = io_.next()) on(*done);
  const Time now = io_.now();
  mark_window(now);
  if (!stopping_) may_issue(now);
  if (now >= next_check_ || stopping_) {
    answered_so_far_.store(tally_.answered(), std::memory_order_relaxed);
  }
  // After a stop (SIGSTOP, a suspended machine) everything seems late: answers that are here already come
  // first, as long as that does not put the check off for ever.
  if (now >= next_check_ && !(io_.more() && checks_deferred_++ < kDeferredChecksMax)) {
    check_all(now);
    while (const io::Completion* done = io_.next()) on(*done);
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on(const io::Completion& done) {
  if (done.event == io::Event::woken) {
    if (!stop_requested_.load(std::memory_order_relaxed) || stopping_) return;
    drain_ = std::min(drain_, kInterruptedDrain);
    end_ = RunEnd::interrupted;
    begin_to_stop(Clock::now());
    return;
  }
  ClientConnection& connection = connections_[done.id.index];
  switch (done.event) {
    case io::Event::received: on_received(connection, done); break;
    case io::Event::sent: on_sent(connection, done); break;
    case io::Event::connected: {
      const Time now = Clock::now();
      if (done.error != 0) {
        connection.on_connect_failed(done.error);
        act(connection, Wish::close, now);
        break;
      }
      last_alive_ = now;
      connection.on_connected();
      begin_or_rest(connection, now);
      break;
    }
    case io::Event::closed: {
      const Time now = Clock::now();
      const std::uint32_t index = index_of(connection);
      connection.on_closed();
      retry_at_[index] = now + (connection.ended_badly() ? kRetryAfter : Duration::zero());
      if (!stopping_ && now >= retry_at_[index] && may_issue(now)) connect(connection, now);
      break;
    }
    case io::Event::accepted:
    case io::Event::woken: break;
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_received(ClientConnection& connection, const io::Completion& done) {
  const Time now = Clock::now();
  if (!done.bytes.empty()) [[likely]] {
    tally_.bytes_received += done.bytes.size();
    act(connection, connection.on_bytes({done.bytes.data(), done.bytes.size()}, now), now);
  } else {
    act(connection,
        done.error != 0 ? connection.on_receive_failed(done.error) : connection.on_end_of_stream(now), now);
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_sent(ClientConnection& connection, const io::Completion& done) {
  // The stamps are needed only where the kernel took a part.
  const bool whole = done.error == 0 && done.count == connection.unsent().size();
  const Time now = whole ? Time() : Clock::now();
  const Wish wish =
      done.error != 0 ? connection.on_send_failed(done.error) : connection.on_sent(done.count, now);
  if (wish != Wish::nothing) [[unlikely]]
    act(connection, wish, Clock::now());
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::act(ClientConnection& connection, Wish wish, Time now) {
  switch (wish) {
    case Wish::nothing: break;
    case Wish::send: io_.send(id_of(connection), connection.unsent()); break;
    case Wish::next_batch: begin_or_rest(connection, now); break;
    case Wish::close:
      connection.begin_close();
      io_.close(id_of(connection));
      break;
  }
}

// On a connection that is ready. Without keep-alive the decision to send was taken when it was made: a
// connection without a request would be work for the server that nobody counts.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::begin_or_rest(ClientConnection& connection, Time now) {
  if (script_.keep_alive && (stopping_ || !may_issue(now))) return;
  // Read anew: `now` was before the parsing of the answers.
  io_.send(id_of(connection), connection.begin_batch(Clock::now()));
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::connect(ClientConnection& connection, Time now) {
  const std::uint32_t index = index_of(connection);
  if (generations_[index] != 0 && script_.keep_alive) ++tally_.reconnects;
  ++generations_[index];
  connection.begin_connect(now);
  if (Error error = io_.connect(id_of(connection), config_.server)) {
    connection.on_connect_failed(error.code);
    connection.on_closed();
    retry_at_[index] = now + kRetryAfter;
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::check_all(Time now) {
  next_check_ = now + check_every_;
  checks_deferred_ = 0;
  bool alive = false;
  for (ClientConnection& connection : connections_) {
    act(connection, connection.on_check(now, config_.timeout), now);
    const State state = connection.state();
    alive = alive || state == State::ready || state == State::busy || state == State::lingering;
    if (state == State::down && !stopping_ && now >= retry_at_[index_of(connection)])
      connect(connection, now);
  }
  if (alive) last_alive_ = now;
  if (!stopping_ && now - last_alive_ >= kGoneAfter) {
    end_ = RunEnd::server_gone;
    begin_to_stop(now);
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::begin_to_stop(Time now) {
  stopping_ = true;
  stopped_at_ = std::min(now, stop_at_);
  stop_at_ = stopped_at_;
  tally_.window.until = std::min(tally_.window.until, stopped_at_);
  if (window_open_ && !window_closed_) {
    window_closed_ = true;
    cpu_until_ = thread_cpu();
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::mark_window(Time now) {
  if (window_open_ || now < tally_.window.from) return;
  window_open_ = true;
  cpu_from_ = cpu_until_ = thread_cpu();
}

template <ClientBackend Io, class Clock>
bool Worker<Io, Clock>::holds_request(const ClientConnection& connection) const {
  switch (connection.state()) {
    case State::down:
    case State::ready:
    case State::closing: return false;
    case State::busy: return true;
    // One request, one connection: it has been decided upon when the connection was begun, and it ends with
    // it.
    case State::connecting:
    case State::lingering: return !script_.keep_alive;
  }
  return false;
}

}  // namespace httpdyno::loadgen
