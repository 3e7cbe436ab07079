// The loop: completions in, operations out, one turn at a time. It belongs to one thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>
#include <vector>

#include "net/base/time.h"
#include "net/base/timer_wheel.h"
#include "net/io/io.h"
#include "server/access_log.h"
#include "server/config.h"
#include "server/connection.h"
#include "server/connection_table.h"
#include "server/pool_dispatch.h"

namespace httpdyno {

// Only stop() may be called from other threads and from signal handlers.
template <io::Backend Io, class Dispatch, class Log = NoAccessLog>
class Loop {
 public:
  // All outlive the loop. The backend is open.
  Loop(const Config& config, Io& io, Dispatch& dispatch, Log* log = nullptr)
      : io_(io),
        dispatch_(dispatch),
        commons_(config),
        table_(config.max_conn),
        wheel_(io.now()),
        trail_(io, log) {
    io_.accept_start();
    if constexpr (Dispatch::kPooled) dispatch_.start(io_.waker());
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  ~Loop() {
    if constexpr (Dispatch::kPooled) dispatch_.stop();
    wheel_.cancel(accept_retry_);
    wheel_.cancel(drain_end_);
    table_.each([this](Connection& connection) {
      wheel_.cancel(connection);
      if (connection.state() != State::closing) {
        trail_.end(connection);
        connection.start_closing();
      }
      connection.release(commons_);
    });
  }

  // Waits for at most `max_wait` until something happens, deals with all of it, and returns. An error means
  // that the backend cannot go on.
  Error turn(Duration max_wait) {
    const bool hurry = !next_turn_.empty() || (stop_requested() && !commons_.stopping);
    Duration limit = hurry ? Duration::zero() : std::min(max_wait, wheel_.until_next(io_.now()));
    if constexpr (Dispatch::kPooled) limit = rest_for(limit);
    Error error = io_.wait(limit);
    if (error) return error;
    now_ = io_.now();
    commons_.date.refresh(read_wall_seconds());
    if (stop_requested() && !commons_.stopping) begin_stop();

    if constexpr (Dispatch::kPooled) collect_answers();
    serve_waiting();
    const bool busy = drain_completions();
    if constexpr (Dispatch::kPooled) release_held(busy);
    // After the I/O: what arrived in time is never late because we were. When there was more than one wait
    // holds, the rest comes first, too; but for no longer than it takes to see every connection once.
    turns_behind_ = io_.more() ? turns_behind_ + 1 : 0;
    if (turns_behind_ > 0 && turns_behind_ <= kTurnsBehindMax) return {};
    turns_behind_ = 0;
    wheel_.advance(now_, [this](TimerNode& node) { on_timer(node); });
    drain_completions();
    return {};
  }

  // Stops accepting, closes what is idle, finishes what is in flight and cuts the rest after timeout_drain.
  // turn() must go on being called until stopped().
  void stop() noexcept {
    stop_requested_.store(true, std::memory_order_relaxed);
    io_.waker().wake();
  }
  bool stopped() const { return commons_.stopping && table_.active() == 0; }

  const Stats& stats() const { return commons_.stats; }

  // Holds between two turns. For simulation and tests, like the count.
  void check_invariants() {
    table_.check_invariants();
    ASSERT(commons_.stats.active() == table_.active());
    ASSERT(dirty_.empty());
    std::size_t frames = 0;
    table_.each([&](Connection& connection) {
      connection.check_invariants();
      frames += connection.holds_frame() ? 1U : 0U;
      if (connection.state() == State::closing) return ASSERT(!connection.scheduled());
      // Its wishes have become operations, and something will end every wait.
      ASSERT(connection.receiving == connection.wants_receive());
      ASSERT(!connection.output().sendable() ||
             (connection.held_since != kNever && connection.state() == State::handling));
      ASSERT(!connection.said_all());
      // A worker's time, and a producer's, may be their own.
      ASSERT(connection.state() == State::handling || connection.state() == State::streaming ||
             connection.scheduled());
      ASSERT(connection.with_worker() == (connection.job != nullptr));
      ASSERT(connection.timer_due <= connection.due || connection.due <= now_);
    });
    ASSERT(Dispatch::kPooled ? frames <= frames_in_use() : frames == frames_in_use());
  }
  std::size_t frames_in_use() const { return commons_.frames.in_use(); }

 private:
  using State = Connection::State;

  bool stop_requested() const { return stop_requested_.load(std::memory_order_relaxed); }

  // Completions, and the sends that they led to, until both are done; false: there were none. Answers leave at
  // the end of a batch, one send a connection: measured 1 to 3 % cheaper per request than at once, and pipelined
  // answers share it. Requests for workers leave in one batch, too.
  bool drain_completions() {
    bool any = false;
    do {
      while (const io::Completion* completion = io_.next()) {
        on_completion(*completion);
        any = true;
      }
      if constexpr (Dispatch::kPooled) dispatch_.hand_over();
    } while (flush());
    return any;
  }

  bool flush() {
    if (dirty_.empty()) return false;
    for (Connection* connection : dirty_) {
      connection->in_dirty_list = false;
      connection->held_since = kNever;
      if (connection->state() != State::closing && connection->output().sendable()) {
        io_.send(connection->id(), connection->begin_send(commons_.config, now_));
        set_timer(*connection);
      }
    }
    dirty_.clear();
    return true;
  }

  void on_completion(const io::Completion& completion) {
    using io::Event;
    if (completion.event == Event::accepted) return on_accepted(completion);
    if (completion.event == Event::woken) return;  // by the stop or by a worker: the turn looks for both
    Connection* connection = table_.find(completion.id);
    if (connection == nullptr) return;
    switch (completion.event) {
      case Event::received: return on_received(*connection, completion);
      case Event::sent: return on_sent(*connection, completion);
      case Event::closed: return on_closed(*connection);
      case Event::accepted:
      case Event::woken:
      case Event::connected: return;
    }
  }

  // --- connections come and go ---

  void on_accepted(const io::Completion& completion) {
    if (completion.error != 0) {
      // No descriptors or no memory. A connection that closes makes room; so may others in time.
      commons_.stats.accept_errors.add();
      wheel_.schedule(accept_retry_, now_ + kAcceptRetry);
      return;
    }
    io::ConnId id;
    Connection& connection = table_.allocate(id);
    if (io_.attach(id, completion.socket)) {
      commons_.stats.accept_errors.add();
      table_.free(id);
      return;
    }
    connection.open(id, commons_.config, now_);
    commons_.stats.accepted.add();
    set_timer(connection);
    if (table_.full()) io_.accept_stop();
  }

  void close(Connection& connection) {
    abandon(connection);
    trail_.end(connection);
    wheel_.cancel(connection);
    connection.start_closing();
    io_.close(connection.id());
  }

  void on_closed(Connection& connection) {
    const io::ConnId id = connection.id();
    connection.release(commons_);
    table_.free(id);
    commons_.stats.closed.add();
    accept_again();
  }

  void accept_again() {
    if (!commons_.stopping && !table_.full()) io_.accept_start();
  }

  // --- requests and answers ---

  void on_received(Connection& connection, const io::Completion& completion) {
    if (completion.error != 0) return close(connection);
    std::span<char> octets = completion.bytes;
    commons_.stats.bytes_received.add(octets.size());
    connection.count_late(octets.size());
    if (octets.empty()) {
      if (connection.state() == State::lingering) return close(connection);
      connection.on_peer_end(commons_);
      return settle(connection);
    }
    if (connection.state() == State::lingering) {
      if (!connection.discard(commons_.config, octets.size())) close(connection);
      return;
    }
    const std::size_t wanted = connection.octets_wanted(octets.size());
    serve(connection, octets.first(wanted));
    if (wanted < octets.size() && connection.state() != State::finishing)
      serve(connection, octets.subspan(wanted));
    settle(connection);
  }

  // Everything that can be answered now.
  void serve(Connection& connection, std::span<char> octets) {
    connection.begin(commons_, octets);
    while (connection.next_request(commons_)) {
      if constexpr (Dispatch::kPooled) {
        hand_over(connection);
      } else {
        const http::Request request = Connection::request(commons_);
        trail_.begin(connection, request);
        if (!dispatch_.run(request)) commons_.stats.handler_exceptions.add();
        trail_.before(connection);
        connection.respond(commons_, dispatch_.response());
        trail_.after_head(connection, dispatch_.response().status());
      }
    }
    trail_.after_refusal(connection, commons_);
    connection.end(commons_, now_);
    if (connection.waits_for_turn()) next_turn_.push_back(connection.id());
  }

  void hand_over(Connection& connection) {
    trail_.begin(connection, Connection::request(commons_));
    if (!dispatch_.has_room()) {
      commons_.stats.shed.add();
      return connection.refuse(commons_, 503, "every worker is busy and the backlog is full");
    }
    Job* job = new_job(connection);
    job->frame = connection.freeze(commons_, now_);
    dispatch_.submit(job);
  }

  // Connection and job know each other until the answer is here or nobody waits for it any more.
  Job* new_job(Connection& connection) {
    Job* job = dispatch_.new_job();
    job->connection = connection.id();
    connection.job = job;
    return job;
  }

  void abandon(Connection& connection) {
    if constexpr (Dispatch::kPooled) {
      if (Job* job = std::exchange(connection.job, nullptr)) dispatch_.abandon(job);
    }
  }

  // A block of a streamed body: in its turn, or from a worker.
  void ask_for_block(Connection& connection) {
    if constexpr (Dispatch::kPooled) {
      Job* job = new_job(connection);
      job->stream = connection.lend_stream(commons_.config, now_);
      dispatch_.submit(job);
    } else if (!connection.waits_for_turn()) {
      connection.wait_for_turn();
      next_turn_.push_back(connection.id());
    }
  }

  // How long to wait while workers are busy. As long as answers keep coming the loop only dozes: then a worker need not
  // wake it for each, and answers that are held back do not wait for long.
  Duration rest_for(Duration limit) {
    if (limit <= Duration::zero()) return limit;
    const bool dozes = (answers_come_ || !held_.empty()) && dispatch_.busy();
    if (dozes) limit = std::min(limit, kDoze);
    return dispatch_.rest(dozes ? Watch::dozing : Watch::sleeping) ? limit : Duration::zero();
  }

  // Workers have answered. Whoever stopped waiting has said so, even if its connection is still there.
  void collect_answers() {
    IntrusiveQueue<Job> done = dispatch_.collect();
    answers_come_ = !done.empty();
    while (Job* job = done.pop()) {
      if (job->threw) commons_.stats.handler_exceptions.add();
      const bool awaited = !job->abandoned.load(std::memory_order_relaxed);
      Connection* connection = awaited ? table_.find(job->connection) : nullptr;
      RequestFrame* const frame = job->frame;
      if (connection == nullptr) {
        if (job->ran) {
          commons_.stats.stale_dropped.add();
        } else if (frame != nullptr) {
          commons_.stats.not_begun.add();
        }
      } else {
        connection->job = nullptr;
        trail_.before(*connection);
        if (frame != nullptr) {
          connection->thaw(commons_, *frame, job->head.view(), job->response, std::move(job->stream),
                           job->block.view(), now_);
          trail_.after_head(*connection, job->response.status());
        } else {
          connection->take_back(commons_, std::move(job->stream), job->block.view(), now_);
          trail_.after_block(*connection);
        }
        serve(*connection, {});
        hold_back(*connection) ? set_timer(*connection) : settle(*connection);
      }
      if (frame != nullptr) commons_.frames.give_back(frame);
      dispatch_.give_back(job);
    }
  }

  // A connection whose next request is already with a worker keeps its answers for a moment: pipelined ones share a
  // send, as they do inline.
  bool hold_back(Connection& connection) {
    const Output& output = connection.output();
    if (connection.state() != State::handling || !output.sendable() || output.waiting() >= kHeldBytesMax)
      return false;
    if (connection.held_since == kNever) {
      connection.held_since = now_;
      held_.push_back({connection.id(), now_});
    }
    return true;
  }

  // Not for longer than a doze in which nothing happens, nor than kHoldMax.
  void release_held(bool busy) {
    const bool quiet = !busy && !answers_come_;
    std::size_t released = 0;
    for (; released < held_.size(); ++released) {
      const auto& [id, since] = held_[released];
      if (!quiet && now_ - since < kHoldMax) break;
      Connection* connection = table_.find(id);
      // It may have sent them meanwhile, and hold others back.
      if (connection == nullptr || connection->held_since != since || connection->in_dirty_list) continue;
      connection->in_dirty_list = true;
      dirty_.push_back(connection);
    }
    if (released == 0) return;
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(released));
    drain_completions();
  }

