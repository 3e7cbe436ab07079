#include "tests/sim/client.h"

#include <algorithm>
#include <cerrno>

#include "net/http/status.h"

namespace httpdyno::sim {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Client::Client(Scene& scene, io::SimIo& io, std::uint32_t index)
    : scene_(&scene),
      io_(&io),
      index_(index),
      plan_(scene.plan.clients[index]),
      script_(scene.witness.scripts[index]),
      random_(scene.plan.seed * 31 + index),
      first_sent_(script_.size(), kNever),
      arrived_(script_.size(), kNever) {
  for (const Exchange& one : script_) ends_.push_back((stream_ += one.octets).size());
}

void Client::begin() {
  state_ = State::connecting;
  io::Address address;
  ASSERT(!io::parse_address("127.0.0.1", 80, address));
  ASSERT(!io_->connect(id(), address));
  server_ = io_->find(id())->peer;
  scene_->log("client {}: connects", index_);
}

void Client::on_completion(const io::Completion& completion) {
  using io::Event;
  scene_->note(static_cast<std::uint64_t>(completion.event) * 64 + index_);
  switch (completion.event) {
    case Event::connected:
      if (completion.error != 0) {
        ++scene_->sights.connects_refused;
        if (completion.error == ECONNREFUSED && scene_->stopped_at == kNever)
          complain("the connect was refused");
        return close(false);
      }
      state_ = State::open;
      parser_.start(exchange(0).to_head());
      return pump();
    case Event::sent:
      sending_ = false;
      if (completion.error != 0) {
        quiet_ = true;  // the end of the stream says what it was
      } else {
        on_sent(completion.count);
      }
      return pump();
    case Event::received:
      if (completion.bytes.empty()) return on_end(completion.error);
      on_bytes({completion.bytes.data(), completion.bytes.size()});
      if (state_ == State::open) pump();
      return;
    case Event::closed: state_ = State::done; return;
    case Event::accepted:
    case Event::woken: return;
  }
}

// --- sending ---

std::size_t Client::may_send_up_to() const {
  const std::size_t first_unsent =
      static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), sent_) - ends_.begin());
  const std::size_t window_end = std::min(answered_ + plan_.depth, script_.size());
  if (first_unsent >= window_end) return sent_;
  std::size_t limit = ends_[window_end - 1];
  for (std::size_t i = first_unsent; i < window_end; ++i) {
    // RFC 9110 10.1.1: the content waits for the word. A client that has several on their way waits for each.
    const std::size_t begin = ends_[i] - exchange(i).octets.size();
    const bool told = i < answered_ || (i == answered_ && interim_ > 0);
    if (exchange(i).expects_continue && !told) limit = std::min(limit, begin + exchange(i).content_at);
  }
  return limit;
}

// True when its manner ends the sending here.
bool Client::breaks_here() {
  switch (plan_.manner) {
    case Manner::stalls:
    case Manner::truncates:
    case Manner::vanishes: return sent_ >= plan_.breaks_at;
    case Manner::half_closes: return sent_ == stream_.size();
    case Manner::polite:
    case Manner::lingers:
    case Manner::deaf: return false;
  }
  return false;
}

void Client::pump() {
  if (state_ != State::open || sending_ || paused_ || quiet_) return;
  if (breaks_here()) {
    quiet_ = true;
    if (plan_.manner == Manner::vanishes) return close(plan_.rude);
    if (plan_.manner == Manner::stalls) return;
    ended_ = true;
    scene_->log("client {}: ends its side after {} of {} octets", index_, sent_, stream_.size());
    return io_->shutdown_send(id());
  }
  std::size_t limit = may_send_up_to();
  if (plan_.manner == Manner::stalls || plan_.manner == Manner::truncates ||
      plan_.manner == Manner::vanishes) {
    limit = std::min(limit, plan_.breaks_at);
  }
  if (limit <= sent_) return;
  std::size_t count = std::min(limit - sent_, plan_.piece_bytes);
  count = 1 + random_.below(count);
  for (std::size_t i = 0; i < script_.size(); ++i) {
    const std::size_t begin = ends_[i] - exchange(i).octets.size();
    if (begin >= sent_ && begin < sent_ + count && first_sent_[i] == kNever)
      first_sent_[i] = scene_->net.now();
  }
  sending_ = true;
  io_->send(id(), std::string_view(stream_).substr(sent_, count));
}

