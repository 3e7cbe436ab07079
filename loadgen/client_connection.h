// The client's side of one connection: octets and times in; octets to send and wishes out. No socket, no
// clock.
//
// Closed loop, batch by batch: `pipeline` requests go out in one send, and the next batch follows when the
// last of them has been answered. wrk does the same, so a server gets the same work from both. Keeping the
// window full instead (one new request for each answer) would let the server's way of writing decide what it
// is asked: one that answers request by request would be sent single requests and never see a batch, one that
// answers in batches would keep getting them.
//
// Each request of a batch has a latency of its own: from the moment its own first octet was handed to the
// backend to the receipt of its answer's last octet.
//
// Invariant: answered_ <= pipeline; outside `busy` nothing is outstanding; in `busy` answers 0 to answered_ -
// 1 have been counted, and stamps_[i] says when request i was handed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "loadgen/head_memo.h"
#include "loadgen/script.h"
#include "loadgen/tally.h"
#include "net/base/assert.h"
#include "net/base/time.h"
#include "net/http/response_parser.h"

namespace httpdyno::loadgen {

enum class ClientState : std::uint8_t {
  down,  // no socket
  connecting,
  ready,      // connected, nothing outstanding
  busy,       // a batch is under way
  lingering,  // answered, and the server is to end the connection
  closing,    // handed to the backend to be closed
};
inline constexpr std::size_t kClientStates = 6;

constexpr bool is_legal_move(ClientState from, ClientState to) {
  //                                      to: down  connect ready  busy   linger close
  constexpr bool kLegal[kClientStates][kClientStates] = {
      {false, true, false, false, false, false},   // down
      {true, false, true, false, false, true},     // connecting
      {false, false, false, true, false, true},    // ready
      {false, false, true, false, true, true},     // busy
      {false, false, false, false, false, true},   // lingering
      {true, false, false, false, false, false}};  // closing
  return kLegal[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

// What the connection asks of whoever drives it.
enum class Wish : std::uint8_t {
  nothing,
  send,        // unsent() waits to be sent
  next_batch,  // everything is answered: begin_batch() if there is to be more
  close,
};

class ClientConnection {
 public:
  // All that is referred to outlives the connection. `stamps` is as long as the script's pipeline.
  ClientConnection(const Script& script, Tally& tally, HeadMemo& memo, std::span<Time> stamps)
      : script_(&script), tally_(&tally), memo_(&memo), stamps_(stamps.data()) {
    DASSERT(stamps.size() == script.pipeline);
    answered_ = script.pipeline;
  }

  ClientState state() const { return state_; }
  std::uint32_t outstanding() const { return script_->pipeline - answered_; }
  // The connection ended with an error: a driver should wait before it makes another.
  bool ended_badly() const { return ended_badly_; }

  void begin_connect(Time now) {
    move_to(ClientState::connecting);
    since_ = now;
    ended_badly_ = false;
  }
  void on_connected() {
    move_to(ClientState::ready);
    parser_.start(script_->to_head);
    body_differs_ = false;
  }
  void on_connect_failed(int code);

  // The octets of a whole batch; they stay where they are for the whole run.
  std::string_view begin_batch(Time now) {
    move_to(ClientState::busy);
    answered_ = 0;
    sent_bytes_ = 0;
    stamp_from(0, now);
    return script_->batch;
  }
  std::string_view unsent() const { return std::string_view(script_->batch).substr(sent_bytes_); }
  // `count` octets have been taken by the kernel. `now` becomes the stamp of the requests that have not
  // begun.
  Wish on_sent(std::size_t count, Time now);
  Wish on_send_failed(int code) { return lose(ErrorKind::write, code); }

  // `now` was read after these octets were received.
  Wish on_bytes(std::string_view bytes, Time now);
  Wish on_end_of_stream(Time now);
  Wish on_receive_failed(int code);

  // To be called now and then: whether something has taken too long.
  Wish on_check(Time now, Duration timeout);
  // Ends the run for this connection: what is outstanding is counted as unanswered, not as an error.
  void abandon();

  void begin_close() { move_to(ClientState::closing); }
  void on_closed() { move_to(ClientState::down); }

 private:
  void move_to(ClientState next) {
    DASSERT(is_legal_move(state_, next));
    state_ = next;
  }
  bool sent_all() const { return sent_bytes_ == script_->batch.size(); }
  void stamp_from(std::uint32_t first, Time now) {
    for (std::uint32_t i = first; i < script_->pipeline; ++i) stamps_[i] = now;
  }
  bool parse(std::string_view& bytes, Time now);
  void finish_answer(const http::ResponseHead& head, std::uint64_t body_bytes, bool body_differs, Time now);
  void finish_parsed_answer(Time now);
  void compare_body(std::string_view part, std::uint64_t offset);
  Wish lose(ErrorKind kind, int code = 0);

  const Script* script_;
  Tally* tally_;
  HeadMemo* memo_;
  Time* stamps_;
  std::uint32_t answered_;
  ClientState state_ = ClientState::down;
  bool body_differs_ = false;  // the present answer's, so far
  bool ended_badly_ = false;
  std::size_t sent_bytes_ = 0;  // of the batch, taken by the kernel
  Time since_;                  // connecting or lingering
  http::ResponseParser parser_;
};

inline void ClientConnection::finish_answer(const http::ResponseHead& head, std::uint64_t body_bytes,
                                            bool body_differs, Time now) {
  const Expectation& expected = script_->expected;
  const Time sent = stamps_[answered_++];
  if (head.status != expected.status) [[unlikely]] {
    tally_->answer_badly(ErrorKind::status, now);
  } else if (expected.check_length && body_bytes != expected.body_bytes) [[unlikely]] {
    tally_->answer_badly(ErrorKind::length, now);
  } else if (body_differs) [[unlikely]] {
    tally_->answer_badly(ErrorKind::body, now);
  } else {
    tally_->answer_well(sent, now);
  }
  if (!head.keep_alive || !script_->keep_alive) {
    // What was sent behind this request will not be answered: RFC 9112 9.6.
    if (outstanding() != 0) lose(ErrorKind::closed);
    move_to(ClientState::lingering);
    since_ = now;
  }
}

inline Wish ClientConnection::on_bytes(std::string_view bytes, Time now) {
  while (!bytes.empty()) {
    if (outstanding() == 0) [[unlikely]] {
      ended_badly_ = true;
      tally_->errors.add(ErrorKind::unsolicited, 1);
      return Wish::close;
    }
    if (parser_.at_start() && memo_->matches(bytes)) [[likely]] {
      const std::size_t head_bytes = memo_->head_bytes();
      if (bytes.size() - head_bytes >= memo_->body_bytes()) [[likely]] {
        const auto body_bytes = static_cast<std::size_t>(memo_->body_bytes());
        const bool differs =
            script_->expected.check_body && bytes.substr(head_bytes, body_bytes) != script_->expected.body;
        bytes.remove_prefix(head_bytes + body_bytes);
        finish_answer(memo_->head(), body_bytes, differs, now);
        continue;
      }
      parser_.assume_head(memo_->head());
      bytes.remove_prefix(head_bytes);
    }
    if (!parse(bytes, now)) return lose(ErrorKind::parse);
  }
  if (outstanding() == 0 && state_ == ClientState::busy && sent_all()) {
    move_to(ClientState::ready);
    return Wish::next_batch;
  }
  return Wish::nothing;
}

}  // namespace httpdyno::loadgen
