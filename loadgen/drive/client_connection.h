// The client's side of one connection: octets and times in; octets to send and wishes out. No socket, no
// clock.
//
// Closed loop, batch by batch: `pipeline` requests go out in one send, and the next batch follows when the
// last of them has been answered. wrk does the same, so a server gets the same work from both. Keeping the
// window full instead (one new request for each answer) would let the server's way of writing decide what it
// is asked: one that answers request by request would be sent single requests and never see a batch, one that
// answers in batches would keep getting them.
//
// Open loop: requests go out when they are due, and there may be up to `pipeline` of them outstanding. In a
// mix the kind of each request is drawn when it is added.
//
// Each request has latencies of its own: from when it was due, and from the moment its own first octet was
// handed to the backend, to the receipt of its answer's first and last octet.
//
// Invariant: the `outstanding_` slots from head_ on, around the end, are the requests that wait for an
// answer, oldest first. Octets of the last of them may still be unsent. Outside `busy` nothing is outstanding.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/drive/ledger.h"
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
  busy,       // requests are under way
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
  send,  // unsent() waits to be sent
  more,  // there is room for requests: in a closed loop for a whole batch
  close,
};

// A request under way.
struct Asked {
  Stamps stamps;
  KindState* kind;
};

class ClientConnection {
 public:
  // All that is referred to outlives the connection. `slots` is as long as the script's pipeline.
  ClientConnection(const Script& script, Ledger& ledger, std::span<Asked> slots, Prng draws)
      : script_(&script), ledger_(&ledger), slots_(slots), draws_(draws) {
    DASSERT(slots.size() == script.pipeline);
  }

  ClientState state() const { return state_; }
  std::uint32_t outstanding() const { return outstanding_; }
  // How many requests may be added now.
  std::uint32_t room() const {
    const bool open = state_ == ClientState::ready || state_ == ClientState::busy;
    if (!open || !unsent_.empty()) return 0;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(script_->pipeline - outstanding_, left_));
  }
  // Of the requests that are outstanding no more the last but `back`, until another is added.
  const Stamps& gone(std::uint32_t back) const {
    DASSERT(back + outstanding_ < slots_.size());
    return slots_[(head_ + slots_.size() - 1 - back) % slots_.size()].stamps;
  }
  // It has been given all the requests that a connection may have.
  bool used_up() const { return left_ == 0; }
  // The connection ended with an error: a driver should wait before it makes another.
  bool ended_badly() const { return ended_badly_; }

  void begin_connect(Time now) {
    move_to(ClientState::connecting);
    since_ = now;
    ended_badly_ = false;
    left_ = script_->requests_per_connection;
  }
  void on_connected() {
    move_to(ClientState::ready);
    parser_.start(false);
    body_differs_ = false;
  }
  void on_connect_failed(int code);

  // One more request, of room(); it is sent together with the others that are added before take_batch().
  void add(Time due, Time now) {
    DASSERT(room() > 0);
    if (state_ == ClientState::ready) move_to(ClientState::busy);
    KindState& kind = ledger_->kinds()[script_->is_mix() ? script_->draw(draws_) : 0];
    ++kind.tally->sent;
    slot(outstanding_) = {.stamps = {.due = due, .sent = now, .first_byte = {}}, .kind = &kind};
    ++outstanding_;
    ++added_;
    --left_;
  }
  // The octets of what has been added; they stay where they are until there is room again.
  std::string_view take_batch();
  // A closed loop's batch is added.
  void fill(Time now) {
    for (std::uint32_t i = room(); i > 0; --i) add(now, now);
  }
  std::string_view unsent() const { return unsent_; }
  // `count` octets have been taken by the kernel. `now` becomes the stamp of the requests that have not
  // begun.
  Wish on_sent(std::size_t count, Time now);
  Wish on_send_failed(int code, Time now) { return lose(ErrorKind::write, code, begun(), now); }

  // `now` was read after these octets were received.
  Wish on_bytes(std::string_view bytes, Time now);
  Wish on_end_of_stream(Time now);
  Wish on_receive_failed(int code, Time now) { return lose(ErrorKind::read, code, begun(), now); }

  // To be called now and then: whether something has taken too long.
  Wish on_check(Time now, Duration timeout);
  // Ends the run for this connection: what is outstanding is counted as unanswered, not as an error.
  void abandon(Time now);

  void begin_close() { move_to(ClientState::closing); }
  // The backend has let go of what it was given to send.
  void on_closed() {
    move_to(ClientState::down);
    unsent_ = {};
  }

 private:
  void move_to(ClientState next) {
    DASSERT(is_legal_move(state_, next));
    state_ = next;
  }
  Asked& slot(std::uint32_t behind_head) {
    const std::uint32_t at = head_ + behind_head;
    return slots_[at < slots_.size() ? at : at - slots_.size()];
  }
  Asked& oldest() { return slots_[head_]; }
  // The last request of a connection is the newest.
  const std::string& octets_of(std::uint32_t behind_head) {
    const RequestKind& request = *slot(behind_head).kind->request;
    return used_up() && behind_head + 1 == outstanding_ ? request.last_octets : request.octets;
  }
  void pop_oldest() {
    if (++head_ == slots_.size()) head_ = 0;
    --outstanding_;
  }
  Wish wish_for_more() {
    if (outstanding_ == 0) {
      move_to(ClientState::ready);
      return Wish::more;
    }
    return ledger_->open_loop() && room() > 0 ? Wish::more : Wish::nothing;
  }
  // Whether there is something of the oldest request's answer.
  bool begun() const { return !parser_.at_start(); }
  bool parse(std::string_view& bytes, Time now);
  void finish_answer(const http::ResponseHead& head, std::uint64_t body_bytes, bool body_differs, Time now);
  void finish_parsed_answer(Time now);
  void compare_body(std::string_view part, std::uint64_t offset);
  Wish time_out(Time now);
  Wish lose(ErrorKind kind, int detail, bool begun, Time now);

  const Script* script_;
  Ledger* ledger_;
  std::span<Asked> slots_;
  std::uint32_t head_ = 0;
  std::uint32_t outstanding_ = 0;
  std::uint32_t added_ = 0;  // the newest of them: not yet taken as a batch
  std::uint64_t left_ = 0;   // how many requests the connection may still be given
  ClientState state_ = ClientState::down;
  bool body_differs_ = false;  // the present answer's, so far
  bool ended_badly_ = false;
  std::string_view unsent_;  // of the batch, not yet taken by the kernel
  Time since_;               // connecting or lingering
  http::ResponseParser parser_;
  // Of a mix.
  Prng draws_;
  std::string batch_;
};

