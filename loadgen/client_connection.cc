#include "loadgen/client_connection.h"

#include <cerrno>
#include <cstring>

#include "loadgen/limits.h"

namespace httpdyno::loadgen {

void ClientConnection::on_connect_failed(int code) {
  ended_badly_ = true;
  tally_->errors.add(ErrorKind::connect, 1, code);
}

Wish ClientConnection::on_sent(std::size_t count, Time now) {
  DASSERT(state_ == ClientState::busy || state_ == ClientState::lingering);
  sent_bytes_ += count;
  DASSERT(sent_bytes_ <= script_->batch.size());
  if (state_ != ClientState::busy) return Wish::nothing;
  if (!sent_all()) {
    // Requests of which the kernel has no octet yet begin with the next send.
    const std::size_t begun = (sent_bytes_ + script_->request_bytes - 1) / script_->request_bytes;
    stamp_from(static_cast<std::uint32_t>(begun), now);
    return Wish::send;
  }
  // Some backends report the answer before the send that asked for it.
  if (outstanding() != 0) return Wish::nothing;
  move_to(ClientState::ready);
  return Wish::next_batch;
}

Wish ClientConnection::on_end_of_stream(Time now) {
  if (outstanding() != 0 && parser_.end().event == http::ResponseEvent::complete) {
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
      const std::uint32_t oldest = outstanding() != 0 ? answered_ : answered_ - 1;
      if (now - stamps_[oldest] < timeout) return Wish::nothing;
      return lose(ErrorKind::timeout);
    }
    case ClientState::lingering: return now - since_ < kLinger ? Wish::nothing : Wish::close;
  }
  return Wish::nothing;
}

void ClientConnection::abandon() {
  tally_->unanswered += outstanding();
  answered_ = script_->pipeline;
}

// Everything outstanding is lost for one cause. Without anything outstanding it is no error: a server may end
// an idle connection at any time (RFC 9112 9.3), and the client makes another.
Wish ClientConnection::lose(ErrorKind kind, int code) {
  if (outstanding() != 0) {
    ended_badly_ = true;
    tally_->errors.add(kind, outstanding(), code);
    answered_ = script_->pipeline;
  }
  return Wish::close;
}

void ClientConnection::compare_body(std::string_view part, std::uint64_t offset) {
  const std::string& wanted = script_->expected.body;
  const bool fits = offset <= wanted.size() && part.size() <= wanted.size() - offset;
  if (!fits || std::memcmp(part.data(), wanted.data() + offset, part.size()) != 0) body_differs_ = true;
}

void ClientConnection::finish_parsed_answer(Time now) {
  const Expectation& expected = script_->expected;
  const bool differs = expected.check_body && (body_differs_ || parser_.body_bytes() != expected.body.size());
  finish_answer(parser_.head(), parser_.body_bytes(), differs, now);
  parser_.start(script_->to_head);
  body_differs_ = false;
}

// Reads one answer, or what is there of it, and takes its octets off `bytes`. False: it is no HTTP.
bool ClientConnection::parse(std::string_view& bytes, Time now) {
  for (;;) {
    const bool at_start = parser_.at_start();
    const http::ResponseStep step = parser_.next(bytes);
    switch (step.event) {
      case http::ResponseEvent::more: bytes.remove_prefix(step.consumed); return true;
      case http::ResponseEvent::head:
        if (at_start) memo_->learn(bytes.substr(0, step.consumed), parser_.head());
        break;
      case http::ResponseEvent::body:
        if (script_->expected.check_body) compare_body(step.body, parser_.body_bytes() - step.body.size());
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