  // Connections that had their share of the last turn and still hold requests, or a body to stream.
  void serve_waiting() {
    if (next_turn_.empty()) return;
    waiting_now_.swap(next_turn_);
    for (const io::ConnId id : waiting_now_) {
      Connection* connection = table_.find(id);
      if (connection == nullptr || !connection->waits_for_turn() || connection->state() == State::closing)
        continue;
      if (connection->state() == State::streaming) {
        trail_.before(*connection);
        connection->pull_block(commons_);
        trail_.after_block(*connection);
      }
      if (connection->state() == State::reading) connection->resume(commons_.config, now_);
      // After the last answer, too: what waits behind it is not looked at any more.
      serve(*connection, {});
      settle(*connection);
    }
    waiting_now_.clear();
  }

  void on_sent(Connection& connection, const io::Completion& completion) {
    if (connection.state() == State::closing) return;
    if (completion.error != 0) return close(connection);
    commons_.stats.bytes_sent.add(completion.count);
    connection.sent(commons_, completion.count, now_);
    if (connection.waits_for_output() && connection.output().empty()) {
      connection.resume(commons_.config, now_);
      serve(connection, {});
    }
    settle(connection);
  }

  // Turns what the connection wishes into operations.
  void settle(Connection& connection) {
    if (commons_.stopping && may_end(connection)) {
      if (io_.unsent(connection.id()) == 0) return close(connection);
      connection.finish();
    }
    if (connection.said_all()) {
      if (!connection.worth_lingering()) return close(connection);
      io_.shutdown_send(connection.id());
      connection.start_lingering(commons_.config, now_);
    }
    if (connection.wants_block()) [[unlikely]]
      ask_for_block(connection);
    const bool receive = connection.wants_receive();
    if (receive != connection.receiving) {
      connection.receiving = receive;
      receive ? io_.recv_start(connection.id()) : io_.recv_stop(connection.id());
    }
    if (!connection.output().sendable()) return set_timer(connection);
    if (connection.in_dirty_list) return;
    connection.in_dirty_list = true;
    dirty_.push_back(&connection);
  }

