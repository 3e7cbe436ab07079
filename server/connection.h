// One connection without I/O: octets and times go in; octets to send, requests to answer and wishes come out.
//
// No descriptor, no clock, no thread. The loop asks what it wants after each step:
//
//   begin(octets)                      what was received joins what is unfinished
//   while (next_request())             one whole request at a time, in order
//     respond(response)                  inline: answered at once; or
//     frame = freeze()                   pool: the request leaves with its octets; thaw() brings the answer
//   end(now)                           what is unfinished is kept
//
// While an answer's body is streamed, the next request waits: wants_block() asks for a block as often as there is
// room, pull_block() appends one at once, lend_stream() and take_back() do it by way of a worker.
//
// A request is read where it lies: in the lent octets of the read, or, when it came in several, in the
// connection's frame. An idle connection owns neither frame nor output.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "net/base/assert.h"
#include "net/base/time.h"
#include "net/base/timer_wheel.h"
#include "net/http/date.h"
#include "net/http/response_writer.h"
#include "net/io/io.h"
#include "server/config.h"
#include "server/output.h"
#include "server/request_frame.h"
#include "server/stats.h"

namespace httpdyno {

struct Job;

// What all connections of one loop share. One thread.
struct Commons {
  explicit Commons(const Config& given)
      : config(given),
        frames(given.parse_limits(), given.buffer_retain_bytes_max),
        outputs(given.buffer_retain_bytes_max),
        lent_parser(std::make_unique<http::RequestParser>(given.parse_limits())) {}
  Commons(const Commons&) = delete;
  Commons& operator=(const Commons&) = delete;

  const Config config;
  FramePool frames;
  OutputPool outputs;
  http::DateCache date;
  Stats stats;
  bool stopping = false;
  // The core's own last answer, until the access log has taken note of it.
  struct Refusal {
    int status = 0;
    std::size_t bytes = 0;
  } refusal;

  // What is being read just now: only one connection is served at a time. Octets that are lent have a parser
  // of their own; if they end inside a request, a frame takes over what it knows.
  std::unique_ptr<http::RequestParser> lent_parser;
  struct Cursor {
    std::span<char> octets{};
    std::size_t used = 0;  // octets of whole requests that are dealt with
    http::RequestParser* parser = nullptr;
    bool lent = true;  // the octets are the backend's, not the frame's

    std::span<char> rest() const { return octets.subspan(used); }
  } cursor;
  std::uint32_t granted = 0;  // requests that the connection may have in this turn
  std::uint32_t budget = 0;   // how many of them it may still have
};

// It is its own timer's node, so that a timer that fires leads back to it.
class Connection : public TimerNode {
 public:
  enum class State : std::uint8_t {
    free,       // a place in the table, nothing else
    reading,    // between requests, or inside one
    handling,   // frozen: a worker has its request; nothing is read, grown or evicted before timeout_handler
    streaming,  // an answer's body is being pulled; nothing is read
    finishing,  // the final answer is on its way out; nothing is read
    lingering,  // the final answer is sent, our side is shut: what comes is discarded until the client closes
    closing,    // closed, but the backend still has something of it in flight
  };

  State state() const { return state_; }
  io::ConnId id() const { return id_; }
  std::uint64_t served() const { return served_; }

  // --- life ---
  void open(io::ConnId id, const Config& config, Time now);
  // No completion will name it any more: everything goes back.
  void release(Commons& commons);
  void start_closing() { move_to(State::closing); }
  void start_lingering(const Config& config, Time now);
  // Nothing more is served, as after a final answer.
  void finish() { move_to(State::finishing); }

  // --- input ---
  // How many of `available` octets belong to the unfinished request, as far as its length is declared: the
  // rest is served from where it lies, when this request is done, and never makes the frame grow.
  std::size_t octets_wanted(std::size_t available) const;
  void begin(Commons& commons, std::span<char> octets);
  // True: request() is whole and must be answered or frozen.
  bool next_request(Commons& commons);
  static http::Request request(const Commons& commons) {
    const Commons::Cursor& cursor = commons.cursor;
    return {*cursor.parser, cursor.rest().data()};
  }
  void end(Commons& commons, Time now);

  // The peer has ended its side. What it asked for before is still answered.
  void on_peer_end(Commons& commons);
  // At a request's deadline `unread` octets are here, only not looked at yet: they still count, what comes later does not.
  // True while some of them are to come.
  bool may_be_late(std::size_t unread) {
    if (!late_) late_octets_ = unread;
    late_ = true;
    return late_octets_ > 0 && unread > 0;
  }
  void count_late(std::size_t octets) { late_octets_ -= std::min(late_octets_, octets); }
  // Lingering: counts what is thrown away. False when it is enough.
  bool discard(const Config& config, std::size_t octets) {
    return (discarded_ += octets) <= config.linger_bytes_max;
  }

  // --- answers ---
  // A body that is streamed is taken from the response, and its first block is pulled.
  void respond(Commons& commons, http::Response& response);
  // The request with its octets, for somebody else to answer.
  RequestFrame* freeze(Commons& commons, Time now);
  // The answer to it. `head` is what write_head() made; `stream`, when the body is streamed, has been pulled from
  // once, and `block` is what came. Deadlines start anew: the wait was not the client's.
  void thaw(Commons& commons, const RequestFrame& frame, std::string_view head,
            const http::Response& response, std::unique_ptr<http::BodyStream> stream, std::string_view block,
            Time now);
  // Ends the connection with an answer of the core's own. The request that is being read is given up.
  void refuse(Commons& commons, int status, std::string_view reason);

