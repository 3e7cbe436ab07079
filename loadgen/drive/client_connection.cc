#include "loadgen/drive/client_connection.h"

#include <cerrno>
#include <cstring>

#include "loadgen/base/limits.h"

namespace httpdyno::loadgen {

std::vector<KindState> kind_states(const Script& script, Tally& tally) {
  tally.kinds.resize(script.kinds.size());
  std::vector<KindState> states;
  states.reserve(script.kinds.size());
  for (std::size_t i = 0; i < script.kinds.size(); ++i) {
    states.push_back({.request = &script.kinds[i], .tally = &tally.kinds[i], .memo = {}});
  }
  return states;
}

void ClientConnection::on_connect_failed(int code) {
  ended_badly_ = true;
  tally_->connection_errors.add(ErrorKind::connect, 1, code);
}

// One request stays where the script has it; several are put together.
std::string_view ClientConnection::draw_batch() {
  batch_.clear();
  for (Asked* request = asked_; request != end_; ++request) {
    KindState& kind = kinds_[script_->draw(draws_)];
    request->kind = &kind;
    if (script_->pipeline == 1) return kind.request->octets;
    batch_ += kind.request->octets;
  }
  return batch_;
}

Wish ClientConnection::on_sent(std::size_t count, Time now) {
  DASSERT(state_ == ClientState::busy || state_ == ClientState::lingering);
  DASSERT(count <= unsent_.size());
  unsent_.remove_prefix(count);
  if (state_ != ClientState::busy) return Wish::nothing;
  if (!unsent_.empty()) {
    // Requests of which the kernel has no octet yet begin with the next send.
    std::size_t rest = unsent_.size();
    for (Asked* request = end_; request != asked_; rest -= request->kind->request->octets.size()) {
      --request;
      if (rest < request->kind->request->octets.size()) break;
      request->sent = now;
    }
    return Wish::send;
  }
  // Some backends report the answer before the send that asked for it.
  if (next_ != end_) return Wish::nothing;
  move_to(ClientState::ready);
  return Wish::next_batch;
}

Wish ClientConnection::on_end_of_stream(Time now) {
  if (next_ != end_ && parser_.end().event == http::ResponseEvent::complete) {
    finish_parsed_answer(now);
  }
  return lose(ErrorKind::closed);
}

Wish ClientConnection::on_receive_failed(int code) { return lose(ErrorKind::read, code); }

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
      // With nothing outstanding the send itself is stuck behind the last answer.
      const Asked& oldest = next_ != end_ ? *next_ : *(end_ - 1);
      if (now - oldest.sent < timeout) return Wish::nothing;
      return lose(ErrorKind::timeout);
    }
    case ClientState::lingering: return now - since_ < kLinger ? Wish::nothing : Wish::close;
  }
  return Wish::nothing;
}

void ClientConnection::abandon() {
  for (; next_ != end_; ++next_) ++next_->kind->tally->unanswered;
}

// Everything outstanding is lost for one cause. Without anything outstanding it is no error: a server may end
// an idle connection at any time (RFC 9112 9.3), and the client makes another.
Wish ClientConnection::lose(ErrorKind kind, int code) {
  if (next_ != end_) {
    ended_badly_ = true;
    for (; next_ != end_; ++next_) next_->kind->tally->errors.add(kind, 1, code);
  }
  return Wish::close;
}

void ClientConnection::compare_body(std::string_view part, std::uint64_t offset) {
  const std::string& wanted = next_->kind->request->expected.body;
  const bool fits = offset <= wanted.size() && part.size() <= wanted.size() - offset;
  if (!fits || std::memcmp(part.data(), wanted.data() + offset, part.size()) != 0) body_differs_ = true;
}

void ClientConnection::finish_parsed_answer(Time now) {
  const Asked& asked = *next_;
  const Expectation& expected = asked.kind->request->expected;
  const bool differs = expected.check_body && (body_differs_ || parser_.body_bytes() != expected.body.size());
  finish_answer(asked, parser_.head(), parser_.body_bytes(), differs, now);
  parser_.start(false);
  body_differs_ = false;
}

// Reads one answer, or what is there of it, and takes its octets off `bytes`. False: it is no HTTP.
bool ClientConnection::parse(std::string_view& bytes, Time now) {
  KindState& kind = *next_->kind;
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
      case http::ResponseEvent::error:
        if (tally_->parse_error.empty()) tally_->parse_error = http::response_error_text(parser_.error());
        return false;
    }
    bytes.remove_prefix(step.consumed);
  }
}

}  // namespace httpdyno::loadgen
