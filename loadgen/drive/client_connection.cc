#include "loadgen/drive/client_connection.h"

#include <cerrno>
#include <cstring>

#include "loadgen/base/limits.h"

namespace httpdyno::loadgen {

void ClientConnection::on_connect_failed(int code) {
  ended_badly_ = true;
  ledger_->tally().connection_errors.add({.kind = ErrorKind::connect, .detail = code});
}

Wish ClientConnection::on_sent(std::size_t count, Time now) {
  DASSERT(state_ == ClientState::busy || state_ == ClientState::lingering);
  DASSERT(count <= unsent_.size());
  unsent_.remove_prefix(count);
  if (state_ != ClientState::busy) return Wish::nothing;
  if (unsent_.empty()) return wish_for_more();
  // Requests of which the kernel has no octet yet begin with the next send.
  std::size_t rest = unsent_.size();
  for (std::uint32_t i = outstanding_; i > 0; --i) {
    Asked& asked = slot(i - 1);
    const std::size_t octets = octets_of(i - 1).size();
    if (rest < octets) break;
    asked.stamps.sent = now;
    rest -= octets;
  }
  return Wish::send;
}

Wish ClientConnection::on_end_of_stream(Time now) {
  const bool cut = begun();
  if (cut && parser_.end().event == http::ResponseEvent::complete) finish_parsed_answer(now);
  return lose(ErrorKind::closed, 0, cut, now);
}

Wish ClientConnection::on_check(Time now, Duration timeout) {
  switch (state_) {
    case ClientState::down:
    case ClientState::ready:
    case ClientState::closing: return Wish::nothing;
    case ClientState::connecting:
      if (now - since_ < timeout) return Wish::nothing;
      on_connect_failed(ETIMEDOUT);
      return Wish::close;
    case ClientState::busy: {
      // With nothing outstanding the send itself is stuck behind the last answer, whose stamps are still there.
      const Asked& waiting =
          outstanding_ != 0 ? oldest() : slots_[(head_ + slots_.size() - 1) % slots_.size()];
      if (now - waiting.stamps.sent < timeout) return Wish::nothing;
      return time_out(now);
    }
    case ClientState::lingering: return now - since_ < kLinger ? Wish::nothing : Wish::close;
  }
  return Wish::nothing;
}

// Without anything outstanding it is no error: a server may end an idle connection at any time (RFC 9112 9.3),
// and the client makes another. All that is outstanding is lost for one cause; an answer that has begun is the
// oldest request's.
Wish ClientConnection::lose(ErrorKind kind, int detail, bool begun, Time now) {
  if (outstanding_ != 0) ended_badly_ = true;
  for (; outstanding_ != 0; begun = false, pop_oldest()) {
    ledger_->lose(*oldest().kind, oldest().stamps, kind, detail, begun, now);
  }
  return Wish::close;
}

Wish ClientConnection::time_out(Time now) {
  ended_badly_ = true;
  for (bool begun = this->begun(); outstanding_ != 0; begun = false, pop_oldest()) {
    ledger_->time_out(*oldest().kind, oldest().stamps, begun, now);
  }
  return Wish::close;
}

void ClientConnection::abandon(Time now) {
  for (bool begun = this->begun(); outstanding_ != 0; begun = false, pop_oldest()) {
    ledger_->abandon(*oldest().kind, oldest().stamps, begun, now);
  }
}

void ClientConnection::compare_body(std::string_view part, std::uint64_t offset) {
  const std::string& wanted = oldest().kind->request->expected.body;
  const bool fits = offset <= wanted.size() && part.size() <= wanted.size() - offset;
  if (!fits || std::memcmp(part.data(), wanted.data() + offset, part.size()) != 0) body_differs_ = true;
}

void ClientConnection::finish_parsed_answer(Time now) {
  const Expectation& expected = oldest().kind->request->expected;
  const bool differs = expected.check_body && (body_differs_ || parser_.body_bytes() != expected.body.size());
  finish_answer(parser_.head(), parser_.body_bytes(), differs, now);
  parser_.start(false);
  body_differs_ = false;
}

// Reads one answer, or what is there of it, and takes its octets off `bytes`. False: it is no HTTP.
bool ClientConnection::parse(std::string_view& bytes, Time now) {
  KindState& kind = *oldest().kind;
  if (kind.request->to_head && parser_.at_start()) parser_.start(true);
  for (;;) {
    const bool at_start = parser_.at_start();
    const http::ResponseStep step = parser_.next(bytes);
    switch (step.event) {
      case http::ResponseEvent::more: bytes.remove_prefix(step.consumed); return true;
      case http::ResponseEvent::head:
        if (at_start) kind.memo.learn(bytes.substr(0, step.consumed), parser_.head());
        break;
      case http::ResponseEvent::body:
        if (kind.request->expected.check_body)
          compare_body(step.body, parser_.body_bytes() - step.body.size());
        break;
      case http::ResponseEvent::complete:
        bytes.remove_prefix(step.consumed);
        finish_parsed_answer(now);
        return true;
      case http::ResponseEvent::error: return false;
    }
    bytes.remove_prefix(step.consumed);
  }
}

}  // namespace httpdyno::loadgen