inline std::string_view ClientConnection::take_batch() {
  DASSERT(added_ > 0 && unsent_.empty());
  if (!script_->is_mix()) {
    const RequestKind& only = script_->kinds[0];
    unsent_ =
        used_up()
            ? std::string_view(script_->last_batch).substr((script_->pipeline - added_) * only.octets.size())
            : std::string_view(script_->batch).substr(0, added_ * only.octets.size());
  } else if (added_ == 1) {
    unsent_ = octets_of(outstanding_ - 1);
  } else {
    batch_.clear();
    for (std::uint32_t i = outstanding_ - added_; i < outstanding_; ++i) batch_ += octets_of(i);
    unsent_ = batch_;
  }
  added_ = 0;
  return unsent_;
}

inline void ClientConnection::finish_answer(const http::ResponseHead& head, std::uint64_t body_bytes,
                                            bool body_differs, Time now) {
  const Asked& asked = oldest();
  const Expectation& expected = asked.kind->request->expected;
  if (head.status != expected.status) [[unlikely]] {
    ledger_->answer_badly(*asked.kind, asked.stamps, ErrorKind::status, head.status, now);
  } else if (expected.check_length && body_bytes != expected.body_bytes) [[unlikely]] {
    const int detail = body_bytes < expected.body_bytes ? kShorter : kLonger;
    ledger_->answer_badly(*asked.kind, asked.stamps, ErrorKind::length, detail, now);
  } else if (body_differs) [[unlikely]] {
    ledger_->answer_badly(*asked.kind, asked.stamps, ErrorKind::body, 0, now);
  } else {
    ledger_->answer_well(*asked.kind, asked.stamps, now);
  }
  pop_oldest();
  if (!head.keep_alive || (used_up() && outstanding_ == 0)) {
    // What was sent behind this request will not be answered: RFC 9112 9.6.
    if (outstanding_ != 0) lose(ErrorKind::closed, 0, false, now);
    move_to(ClientState::lingering);
    since_ = now;
  }
}

inline Wish ClientConnection::on_bytes(std::string_view bytes, Time now) {
  while (!bytes.empty()) {
    if (outstanding_ == 0) [[unlikely]] {
      ended_badly_ = true;
      ledger_->tally().connection_errors.add({ErrorKind::unsolicited});
      return Wish::close;
    }
    Asked& asked = oldest();
    if (parser_.at_start()) [[likely]] {
      asked.stamps.first_byte = now;
      const HeadMemo& memo = asked.kind->memo;
      if (memo.matches(bytes)) [[likely]] {
        const std::size_t head_bytes = memo.head_bytes();
        if (bytes.size() - head_bytes >= memo.body_bytes()) [[likely]] {
          const auto body_bytes = static_cast<std::size_t>(memo.body_bytes());
          const Expectation& expected = asked.kind->request->expected;
          const bool differs = expected.check_body && bytes.substr(head_bytes, body_bytes) != expected.body;
          bytes.remove_prefix(head_bytes + body_bytes);
          finish_answer(memo.head(), body_bytes, differs, now);
          continue;
        }
        parser_.assume_head(memo.head());
        bytes.remove_prefix(head_bytes);
      }
    }
    if (!parse(bytes, now)) return lose(ErrorKind::parse, static_cast<int>(parser_.error()), true, now);
  }
  return state_ == ClientState::busy && unsent_.empty() ? wish_for_more() : Wish::nothing;
}

}  // namespace httpdyno::loadgen
