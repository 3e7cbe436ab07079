#include "server/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "net/base/octets.h"
#include "net/http/status.h"

namespace httpdyno {

namespace {

using State = Connection::State;

// The legal moves. Everything that is not free may be closed.
bool legal(State from, State to) {
  switch (to) {
    case State::free: return from == State::closing;
    case State::reading: return from == State::free || from == State::handling || from == State::streaming;
    case State::handling: return from == State::reading;
    case State::streaming: return from == State::reading;
    case State::finishing:
      return from == State::reading || from == State::handling || from == State::streaming;
    case State::lingering: return from == State::finishing;
    case State::closing: return from != State::free && from != State::closing;
  }
  return false;
}

}  // namespace

void Connection::move_to(State to) {
  ASSERT(legal(state_, to));
  state_ = to;
}

void Connection::open(io::ConnId id, const Config& config, Time now) {
  move_to(State::reading);
  id_ = id;
  timer_due = kNever;
  receiving = true;
  in_dirty_list = false;
  held_since = kNever;
  waits_for_output_ = waits_for_turn_ = peer_ended_ = continue_sent_ = false;
  begin_request(config, now);
  unsent_answers_ = 0;
  served_ = discarded_ = 0;
}

void Connection::release(Commons& commons) {
  move_to(State::free);
  drop_frame(commons);
  stream_.reset();
  output_.abandon(commons.outputs);
}

void Connection::start_lingering(const Config& config, Time now) {
  move_to(State::lingering);
  request_deadline_ = now + config.timeout_linger;
}

std::size_t Connection::octets_wanted(std::size_t available) const {
  if (frame_ == nullptr) return available;
  const std::size_t declared = frame_->parser->declared_bytes();
  return declared == 0 ? available : std::min(available, declared - frame_->bytes.size());
}

void Connection::begin(Commons& commons, std::span<char> octets) {
  const Config& config = commons.config;
  commons.granted = std::min(config.requests_per_turn, config.pipeline_depth_max - unsent_answers_);
  commons.budget = commons.granted;
  if (frame_ == nullptr) {
    commons.cursor = {.octets = octets, .parser = commons.lent_parser.get(), .lent = true};
    return;
  }
  ByteBuffer& bytes = frame_->bytes;
  grow(commons, bytes.size() + octets.size());
  bytes.append({octets.data(), octets.size()});
  commons.cursor = {.octets = bytes.bytes(), .parser = frame_->parser.get(), .lent = false};
}

bool Connection::next_request(Commons& commons) {
  Commons::Cursor& cursor = commons.cursor;
  if (state_ != State::reading || cursor.used == cursor.octets.size()) return false;
  if (output_.size() >= commons.config.output_bytes_max) {
    waits_for_output_ = true;
    return false;
  }
  if (commons.budget == 0) {
    const bool deep = unsent_answers_ + commons.granted == commons.config.pipeline_depth_max;
    (deep ? waits_for_output_ : waits_for_turn_) = true;
    return false;
  }

  http::RequestParser& parser = *cursor.parser;
  switch (parser.parse(cursor.rest())) {
    case http::RequestParser::Result::complete:
      --commons.budget;
      ++served_;
      continue_sent_ = false;
      commons.stats.requests.add();
      return true;
    case http::RequestParser::Result::need_more:
      // RFC 9110 10.1.1: the client waits for this word before it sends the content. Not if some has come
      // already.
      if (parser.head_complete() && parser.expects_continue() && parser.has_body() && !continue_sent_ &&
          cursor.rest().size() == parser.body_range().offset) {
        continue_sent_ = true;
        output_.filling(commons.outputs).append("HTTP/1.1 100 Continue\r\n\r\n");
      }
      return false;
    case http::RequestParser::Result::refused: {
      commons.stats.refused.add();
      const http::ParseErrorRow& row = http::parse_error_row(parser.error());
      refuse(commons, row.status, row.text);
      return false;
    }
  }
  return false;
}

void Connection::end(Commons& commons, Time now) {
  const bool had_frame = frame_ != nullptr;
  const bool some_were_whole = commons.cursor.used > 0;
  if (state_ == State::finishing || commons.cursor.rest().empty()) {
    // Refused or answered for the last time, what follows is not looked at; otherwise everything was whole.
    commons.cursor.parser->reset();
    drop_frame(commons);
  } else {
    keep_unfinished(commons);
  }
  unsent_answers_ += commons.granted - commons.budget;
  if (some_were_whole) late_ = false;
  // What waits behind a worker or a stream has its time from then on.
  if (frame_ != nullptr && state_ == State::reading) {
    if (!had_frame || some_were_whole) begin_request(commons.config, now);
    if (!inside_body_ && frame_->parser->head_complete()) begin_body(commons.config, now);
  }
  if (peer_ended_) on_peer_end(commons);
  commons.cursor = {};
}

void Connection::keep_unfinished(Commons& commons) {
  Commons::Cursor& cursor = commons.cursor;
  if (!cursor.lent) {
    frame_->bytes.consume(cursor.used);
    frame_->bytes.truncate(frame_->parser->compact(frame_->bytes.bytes()));
    return grow(commons, frame_->parser->declared_bytes());
  }
  ASSERT(frame_ == nullptr);
  frame_ = commons.frames.take();
  std::swap(frame_->parser, commons.lent_parser);
  const std::span<char> rest = cursor.rest();
  grow(commons, std::max(rest.size(), frame_->parser->declared_bytes()));
  frame_->bytes.append({rest.data(), rest.size()});
}

// Room for `total` octets: a declared length in one step (it has been found within the limit), otherwise at
// least double.
void Connection::grow(Commons& commons, std::size_t total) {
  ByteBuffer& bytes = frame_->bytes;
  if (total <= bytes.capacity()) return bytes.reserve_total(total);
  if (bytes.capacity() > 0) commons.stats.buffer_growths.add();
  const bool declared = total == frame_->parser->declared_bytes();
  bytes.reserve_total(declared ? total : std::max({total, bytes.capacity() * 2, kFirstBufferBytes}));
}

void Connection::drop_frame(Commons& commons) {
  if (frame_ == nullptr) return;
  if (commons.cursor.parser == frame_->parser.get()) commons.cursor = {.parser = commons.lent_parser.get()};
  commons.frames.give_back(frame_);
  frame_ = nullptr;
}

void Connection::on_peer_end(Commons& commons) {
  peer_ended_ = true;
  if (state_ != State::reading) return;
  // An incomplete request will never be complete. Whole ones that wait for their turn are answered first.
  if (waits_for_output_ || waits_for_turn_) return;
  drop_frame(commons);
  move_to(State::finishing);
}

// The deadline of the head gives way to that of the body; the whole request's holds for both.
void Connection::begin_body(const Config& config, Time now) {
  const Time begin = request_deadline_ - std::min(config.timeout_request, config.timeout_head);
  request_deadline_ = std::min(begin + config.timeout_request, now + config.timeout_body);
  inside_body_ = true;
}

// Every answer goes this way: the head, the lines that only the loop knows, the content.
template <class WriteHead>
void Connection::answer(Commons& commons, std::size_t head_bytes_max, WriteHead write_head, bool keep_alive,
                        std::string_view content) {
  ByteBuffer& out = output_.filling(commons.outputs);
  char* const begin = out.reserve(head_bytes_max + http::DateCache::kHeadEndBytesMax + content.size());
  char* const head_end = commons.date.write_head_end(keep_alive, write_head(begin));
  out.commit(static_cast<std::size_t>(put_octets(head_end, content) - begin));
}

// After an answer or its head: the rest of a streamed body, the end of the connection, or the next request.
void Connection::conclude(std::unique_ptr<http::BodyStream> stream, bool keep_alive) {
  if (stream != nullptr) {
    stream_ = std::move(stream);
    last_answer_ = !keep_alive;
    move_to(State::streaming);
  } else if (!keep_alive) {
    move_to(State::finishing);
  }
}

void Connection::respond(Commons& commons, http::Response& response) {
  Commons::Cursor& cursor = commons.cursor;
  http::RequestParser& parser = *cursor.parser;
  const bool keep_alive = stays(commons, parser, response);
  const auto write_head = [&](char* out) { return http::write_head(response, parser.minor_version(), out); };
  answer(commons, http::head_bytes_max(response), write_head, keep_alive,
         http::content_of(response, parser.is_head()));
  if (!keep_alive || response.body_stream() != nullptr) [[unlikely]] {
    conclude(http::take_stream(response, parser.is_head(), parser.minor_version()), keep_alive);
    if (state_ == State::streaming) pull_block(commons);
  }
  cursor.used += parser.request_bytes();
  parser.reset();
}

RequestFrame* Connection::freeze(Commons& commons, Time now) {
  Commons::Cursor& cursor = commons.cursor;
  head_handled_ = cursor.parser->is_head();
  const std::span<char> request = cursor.rest().first(cursor.parser->request_bytes());
  RequestFrame* leaving = nullptr;
  if (!cursor.lent && request.size() == cursor.octets.size()) {
    // The frame holds this request and nothing else: it leaves as it is.
    leaving = frame_;
    frame_ = nullptr;
    cursor = {.parser = commons.lent_parser.get()};
  } else {
    // Only this request's octets leave; what is behind them waits here.
    leaving = commons.frames.take();
    std::unique_ptr<http::RequestParser>& parser = cursor.lent ? commons.lent_parser : frame_->parser;
    std::swap(leaving->parser, parser);
    cursor.parser = parser.get();
    leaving->bytes.append({request.data(), request.size()});
    cursor.used += request.size();
  }
  move_to(State::handling);
  await_worker(commons.config, now);
  return leaving;
}

void Connection::thaw(Commons& commons, const RequestFrame& frame, std::string_view head,
                      const http::Response& response, std::unique_ptr<http::BodyStream> stream,
                      std::string_view block, Time now) {
  move_to(State::reading);
  begin_request(commons.config, now);
  const auto copy_head = [head](char* out) { return put_octets(out, head); };
  const bool keep_alive = stays(commons, *frame.parser, response);
  answer(commons, head.size(), copy_head, keep_alive, http::content_of(response, frame.parser->is_head()));
  if (keep_alive && stream == nullptr) [[likely]]
    return;
  conclude(std::move(stream), keep_alive);
  if (state_ == State::streaming) append_block(commons, block);
}

void Connection::pull_block(Commons& commons) {
  waits_for_turn_ = false;
  ByteBuffer& out = output_.filling(commons.outputs);
  const std::size_t enough = out.size() + kStreamBlockBytes;
  do {
    stream_->pull(out, enough - out.size());
  } while (stream_->result() == http::BodyStream::Result::more && out.size() < enough);
  after_pull(commons);
}

void Connection::take_back(Commons& commons, std::unique_ptr<http::BodyStream> stream, std::string_view block,
                           Time now) {
  stream_ = std::move(stream);
  begin_request(commons.config, now);
  append_block(commons, block);
}

void Connection::append_block(Commons& commons, std::string_view block) {
  output_.filling(commons.outputs).append(block);
  after_pull(commons);
}

void Connection::after_pull(Commons& commons) {
  // Without chunks a stream's end has no octets of its own.
  output_.give_back_if_empty(commons.outputs);
  if (stream_->result() == http::BodyStream::Result::more) return;
  if (stream_->result() == http::BodyStream::Result::failed) return cut_stream(commons);
  move_to(last_answer_ ? State::finishing : State::reading);
  stream_.reset();
}

// The client sees by the framing that it is not whole.
void Connection::cut_stream(Commons& commons) {
  commons.stats.streams_cut.add();
  move_to(State::finishing);
  stream_.reset();
}

// Asked when the answer is given, not when the request was dispatched: stop() may have come in between.
bool Connection::stays(const Commons& commons, const http::RequestParser& parser,
                       const http::Response& response) const {
  const std::uint64_t cap = commons.config.request_count;
  return parser.keep_alive() && !response.closes_connection(parser.minor_version()) && !commons.stopping &&
         (cap == 0 || served_ < cap);
}

// The parser of the request that is being read or has begun to arrive; null when there is none.
const http::RequestParser* Connection::present_parser(const Commons& commons) const {
  if (commons.cursor.parser != nullptr) return commons.cursor.parser;
  return frame_ != nullptr ? frame_->parser.get() : nullptr;
}

void Connection::refuse(Commons& commons, int status, std::string_view reason) {
  const std::string content = fmt::format("{} {}: {}\n", status, http::reason_phrase(status), reason);
  http::Response response;
  response.set_status(status);
  response.set_body(std::string_view(content));
  // RFC 9110 15.6.4: the pool may have room again in a second.
  if (status == 503) ASSERT(response.add_field("Retry-After", "1"));
  const http::RequestParser* parser = present_parser(commons);
  const bool to_head = state_ == State::handling ? head_handled_ : parser != nullptr && parser->is_head();
  const auto write_head = [&](char* out) { return http::write_head(response, 1, out); };
  const std::size_t before = output_.size();
  answer(commons, http::head_bytes_max(response), write_head, false, http::content_of(response, to_head));
  commons.refusal = {.status = status, .bytes = output_.size() - before};
  move_to(State::finishing);
  drop_frame(commons);
}

Time Connection::deadline(const Config& config, Time now) const {
  switch (state_) {
    case State::free:
    case State::closing: return kNever;
    case State::handling:
    case State::lingering: return request_deadline_;
    case State::finishing: return write_deadline_;
    case State::streaming: {
      const Time writing = output_.empty() ? kNever : write_deadline_;
      return with_worker() ? std::min(writing, request_deadline_) : writing;
    }
    case State::reading: break;
  }
  if (!output_.empty()) return write_deadline_;
  if (frame_ != nullptr || served_ == 0) return request_deadline_;
  return now + config.timeout_keepalive;
}

void Connection::check_invariants() const {
  ASSERT(state_ != State::free || (frame_ == nullptr && output_.empty()));
  ASSERT(state_ != State::lingering || output_.empty());
  ASSERT(!(waits_for_output_ || waits_for_turn_) || frame_ != nullptr || state_ == State::streaming);
  ASSERT(!waits_for_output_ || !output_.empty());
  ASSERT(frame_ == nullptr || !frame_->bytes.empty());
  // Nobody would answer, or close, any more.
  ASSERT(state_ != State::reading || !peer_ended_ || waits_for_output_ || waits_for_turn_);
  output_.check_invariants();
  ASSERT(frame_ == nullptr || state_ == State::reading || state_ == State::handling ||
         state_ == State::streaming || state_ == State::closing);
  ASSERT(stream_ == nullptr || state_ == State::streaming || state_ == State::closing);
  ASSERT(!output_.empty() || unsent_answers_ == 0 || state_ != State::reading);
}

}  // namespace httpdyno