void Client::on_sent(std::size_t count) {
  sent_ += count;
  scene_->log("client {}: has sent {} of {}", index_, sent_, stream_.size());
  if (plan_.pauses == 0 || random_.below(1000) >= plan_.pauses) return;
  paused_ = true;
  const auto pause = static_cast<std::uint64_t>(plan_.pause_max.count()) + 1;
  scene_->net.at(scene_->net.now() + Duration(static_cast<Duration::rep>(random_.below(pause))), [this] {
    paused_ = false;
    pump();
  });
}

// --- receiving ---

void Client::on_bytes(std::string_view bytes) {
  scene_->note(bytes.size() * 64 + index_);
  scene_->log("client {}: reads {} octets", index_, bytes.size());
  for (;;) {
    if (last_answer_seen_ || answered_ == script_.size()) {
      // A 408 may come before the server can know that a HEAD was meant.
      if (!bytes.empty() && !was_refused_early_) complain("{} octets that nobody asked for", bytes.size());
      return;
    }
    const http::ResponseStep step = parser_.next(bytes);
    if (!head_complete_) {
      head_.append(bytes.substr(0, step.consumed));
      count_interim();
    }
    bytes.remove_prefix(step.consumed);
    switch (step.event) {
      case http::ResponseEvent::more: return;
      case http::ResponseEvent::head: head_complete_ = true; break;
      case http::ResponseEvent::body: body_.append(step.body); break;
      case http::ResponseEvent::complete:
        on_answer();
        if (state_ != State::open) return;
        break;
      case http::ResponseEvent::error:
        return complain("the answer {}", http::response_error_text(parser_.error()));
    }
  }
}

// The parser passes over interim answers; here it counts which request they are for.
void Client::count_interim() {
  while (head_.starts_with(kContinue)) {
    head_.erase(0, kContinue.size());
    ++interim_;
    ++scene_->sights.continues;
    if (!exchange(answered_).expects_continue || interim_ > 1) complain("a 100 that nobody waited for");
  }
}

void Client::on_answer() {
  const http::ResponseHead& head = parser_.head();
  const Exchange& asked = exchange(answered_);
  scene_->log("client {}: answer {} is {} with {} octets{}", index_, answered_, head.status, body_.size(),
              head.keep_alive ? "" : ", the last");
  scene_->note(static_cast<std::uint64_t>(head.status) * 64 + index_);
  if (head_.find("\r\nDate: ") == std::string::npos) complain("no Date");
  if (asked.to_head() && !body_.empty()) complain("content in the answer to a HEAD");

  if (head.status == 408) {
    judge_timeout(head.keep_alive);
  } else if (head.status == 503) {
    judge_shedding(head.keep_alive);
  } else if (head.status == 504) {
    judge_late_handler(asked, head.keep_alive);
  } else {
    judge_answer(asked, head);
  }

  ++answered_;
  answered_at_ = scene_->net.now();
  head_.clear();
  body_.clear();
  head_complete_ = false;
  interim_ = 0;
  if (!head.keep_alive) {
    last_answer_seen_ = true;
    ++scene_->sights.closes_announced;
  }
  if (answered_ < script_.size()) parser_.start(exchange(answered_).to_head());
  if (!reads() && !deaf_) {
    deaf_ = true;
    io_->recv_stop(id());
    scene_->log("client {}: reads no more", index_);
  }
  if (answered_ == script_.size() && !last_answer_seen_ && plan_.manner == Manner::polite) close(false);
}

