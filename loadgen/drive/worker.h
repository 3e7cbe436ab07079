// One thread's share of a load: its connections, and the loop that drives them over a backend.
//
// Open loop: a request that is due goes to a connection with room as soon as there is one. None is dropped and
// none is stored: what is due and not sent lies between the clock and the schedule's cursor.
//
// Invariant: connection i of the table has the backend id {i, generations_[i]}; it is in one of the states
// from `connecting` to `closing` exactly when the backend knows that id.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "loadgen/base/clocks.h"
#include "loadgen/base/limits.h"
#include "loadgen/drive/client_connection.h"
#include "loadgen/drive/due_requests.h"
#include "loadgen/drive/kernel_times.h"
#include "loadgen/drive/ledger.h"
#include "loadgen/drive/slots.h"
#include "loadgen/drive/thread_watch.h"
#include "loadgen/figures/in_flight.h"
#include "loadgen/work/schedule.h"
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
  Arrivals arrivals{};                 // of the whole run; closed or open loop
  std::uint32_t thread = 0;            // this one's share of them: its number, of how many
  std::uint32_t threads = 1;
  std::uint64_t queue_limit = 0;  // how many due requests may wait for a connection; 0: no limit
};

// How run() ended.
enum class RunEnd : std::uint8_t {
  done,         // at its time, everything answered or counted as an error
  interrupted,  // stop() was called
  server_gone,  // no connection for kGoneAfter (limits.h)
  overloaded,   // more than queue_limit requests waited
  io_failed,    // the backend's wait failed: io_error()
};