  // --- a streamed body ---
  // There is room for a block, and nobody is pulling one.
  bool wants_block() const {
    return state_ == State::streaming && stream_ != nullptr && output_.waiting() < kStreamBlockBytes;
  }
  void pull_block(Commons& commons);
  // The stream, for somebody else to pull a block of it and bring both back.
  std::unique_ptr<http::BodyStream> lend_stream(const Config& config, Time now) {
    await_worker(config, now);
    return std::move(stream_);
  }
  void take_back(Commons& commons, std::unique_ptr<http::BodyStream> stream, std::string_view block,
                 Time now);
  // The body ends here, and not as a whole one does; the answers before it must still reach the client.
  void cut_stream(Commons& commons);

  // --- output and wishes ---
  const Output& output() const { return output_; }
  // The octets to send next; they stay where they are until sent(). Each progress gives the client
  // timeout_write anew.
  std::string_view begin_send(const Config& config, Time now) {
    write_deadline_ = now + config.timeout_write;
    return output_.begin_send();
  }
  void extend_write_deadline(const Config& config, Time now) { write_deadline_ = now + config.timeout_write; }
  void sent(Commons& commons, std::size_t count, Time now) {
    output_.sent(count, commons.outputs);
    if (!output_.empty()) return;
    unsent_answers_ = 0;
    // An empty line behind the answer begins no request: whoever has just got it is not late with the next.
    if (state_ == State::reading && frame_ != nullptr && !frame_->parser->started())
      begin_request(commons.config, now);
  }
  // Octets should be read: not while a worker has the request, while answers wait to be sent, or after the
  // last one.
  bool wants_receive() const {
    return state_ == State::lingering ||
           (state_ == State::reading && !waits_for_output_ && !waits_for_turn_ && !peer_ended_);
  }
  // Requests that are here already may be served when the output has drained, or at the next turn.
  bool waits_for_output() const { return waits_for_output_; }
  bool waits_for_turn() const { return waits_for_turn_; }
  void wait_for_turn() { waits_for_turn_ = true; }
  // The wait is over: begin() with no octets goes on. Deadlines start anew.
  void resume(const Config& config, Time now) {
    waits_for_output_ = waits_for_turn_ = false;
    begin_request(config, now);
  }
  // Everything is said and sent: the loop should shut the connection and let the peer read, or close it when that
  // is of no use.
  bool said_all() const { return state_ == State::finishing && output_.empty(); }
  bool worth_lingering() const { return !peer_ended_; }
  // A request has begun to arrive.
  bool inside_request() const { return frame_ != nullptr && frame_->parser->started(); }
  bool holds_frame() const { return frame_ != nullptr; }
  // Somebody else has its request or its stream; and for longer than timeout_handler.
  bool with_worker() const {
    return state_ == State::handling || (state_ == State::streaming && stream_ == nullptr);
  }
  bool worker_is_late(Time now) const { return with_worker() && now >= request_deadline_; }
  // Neither inside a request nor with an answer to give.
  bool idle() const { return state_ == State::reading && frame_ == nullptr && output_.empty(); }

  // When to act if nothing happens; kNever while frozen without a deadline of the handler. An idle connection's
  // counts from `now`.
  Time deadline(const Config& config, Time now) const;

  // Held after each step in simulation and in debug builds.
  void check_invariants() const;

  // The loop's own marks.
  Time due = kNever;        // what deadline() said last
  Time timer_due = kNever;  // when the timer fires: perhaps earlier, never later than `due`
  bool receiving = true;
  bool in_dirty_list = false;
  Time held_since = kNever;  // its answers wait for the next one
  Job* job = nullptr;        // with_worker(): what is waited for

 private:
  void move_to(State to);
  void begin_request(const Config& config, Time now) {
    DASSERT(!with_worker());  // whose deadline it is
    request_deadline_ = now + std::min(config.timeout_request, config.timeout_head);
    inside_body_ = false;
    late_ = false;
    late_octets_ = 0;
  }
  void await_worker(const Config& config, Time now) {
    request_deadline_ = config.timeout_handler.count() > 0 ? now + config.timeout_handler : kNever;
  }
  template <class WriteHead>
  void answer(Commons& commons, std::size_t head_bytes_max, WriteHead write_head, bool keep_alive,
              std::string_view content);
  void conclude(std::unique_ptr<http::BodyStream> stream, bool keep_alive);
  void append_block(Commons& commons, std::string_view block);
  void after_pull(Commons& commons);
  void begin_body(const Config& config, Time now);
  bool stays(const Commons& commons, const http::RequestParser& parser, const http::Response& response) const;
  void keep_unfinished(Commons& commons);
  void grow(Commons& commons, std::size_t total);
  void drop_frame(Commons& commons);
  const http::RequestParser* present_parser(const Commons& commons) const;

  State state_ = State::free;
  bool waits_for_output_ = false;
  bool waits_for_turn_ = false;
  bool peer_ended_ = false;
  bool continue_sent_ = false;
  bool inside_body_ = false;   // the deadline is that of the body
  bool last_answer_ = false;   // the body that is being streamed is the last one's
  bool late_ = false;          // the deadline has passed, and what was here then is being read
  bool head_handled_ = false;  // handling: the answer has no content
  io::ConnId id_;
  RequestFrame* frame_ = nullptr;
  Output output_;
  std::unique_ptr<http::BodyStream> stream_;  // streaming: empty while a worker has it
  Time request_deadline_;  // of the request that is arriving, or that a fresh connection owes; with_worker():
                           // of the worker; lingering: of the peer's end
  Time write_deadline_;    // for the client to take the next octets of its answers
  std::size_t late_octets_ = 0;       // how many of those are still to be read
  std::uint32_t unsent_answers_ = 0;  // requests since the output was empty
  std::uint64_t served_ = 0;
  std::uint64_t discarded_ = 0;
};

}  // namespace httpdyno