void Client::judge_answer(const Exchange& asked, const http::ResponseHead& head) {
  if (head.status != asked.status) return complain("{} instead of {}", head.status, asked.status);
  if (asked.closes && head.keep_alive) complain("the connection should end with this answer");
  if (!asked.closes && !head.keep_alive && scene_->stopped_at == kNever)
    complain("the connection should stay");
  if (!asked.handled) {
    ++scene_->sights.refusals;
    return;
  }
  ++(asked.streamed ? scene_->sights.streams : scene_->sights.answers);
  if (asked.breaks_off) complain("an answer that broke off looks whole");
  if (asked.minor_version == 0 && head.framing == http::BodyFraming::chunked) complain("chunks for HTTP/1.0");
  if (ends_[answered_] > server_->read_total) complain("an answer before the request was read");
  if (asked.calls != 1) complain("an answer of a handler that was called {} times", asked.calls);
  const std::string mark = "\r\nX-Id: " + asked.id + "\r\n";
  if (!asked.throws && head_.find(mark) == std::string::npos) complain("somebody else's answer");
  if (!http::status_has_content(head.status)) return;
  if (asked.to_head()) {
    if (!asked.streamed && head.content_length != asked.body.size())
      complain("a HEAD's length of {}", head.content_length);
    return;
  }
  // An eviction and the drain's end look like the end of a body that lasts until then: HTTP/1.0 has nothing better.
  const bool may_be_cut =
      head.framing == http::BodyFraming::until_close && (!scene_->plan.patient || was_drained());
  if (may_be_cut ? !asked.body.starts_with(body_) : body_ != asked.body) {
    complain("a body of {} octets that is not the one of {}", body_.size(), asked.body.size());
  }
}

void Client::judge_timeout(bool keep_alive) {
  ++scene_->sights.timeouts_408;
  was_refused_early_ = true;
  const Time begun = first_sent_[answered_];
  const Config& config = scene_->plan.config;
  const Duration timeout = std::min({config.timeout_request, config.timeout_head, config.timeout_body});
  if (keep_alive) complain("a 408 that keeps the connection");
  if (begun == kNever) return complain("a 408 before the request began");
  if (scene_->net.now() < begun + timeout) complain("a 408 before its time");
  const Time latest = std::max({begun, server_->opened_at, answered_at_}) + config.timeout_request + 5s;
  if (scene_->plan.patient && scene_->net.now() > latest) complain("a 408 long after its time");
  if (arrived_[answered_] < begun + timeout) complain("a 408 although the request was there in time");
  if (scene_->plan.patient && plan_.manner != Manner::stalls)
    complain("a 408 for a client that did its part");
}

void Client::judge_shedding(bool keep_alive) {
  ++scene_->sights.sheds_503;
  was_refused_early_ = true;
  const Config& config = scene_->plan.config;
  if (keep_alive) complain("a 503 that keeps the connection");
  if (head_.find("\r\nRetry-After: ") == std::string::npos) complain("a 503 without Retry-After");
  const bool may_shed = scene_->plan.pooled &&
                        config.thread_pool_count + config.thread_pool_backlog < scene_->plan.clients.size();
  if (!may_shed) complain("a 503 although there was room");
}

// No handler of the model says 504 itself.
void Client::judge_late_handler(const Exchange& asked, bool keep_alive) {
  ++scene_->sights.timeouts_504;
  const Duration deadline = scene_->plan.config.timeout_handler;
  if (keep_alive) complain("a 504 that keeps the connection");
  if (!asked.handled) complain("a 504 for what no handler should see");
  if (!scene_->plan.pooled || deadline == Duration::zero()) return complain("a 504 without a deadline");
  if (scene_->net.now() < first_sent_[answered_] + deadline) complain("a 504 before its time");
  if (scene_->plan.patient) complain("a 504 although no handler was slow");
}

void Client::on_end(int error) {
  stamp_arrivals();
  if (error != 0) ++scene_->sights.resets_seen;
  scene_->log("client {}: the stream ends, {}", index_, error == 0 ? "in peace" : "by a reset");
  // RFC 9112 6.3: that may be an answer's end, too.
  const bool until_close = head_complete_ && parser_.head().framing == http::BodyFraming::until_close;
  if (error == 0 && until_close && parser_.end().event == http::ResponseEvent::complete) on_answer();
  judge_end(error);
  close(false);
}