// Belongs to one thread but for stop() and ledger().take(). Must not move while it runs.
template <ClientBackend Io, class Clock = SteadyClock>
class Worker {
 public:
  // `io` is open. `script` outlives the worker.
  Worker(Io& io, const Script& script, const WorkerConfig& config)
      : io_(io),
        script_(script),
        config_(config),
        check_every_(check_interval(config.connections)),
        ledger_(script, config.arrivals.open()),
        asked_(std::size_t{config.connections} * script.pipeline),
        generations_(config.connections, 0),
        retry_at_(config.connections),
        slots_(config.connections),
        promised_(is_open() && !script.keep_alive() ? config.connections : 0, kNever),
        kernel_(config.connections, script.pipeline) {
    if constexpr (kStamping) ledger_.expect_kernel_stamps();
    connections_.reserve(config.connections);
    for (std::size_t i = 0; i < config.connections; ++i) {
      connections_.emplace_back(script_, ledger_,
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

  // Of the runs from now on: what poisson arrivals are drawn by.
  void set_arrivals_seed(std::uint64_t seed) { config_.arrivals.seed = seed; }

  // Keeps the loop closed, or to its schedule from `begin`, until `stop_at`; then no more becomes due, and what
  // is outstanding is waited for, at most `drain`; with keep-alive the connections stay open for another run().
  RunEnd run(Time begin, Time stop_at, Duration drain);

  // Before a run: takes what has come since the connections were made. It answers none of the run's requests.
  void take_in() {
    if (Error error = io_.wait(Duration::zero())) io_error_ = error;
    drain();
  }
  // After a run: takes what still comes within `length`. A server that is one answer ahead is found out here.
  void listen(Duration length);

  // Any thread: run() sends no more and returns after at most kInterruptedDrain.
  void stop() {
    stop_requested_.store(true, std::memory_order_relaxed);
    io_.waker().wake();
  }
  Ledger& ledger() { return ledger_; }
  // Of the window, so far as run() has got: the sum over its requests of their time in flight.
  Duration time_in_flight() const { return in_flight_.area(); }
  // How many requests were due before stopped_at().
  std::uint64_t due() const { return due_ ? due_->taken() : 0; }
  Error io_error() const { return io_error_; }
  // What this thread has used within the window, as far as run() has got.
  Duration window_cpu() const { return cpu_until_ - cpu_from_; }
  // When run() began to send no more.
  Time stopped_at() const { return stopped_at_; }

 private:
  using State = ClientState;

  // Whether each request's time is to be told apart by the kernel's stamps. Where it is not, nothing of it is there.
  static constexpr bool kStamping = StampingBackend<Io>;

  void turn();
  bool drain();
  void on(const io::Completion& done);
  void on_received(ClientConnection& connection, const io::Completion& done);
  void on_sent(ClientConnection& connection, const io::Completion& done);
  void look_at_kernel_clock(Time now);
  void take_stamps(ClientConnection& connection);
  void note_answers(ClientConnection& connection, std::uint32_t gone, std::uint64_t answered, Time now);
  void act(ClientConnection& connection, Wish wish, Time now);
  void on_ready(ClientConnection& connection, Time now);
  void on_room(ClientConnection& connection, Time now);
  void on_down(ClientConnection& connection, Time now);
  bool send_due(Time now);
  template <class Add>
  void send(ClientConnection& connection, Time now, Add add);
  void leave_unsent(Time now);
  RunEnd finish();
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
  bool is_open() const { return config_.arrivals.open(); }
  // What was due before the end of the load is sent after it, as far as the drain allows; otherwise its
  // latency would only be known to be longer than next to nothing.
  bool may_send_due() const { return is_open() && due_ && (!stopping_ || end_ == RunEnd::done); }
  bool backlog(Time now) const {
    return may_send_due() && (due_->waiting(now) || std::any_of(promised_.begin(), promised_.end(),
                                                                [](Time due) { return due != kNever; }));
  }
  // Whatever changes how many requests are outstanding on `connection`.
  template <class Change>
  auto count_in_flight(ClientConnection& connection, Time now, Change change) {
    const std::uint32_t before = connection.outstanding();
    const auto count = [&] { in_flight_.change(now, std::int64_t{connection.outstanding()} - before); };
    if constexpr (std::is_void_v<decltype(change())>) {
      change();
      count();
    } else {
      const auto result = change();
      count();
      return result;
    }
  }

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
  WorkerConfig config_;
  const Duration check_every_;
  Ledger ledger_;
  InFlight in_flight_;
  std::vector<Asked> asked_;  // pipeline of them for each connection
  std::vector<ClientConnection> connections_;
  std::vector<std::uint32_t> generations_;
  std::vector<Time> retry_at_;  // of connections that are down

  // Of an open loop.
  std::optional<DueRequests> due_;  // during a run
  Slots slots_;
  std::vector<Time> promised_;  // without keep-alive: when the request was due that a connection is made for

  [[no_unique_address]] std::conditional_t<kStamping, KernelTimes, NoKernelTimes> kernel_;

  Time stop_at_;  // nothing is sent from then on
  Time stopped_at_;
  Time next_check_;
  Time next_tick_;
  std::uint32_t checks_deferred_ = 0;
  Time last_alive_;  // when a connection was last seen established
  Duration drain_{};
  bool stopping_ = true;
  ThreadWatch watch_;
  bool window_open_ = false;
  bool window_closed_ = false;
  RunEnd end_ = RunEnd::done;
  Error io_error_;
  Duration cpu_from_{};
  Duration cpu_until_{};

  alignas(64) std::atomic<bool> stop_requested_ = false;
};

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::connect_all() {
  if (!script_.keep_alive()) return;
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
RunEnd Worker<Io, Clock>::run(Time begin, Time stop_at, Duration drain) {
  const Time now = Clock::now();
  stop_at_ = stop_at;
  drain_ = drain;
  stopping_ = false;
  end_ = RunEnd::done;
  next_check_ = now + check_every_;
  next_tick_ = tick_after(now, ledger_.window().from);
  last_alive_ = now;
  watch_.begin(now);
  in_flight_.begin(ledger_.window());
  if constexpr (kStamping) {
    for (int i = 0; i < kKernelClockLooks; ++i) look_at_kernel_clock(Clock::now());
  }
  mark_window(now);
  if (stop_requested_.load(std::memory_order_relaxed)) {
    end_ = RunEnd::interrupted;
    begin_to_stop(now);
  }
  if (is_open()) {
    due_.emplace(Schedule(config_.arrivals, begin, stop_at, config_.thread, config_.threads), stop_at);
  }
  for (ClientConnection& connection : connections_) {
    if (stopping_) break;
    if (connection.state() == State::ready) on_room(connection, Clock::now());
    if (connection.state() == State::down) on_down(connection, Clock::now());
  }
  for (;;) {
    turn();
    if (io_error_) {
      end_ = RunEnd::io_failed;
      if (!stopping_) begin_to_stop(Clock::now());
      return finish();
    }
    if (!stopping_) {
      wait_until(std::min(next_check_, stop_at_));
      continue;
    }
    if (drained() && !backlog(io_.now())) return finish();
    const Time drain_until = stopped_at_ + drain_;
    if (io_.now() >= drain_until && !io_.more()) return finish();
    wait_until(std::min(next_check_, drain_until));
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::listen(Duration length) {
  const Time until = Clock::now() + length;
  while (io_.now() < until && !io_error_) {
    if (Error error = io_.wait(until - io_.now())) io_error_ = error;
    while (const io::Completion* done = io_.next()) {
      // Nothing is begun any more, and what was given up may still be answered.
      if (done->event == io::Event::connected && done->error == 0) ++ledger_.tally().connections;
      if (done->event != io::Event::received || done->bytes.empty()) continue;
      const State state = connections_[done->id.index].state();
      if (state == State::ready || state == State::lingering) on(*done);
    }
  }
}

// What is still outstanding, or was never sent, is accounted for.
template <ClientBackend Io, class Clock>
RunEnd Worker<Io, Clock>::finish() {
  const Time now = Clock::now();
  for (ClientConnection& connection : connections_) {
    count_in_flight(connection, now, [&] { connection.abandon(now); });
  }
  if (is_open()) leave_unsent(now);
  return end_;
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::wait_until(Time time) {
  bool spinning = false;
  if (is_open() && !stopping_ && !slots_.empty()) {
    // With a free connection the next due time must not be missed.
    time = std::min(time, due_->next() - kSpinAhead);
    spinning = time <= io_.now();
  }
  Duration limit = std::max(time - io_.now(), Duration::zero());
  // A backend may round up to whole milliseconds.
  if (is_open() && limit > 1ms) limit = std::chrono::floor<std::chrono::milliseconds>(limit);
  if (Error error = io_.wait(limit)) io_error_ = error;
  if (!stopping_) watch_.after_wait(io_.now(), limit, spinning, ledger_.tally().thread);
}

// Everything that the last wait brought, and what is due.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::turn() {
  if (!drain()) watch_.was_idle(ledger_.tally().thread);
  const Time now = io_.now();
  mark_window(now);
  while (may_send_due() && send_due(now)) drain();
  if (!stopping_) may_issue(now);
  if (now >= next_tick_) {
    next_tick_ = tick_after(now, ledger_.window().from);
    ledger_.offer();
  }
  // After a stop (SIGSTOP, a suspended machine) everything seems late: answers that are here already come
  // first, as long as that does not put the check off for ever.
  if (now >= next_check_ && !(io_.more() && checks_deferred_++ < kDeferredChecksMax)) {
    check_all(now);
    drain();
  }
}

// Whether there was anything.
template <ClientBackend Io, class Clock>
bool Worker<Io, Clock>::drain() {
  const io::Completion* done = io_.next();
  if (done == nullptr) return false;
  for (; done != nullptr; done = io_.next()) on(*done);
  return true;
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
      ++ledger_.tally().connections;
      connection.on_connected();
      if constexpr (kStamping) {
        kernel_.on_connected(index_of(connection));
        // What is not stamped is counted as that.
        static_cast<void>(io_.stamp(done.id));
      }
      on_ready(connection, now);
      break;
    }
    case io::Event::closed: {
      const Time now = Clock::now();
      connection.on_closed();
      retry_at_[index_of(connection)] = now + (connection.ended_badly() ? kRetryAfter : Duration::zero());
      on_down(connection, now);
      break;
    }
    case io::Event::accepted:
    case io::Event::woken: break;
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_received(ClientConnection& connection, const io::Completion& done) {
  const Time now = Clock::now();
  ledger_.tally().bytes_received += done.bytes.size();
  const std::uint32_t outstanding = connection.outstanding();
  std::uint64_t answered = 0;
  if constexpr (kStamping) {
    look_at_kernel_clock(now);
    take_stamps(connection);
    answered = ledger_.answered();
  }
  const Wish wish = count_in_flight(connection, now, [&] {
    if (!done.bytes.empty()) [[likely]]
      return connection.on_bytes({done.bytes.data(), done.bytes.size()}, now);
    return done.error != 0 ? connection.on_receive_failed(done.error, now) : connection.on_end_of_stream(now);
  });
  if constexpr (kStamping) {
    note_answers(connection, outstanding - connection.outstanding(), ledger_.answered() - answered, now);
  }
  act(connection, wish, now);
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::look_at_kernel_clock(Time now) {
  const RealTime real = io_.real_time();
  kernel_.clock().see(now, real, Clock::now());
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::take_stamps(ClientConnection& connection) {
  const std::uint32_t index = index_of(connection);
  while (kernel_.awaits(index)) {
    const std::optional<SentStamp> stamp = io_.next_sent(id_of(connection));
    if (!stamp) return;
    kernel_.on_sent(index, *stamp);
  }
}

// `gone` requests wait no more since these octets came. The first `answered` of them have their answers; they may be
// wrong, and then the run is void.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::note_answers(ClientConnection& connection, std::uint32_t gone, std::uint64_t answered,
                                     Time now) {
  for (std::uint64_t i = 0; i < answered; ++i) {
    kernel_.on_answered(index_of(connection), connection.gone(gone - 1 - static_cast<std::uint32_t>(i)),
                        io_.received_at(), now, ledger_.window(), *ledger_.tally().kernel);
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_sent(ClientConnection& connection, const io::Completion& done) {
  if constexpr (kStamping) take_stamps(connection);
  // The stamps are needed only where the kernel took a part.
  const bool whole = done.error == 0 && done.count == connection.unsent().size();
  if (whole) [[likely]] {
    const Wish wish = connection.on_sent(done.count, Time());
    if (wish != Wish::nothing) [[unlikely]]
      act(connection, wish, Clock::now());
    return;
  }
  const Time now = Clock::now();
  act(connection,
      count_in_flight(connection, now,
                      [&] {
                        return done.error != 0 ? connection.on_send_failed(done.error, now)
                                               : connection.on_sent(done.count, now);
                      }),
      now);
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::act(ClientConnection& connection, Wish wish, Time now) {
  if (is_open() && (wish == Wish::close || connection.room() == 0)) slots_.withdraw(index_of(connection));
  switch (wish) {
    case Wish::nothing: break;
    case Wish::send: io_.send(id_of(connection), connection.unsent()); break;
    case Wish::more: on_room(connection, now); break;
    case Wish::close:
      connection.begin_close();
      io_.close(id_of(connection));
      break;
  }
}

// It has been made. Without keep-alive the decision to send was taken when it was begun: a connection without a
// request would be work for the server that nobody counts.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_ready(ClientConnection& connection, Time now) {
  if (script_.keep_alive()) {
    on_room(connection, now);
  } else if (is_open()) {
    send(connection, now,
         [&] { connection.add(std::exchange(promised_[index_of(connection)], kNever), now); });
  } else {
    send(connection, now, [&] { connection.fill(now); });
  }
}

// Requests may be given to a connection that is made.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_room(ClientConnection& connection, Time now) {
  const bool issues = may_issue(now);
  if (is_open()) {
    if (!may_send_due()) return;
    slots_.offer(index_of(connection), connection.outstanding() == 0);
    send_due(now);
  } else if (issues) {
    // Read anew: `now` was before the parsing of the answers.
    const Time sent = Clock::now();
    send(connection, sent, [&] { connection.fill(sent); });
  }
}

// A connection is made again when there is something to be sent on it. In an open loop without keep-alive that
// is when a request is due: what the making takes belongs to its response time.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::on_down(ClientConnection& connection, Time now) {
  const std::uint32_t index = index_of(connection);
  if (now < retry_at_[index] || !(may_issue(now) || backlog(now))) return;
  if (!promised_.empty() && promised_[index] == kNever) {
    slots_.offer(index, true);
  } else {
    connect(connection, now);
  }
}

// What is due, as far as there is room for it. Whether anything was sent.
template <ClientBackend Io, class Clock>
bool Worker<Io, Clock>::send_due(Time now) {
  if (!due_->waiting(now)) return false;
  bool any = false;
  for (; due_->waiting(now) && !slots_.empty(); any = true) {
    ClientConnection& connection = connections_[slots_.take()];
    const Time sent = Clock::now();
    if (connection.state() == State::down) {
      promised_[index_of(connection)] = due_->take(sent, ledger_);
      connect(connection, sent);
      continue;
    }
    // One send each, as they are due; together only where they have to share the last connection.
    const bool last = connection.outstanding() != 0 && slots_.empty();
    send(connection, sent, [&] {
      do {
        connection.add(due_->take(sent, ledger_), sent);
      } while (last && connection.room() > 0 && due_->waiting(now));
    });
  }
  if (due_->waiting(now)) due_->note_no_room(now);
  return any;
}

// What `add` adds to the connection, in one send.
template <ClientBackend Io, class Clock>
template <class Add>
void Worker<Io, Clock>::send(ClientConnection& connection, Time now, Add add) {
  const std::uint32_t before = connection.outstanding();
  count_in_flight(connection, now, add);
  const std::string_view batch = connection.take_batch();
  if constexpr (kStamping) {
    kernel_.on_batch(index_of(connection), connection.outstanding() - before, batch.size());
  }
  io_.send(id_of(connection), batch);
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::connect(ClientConnection& connection, Time now) {
  const std::uint32_t index = index_of(connection);
  if (generations_[index] != 0 && !connection.used_up()) ++ledger_.tally().reconnects;
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
  // In an open loop without keep-alive there is no connection when no request is due.
  bool alive = !promised_.empty() &&
               std::all_of(promised_.begin(), promised_.end(), [](Time due) { return due == kNever; });
  for (ClientConnection& connection : connections_) {
    act(connection,
        count_in_flight(connection, now, [&] { return connection.on_check(now, config_.timeout); }), now);
    const State state = connection.state();
    alive = alive || state == State::ready || state == State::busy || state == State::lingering;
    if (state == State::down) on_down(connection, now);
  }
  if (alive) last_alive_ = now;
  if (!stopping_ && now - last_alive_ >= kGoneAfter) {
    end_ = RunEnd::server_gone;
    begin_to_stop(now);
  }
  if (is_open() && !stopping_ && config_.queue_limit != 0 && due_->queued(now) > config_.queue_limit) {
    end_ = RunEnd::overloaded;
    begin_to_stop(now);
  }
}

// Without keep-alive a request may have been given to a connection that could not be made.
template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::leave_unsent(Time now) {
  const bool shed = end_ == RunEnd::overloaded;
  for (Time& due : promised_) {
    if (due != kNever) ledger_.leave_unsent(std::exchange(due, kNever), shed, now);
  }
  due_->leave(stopped_at_, shed, now, ledger_);
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::begin_to_stop(Time now) {
  stopping_ = true;
  stopped_at_ = std::min(now, stop_at_);
  stop_at_ = stopped_at_;
  ledger_.end_window(stopped_at_);
  in_flight_.end_window(stopped_at_);
  if (window_open_ && !window_closed_) {
    window_closed_ = true;
    cpu_until_ = thread_cpu();
  }
}

template <ClientBackend Io, class Clock>
void Worker<Io, Clock>::mark_window(Time now) {
  if (window_open_ || now < ledger_.window().from) return;
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
    case State::lingering: return !script_.keep_alive();
  }
  return false;
}

}  // namespace httpdyno::loadgen
