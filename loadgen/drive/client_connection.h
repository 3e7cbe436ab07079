// The client's side of one connection: octets and times in; octets to send and wishes out. No socket, no
// clock.
//
// Closed loop, batch by batch: `pipeline` requests go out in one send, and the next batch follows when the
// last of them has been answered. In a mix the kind of each request is drawn when its batch begins. wrk does the same, so a server gets the same work from both. Keeping the
// window full instead (one new request for each answer) would let the server's way of writing decide what it
// is asked: one that answers request by request would be sent single requests and never see a batch, one that
// answers in batches would keep getting them.
//
// Each request of a batch has a latency of its own: from the moment its own first octet was handed to the
// backend to the receipt of its answer's last octet.
//
// Invariant: [asked_, end_) is the batch, each request with its kind and the time when it was handed over;
// those before next_ have been counted, the others are outstanding. Outside `busy` nothing is outstanding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/drive/head_memo.h"
#include "loadgen/figures/tally.h"
#include "loadgen/work/script.h"
#include "net/base/assert.h"
#include "net/base/prng.h"
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

// What a worker's connections share of one kind of request. The memo is the kind's own: a mix would make it
// forget, and a head that answers a HEAD means something else than the same octets after a GET.
struct KindState {
  const RequestKind* request;
  KindTally* tally;
  HeadMemo memo;
};

// One for each kind of the script, counting into `tally`. Both outlive it and stay where they are.
std::vector<KindState> kind_states(const Script& script, Tally& tally);

// A request of the present batch.
struct Asked {
  Time sent;
  KindState* kind;
};

class ClientConnection {
 public:
  // All that is referred to outlives the connection. `kinds` is as long as the script's, `asked` as its
  // pipeline.
  ClientConnection(const Script& script, Tally& tally, std::span<KindState> kinds, std::span<Asked> asked,
                   Prng draws)
      : script_(&script),
        tally_(&tally),
        asked_(asked.data()),
        next_(asked_ + asked.size()),
        end_(next_),
        kinds_(kinds.data()),
        draws_(draws) {
    DASSERT(kinds.size() == script.kinds.size() && asked.size() == script.pipeline);
    for (Asked& request : asked) request.kind = kinds_;
  }

  ClientState state() const { return state_; }
  std::uint32_t outstanding() const { return static_cast<std::uint32_t>(end_ - next_); }
  // The connection ended with an error: a driver should wait before it makes another.
  bool ended_badly() const { return ended_badly_; }

  void begin_connect(Time now) {
    move_to(ClientState::connecting);
    since_ = now;
    ended_badly_ = false;
  }
  void on_connected() {
    move_to(ClientState::ready);
    parser_.start(false);
    body_differs_ = false;
  }
  void on_connect_failed(int code);

  // The octets of a whole batch; they stay where they are until the next one begins.
  std::string_view begin_batch(Time now) {
    move_to(ClientState::busy);
    next_ = asked_;
    unsent_ = script_->batch;
    if (script_->is_mix()) [[unlikely]]
      unsent_ = draw_batch();
    for (Asked* request = asked_; request != end_; ++request) request->sent = now;
    return unsent_;
  }
  std::string_view unsent() const { return unsent_; }
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
  std::string_view draw_batch();
  bool parse(std::string_view& bytes, Time now);
  void finish_answer(const Asked& asked, const http::ResponseHead& head, std::uint64_t body_bytes,
                     bool body_differs, Time now);
  void finish_parsed_answer(Time now);
  void compare_body(std::string_view part, std::uint64_t offset);
  Wish lose(ErrorKind kind, int code = 0);

  const Script* script_;
  Tally* tally_;
  Asked* asked_;
  Asked* next_;
  Asked* end_;
  ClientState state_ = ClientState::down;
  bool body_differs_ = false;  // the present answer's, so far
  bool ended_badly_ = false;
  std::string_view unsent_;  // of the batch, not yet taken by the kernel
  Time since_;               // connecting or lingering
  http::ResponseParser parser_;
  // Of a mix.
  KindState* kinds_;
  Prng draws_;
  std::string batch_;
};

inline void ClientConnection::finish_answer(const Asked& asked, const http::ResponseHead& head,
                                            std::uint64_t body_bytes, bool body_differs, Time now) {
  ++next_;
  const Expectation& expected = asked.kind->request->expected;
  KindTally& tally = *asked.kind->tally;
  if (head.status != expected.status) [[unlikely]] {
    tally.answer_badly(tally_->window, ErrorKind::status, now);
  } else if (expected.check_length && body_bytes != expected.body_bytes) [[unlikely]] {
    tally.answer_badly(tally_->window, ErrorKind::length, now);
  } else if (body_differs) [[unlikely]] {
    tally.answer_badly(tally_->window, ErrorKind::body, now);
  } else {
    tally.answer_well(tally_->window, asked.sent, now);
  }
  if (!head.keep_alive || !script_->keep_alive) {
    // What was sent behind this request will not be answered: RFC 9112 9.6.
    if (next_ != end_) lose(ErrorKind::closed);
    move_to(ClientState::lingering);
    since_ = now;
  }
}

inline Wish ClientConnection::on_bytes(std::string_view bytes, Time now) {
  while (!bytes.empty()) {
    if (next_ == end_) [[unlikely]] {
      ended_badly_ = true;
      tally_->connection_errors.add(ErrorKind::unsolicited, 1);
      return Wish::close;
    }
    const Asked& asked = *next_;
    const KindState& kind = *asked.kind;
    if (parser_.at_start() && kind.memo.matches(bytes)) [[likely]] {
      const std::size_t head_bytes = kind.memo.head_bytes();
      if (bytes.size() - head_bytes >= kind.memo.body_bytes()) [[likely]] {
        const auto body_bytes = static_cast<std::size_t>(kind.memo.body_bytes());
        const Expectation& expected = kind.request->expected;
        const bool differs = expected.check_body && bytes.substr(head_bytes, body_bytes) != expected.body;
        bytes.remove_prefix(head_bytes + body_bytes);
        finish_answer(asked, kind.memo.head(), body_bytes, differs, now);
        continue;
      }
      parser_.assume_head(kind.memo.head());
      bytes.remove_prefix(head_bytes);
    }
    if (!parse(bytes, now)) return lose(ErrorKind::parse);
  }
  if (next_ == end_ && state_ == ClientState::busy && unsent_.empty()) {
    move_to(ClientState::ready);
    return Wish::next_batch;
  }
  return Wish::nothing;
}

}  // namespace httpdyno::loadgen