// Whether the stream's end was right. Whose network or patience failed has no claim.
void Client::judge_end(int error) {
  const Plan& plan = scene_->plan;
  const bool cut = !head_.empty() || head_complete_;
  if (cut) ++scene_->sights.cut_answers;
  if (server_->faulty || last_answer_seen_) return;
  if (answered_ < script_.size() && exchange(answered_).breaks_off && exchange(answered_).calls == 1) {
    ++scene_->sights.broken_off;
    if (!exchange(answered_).body.starts_with(body_)) complain("another body than the one that broke off");
    return;
  }
  const bool stopped = scene_->stopped_at != kNever;
  if (stopped && (!server_->accepted || was_drained())) return;
  ++scene_->sights.closes_silent;
  // Both sides ended at the same moment: what we sent met nobody any more. TCP has no better answer.
  if (error != 0 && server_->closed_unread == 0 && server_->hit_after_close && (stopped || !plan.patient))
    return;

  if (server_->closed_at != kNever && !ended_) judge_eviction();
  if (!plan.patient) return;
  if (server_->closed_unread > 0) complain("the server closed with {} octets unread", server_->closed_unread);
  if (error != 0) complain("a reset that nobody had a reason for");
  if (cut) complain("an answer that was cut: {}", head_);
  const auto read = static_cast<std::size_t>(
      std::upper_bound(ends_.begin(), ends_.end(), server_->read_total) - ends_.begin());
  if (answered_ < read) complain("the server has read {} requests and answered {}", read, answered_);
  // A blank line before it does not begin a request.
  const std::size_t begun = (answered_ > 0 ? ends_[answered_ - 1] : 0) + 2;
  if (!ended_ && server_->read_total > begun) complain("a request that was begun was dropped without a word");
  const bool owed = plan_.manner != Manner::stalls && plan_.manner != Manner::truncates;
  if (!stopped && owed && answered_ < script_.size()) complain("the server ended before all was answered");
}

// The server has closed because the time of its graceful stop was over.
bool Client::was_drained() const {
  const Time stopped = scene_->stopped_at;
  return stopped != kNever && server_->closed_at >= stopped + scene_->plan.config.timeout_drain;
}

// The server has closed without being asked to: only because of a timeout, and not before it had passed.
void Client::judge_eviction() {
  constexpr Duration kSlack = 5ms;  // a completion may be late
  const Config& config = scene_->plan.config;
  if (server_->closed_at >= scene_->stopped_at) return;
  if (server_->closed_sending) {
    if (server_->closed_at + kSlack < server_->taken_at + config.timeout_write) complain("evicted too early");
    return;
  }
  if (server_->shut_at != kNever) {
    // It has said its last word, and we did not get it because we sent on: for too long, or too much.
    const bool too_much = config.linger_bytes_max < stream_.size();
    if (!too_much && server_->closed_at + kSlack < server_->shut_at + config.timeout_linger) {
      complain("lingered too shortly");
    }
    return;
  }
  const Time active = std::max(server_->read_at, server_->taken_at);
  // A blank line begins to wait for a request without beginning one.
  const Duration shortest = std::min({config.timeout_request, config.timeout_head, config.timeout_body,
                                      config.timeout_keepalive, config.timeout_write});
  const Duration longest = std::max(config.timeout_request, config.timeout_keepalive);
  const Time from = answered_ > 0 ? active : server_->opened_at;
  if (server_->closed_at + kSlack < from + shortest) complain("closed before it was idle for long enough");
  if (scene_->plan.patient && server_->closed_at > active + longest + 1s) complain("idle for far too long");
}

void Client::stamp_arrivals() {
  if (server_ == nullptr) return;
  for (std::size_t i = answered_; i < ends_.size() && ends_[i] <= server_->arrived_total; ++i) {
    if (arrived_[i] == kNever) arrived_[i] = scene_->net.now();
  }
}

void Client::look() {
  if (state_ != State::open) return;
  stamp_arrivals();
  if (deaf_ && server_->closing) {
    scene_->log("client {}: the server has closed", index_);
    close(false);
  }
}

void Client::close(bool rude) {
  if (state_ == State::closing || state_ == State::done) return;
  scene_->log("client {}: closes", index_);
  state_ = State::closing;
  rude ? io_->abort(id()) : io_->close(id());
}

}  // namespace httpdyno::sim