  // --- time ---

  // A timer that fires too early looks again, so a deadline that moves away (as it does with every request)
  // costs nothing.
  void set_timer(Connection& connection) {
    connection.due = connection.deadline(commons_.config, now_);
    if (connection.due >= connection.timer_due) return;
    connection.timer_due = connection.due;
    wheel_.schedule(connection, connection.due);
  }

  void on_timer(TimerNode& node) {
    if (&node == &accept_retry_) return accept_again();
    if (&node == &drain_end_)
      return table_.each([this](Connection& connection) {
        if (connection.state() != State::closing) close(connection);
      });
    auto& connection = static_cast<Connection&>(node);
    connection.timer_due = kNever;
    if (connection.due > now_) {
      if (connection.due == kNever) return;
      connection.timer_due = connection.due;
      return wheel_.schedule(node, connection.due);
    }
    on_deadline(connection);
  }

  void on_deadline(Connection& connection) {
    Stats& stats = commons_.stats;
    if (connection.worker_is_late(now_)) {
      on_worker_late(connection);
    } else if (connection.state() == State::lingering) {
      stats.timeouts_linger.add();
      close(connection);
    } else if (!connection.output().empty()) {
      if (io_.progress(connection.id())) {
        connection.extend_write_deadline(commons_.config, now_);
        return set_timer(connection);
      }
      stats.timeouts_write.add();
      close(connection);
    } else if (connection.state() == State::reading && connection.may_be_late(io_.unread(connection.id()))) {
      wheel_.schedule(connection, now_ + TimerWheel::kTick);
    } else if (connection.inside_request()) {
      stats.timeouts_request.add();
      connection.refuse(commons_, 408, "the request did not arrive in time");
      trail_.after_refusal(connection, commons_);
      settle(connection);
    } else {
      // Idle, or never a request: nobody waits for an answer, so nothing is said.
      (connection.served() == 0 ? stats.timeouts_request : stats.timeouts_keepalive).add();
      close(connection);
    }
  }

  // The worker goes on, with octets of its own; who waits for it is told, as far as that can be said.
  void on_worker_late(Connection& connection) {
    commons_.stats.timeouts_handler.add();
    abandon(connection);
    if (connection.state() == State::handling) {
      connection.refuse(commons_, 504, "the handler did not answer in time");
      trail_.after_refusal(connection, commons_);
    } else {
      trail_.before(connection);
      connection.cut_stream(commons_);
      trail_.after_block(connection);
      serve(connection, {});  // what waits behind it is not looked at any more
    }
    settle(connection);
  }

  void begin_stop() {
    commons_.stopping = true;
    io_.accept_stop();
    io_.close_listener();
    wheel_.cancel(accept_retry_);
    wheel_.schedule(drain_end_, now_ + commons_.config.timeout_drain);
    table_.each([this](Connection& connection) {
      if (connection.idle()) settle(connection);
    });
  }

  // Idle, and nothing has arrived that was not looked at. Closing with unread input resets a connection, and so
  // does input that comes after the close: what is on its way to the client would be lost with it.
  bool may_end(const Connection& connection) { return connection.idle() && io_.unread(connection.id()) == 0; }

  Io& io_;
  Dispatch& dispatch_;
  Commons commons_;
  ConnectionTable table_;
  TimerWheel wheel_;
  [[no_unique_address]] AccessTrail<Io, Log> trail_;
  TimerNode accept_retry_;
  TimerNode drain_end_;
  Time now_;
  std::vector<Connection*> dirty_;     // with output to send at the end of this batch
  std::vector<io::ConnId> next_turn_;  // with requests for the next turn
  std::vector<io::ConnId> waiting_now_;
  struct Held {
    io::ConnId connection;
    Time since;
  };
  std::vector<Held> held_;          // whose answers are held back, oldest first; as many as come in kHoldMax
  bool answers_come_ = false;       // the last turn got some from workers
  std::uint32_t turns_behind_ = 0;  // turns in a row that left completions to the next
  std::atomic<bool> stop_requested_{false};
};

}  // namespace httpdyno
