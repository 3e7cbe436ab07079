#include "net/http/response_parser.h"

#include <algorithm>
#include <limits>

#include "net/http/chars.h"
#include "net/http/scan.h"

namespace httpdyno::http {

std::string_view response_error_text(ResponseError error) {
  switch (error) {
    case ResponseError::none: return "";
#define RESPONSE_ERROR(name, text) \
  case ResponseError::name:        \
    return text;
#include "net/http/response_errors.def"
#undef RESPONSE_ERROR
  }
  return "";
}

void ResponseParser::start(bool to_head) {
  head_ = ResponseHead{};
  body_bytes_ = remaining_ = 0;
  interim_ = 0;
  error_ = ResponseError::none;
  to_head_ = to_head;
  in_trailer_ = false;
  column_ = 0;
  has_length_ = chunked_ = says_close_ = says_keep_alive_ = false;
  begin_section(Phase::status_line, limits_.head_bytes_max);
}

void ResponseParser::assume_head(const ResponseHead& head) {
  head_ = head;
  remaining_ = head.content_length;
  switch (head.framing) {
    case BodyFraming::none: phase_ = Phase::complete; break;
    case BodyFraming::length: phase_ = Phase::length_body; break;
    case BodyFraming::chunked: begin_section(Phase::chunk_size, limits_.chunk_line_bytes_max); break;
    case BodyFraming::until_close: phase_ = Phase::close_body; break;
  }
}

ResponseStep ResponseParser::next(std::string_view bytes) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* at = begin;
  auto step = [&](ResponseEvent event, std::string_view body = {}) {
    return ResponseStep{event, static_cast<std::size_t>(at - begin), body};
  };
  auto take_body = [&] {
    const auto here = static_cast<std::uint64_t>(end - at);
    const auto count = static_cast<std::size_t>(std::min(here, remaining_));
    const std::string_view body(at, count);
    at += count;
    remaining_ -= count;
    body_bytes_ += count;
    return step(ResponseEvent::body, body);
  };

  for (;;) {
    switch (phase_) {
      case Phase::section_done: {
        const bool was_trailer = in_trailer_;
        end_section();
        // After an interim response the head goes on; after a trailer section nothing does.
        if (was_trailer || phase_ == Phase::status_line || phase_ == Phase::failed) continue;
        return step(ResponseEvent::head);
      }
      case Phase::chunk_line_done: end_chunk_line(); continue;
      case Phase::complete: return step(ResponseEvent::complete);
      case Phase::failed: return step(ResponseEvent::error);

      case Phase::length_body:
        if (remaining_ == 0) {
          phase_ = Phase::complete;
          continue;
        }
        if (at == end) return step(ResponseEvent::more);
        return take_body();
      case Phase::close_body:
        if (at == end) return step(ResponseEvent::more);
        remaining_ = std::numeric_limits<std::uint64_t>::max();
        return take_body();
      case Phase::chunk_data:
        if (at == end) return step(ResponseEvent::more);
        if (remaining_ != 0) return take_body();
        phase_ = Phase::chunk_data_cr;
        continue;
      case Phase::chunk_data_cr:
        if (at == end) return step(ResponseEvent::more);
        if (*at == '\r') {
          ++at;
          phase_ = Phase::chunk_data_lf;
        } else {
          fail(ResponseError::bad_chunk, at);
        }
        continue;
      case Phase::chunk_data_lf:
        if (at == end) return step(ResponseEvent::more);
        if (*at == '\n') {
          ++at;
          begin_section(Phase::chunk_size, limits_.chunk_line_bytes_max);
        } else {
          fail(ResponseError::bad_chunk, at);
        }
        continue;

      case Phase::status_line:
      case Phase::reason:
      case Phase::line_start:
      case Phase::name:
      case Phase::value:
      case Phase::line_end:
      case Phase::section_end:
      case Phase::chunk_size:
      case Phase::chunk_extension:
      case Phase::chunk_line_end: {
        if (at == end) return step(ResponseEvent::more);
        if (allowance_ == 0) {
          fail(phase_ < Phase::chunk_size ? ResponseError::head_too_large : ResponseError::bad_chunk, at);
          continue;
        }
        // Cut at the limit, so that what lies beyond is refused for its size wherever the pieces end.
        const char* const from = at;
        const auto here = static_cast<std::uint64_t>(end - at);
        const bool in_head = phase_ < Phase::chunk_size && !in_trailer_;
        at = read_lines(at, at + std::min(here, allowance_));
        const auto read = static_cast<std::uint64_t>(at - from);
        allowance_ -= read;
        if (in_head) head_.head_bytes += read;
        continue;
      }
    }
  }
}

ResponseStep ResponseParser::end() {
  if (phase_ == Phase::close_body) phase_ = Phase::complete;
  if (phase_ == Phase::complete) return {ResponseEvent::complete, 0, {}};
  if (phase_ != Phase::failed) fail(ResponseError::truncated, nullptr);
  return {ResponseEvent::error, 0, {}};
}

const char* ResponseParser::fail(ResponseError error, const char* at) {
  phase_ = Phase::failed;
  error_ = error;
  return at;
}

void ResponseParser::begin_section(Phase phase, std::uint64_t bytes_max) {
  phase_ = phase;
  allowance_ = bytes_max;
  fields_ = 0;
  column_ = 0;
}

// Reads lines until the octets end or the section does.
const char* ResponseParser::read_lines(const char* at, const char* end) {
  while (at != end) {
    switch (phase_) {
      case Phase::status_line: at = read_status_line(at, end); break;
      case Phase::reason: at = read_text(at, end); break;
      case Phase::line_start: at = read_line_start(at); break;
      case Phase::name: at = read_name(at, end); break;
      case Phase::value: at = field_ == Field::other ? read_text(at, end) : read_words(at, end); break;
      case Phase::line_end: at = read_line_feed(at, Phase::line_start); break;
      case Phase::section_end: at = read_line_feed(at, Phase::section_done); break;
      case Phase::chunk_size: at = read_chunk_size(at, end); break;
      case Phase::chunk_extension: at = read_chunk_extension(at, end); break;
      case Phase::chunk_line_end: at = read_line_feed(at, Phase::chunk_line_done); break;
      case Phase::section_done:
      case Phase::chunk_line_done:
      case Phase::length_body:
      case Phase::close_body:
      case Phase::chunk_data:
      case Phase::chunk_data_cr:
      case Phase::chunk_data_lf:
      case Phase::complete:
      case Phase::failed: return at;
    }
  }
  return at;
}

// RFC 9112 section 4: status-line = HTTP-version SP status-code SP [ reason-phrase ].
const char* ResponseParser::read_status_line(const char* at, const char* end) {
  constexpr std::string_view kPattern = "HTTP/1.d ddd ";
  for (; at != end && column_ < kPattern.size(); ++at, ++column_) {
    const char wanted = kPattern[column_];
    if (wanted != 'd') {
      if (*at != wanted) return fail(ResponseError::bad_status_line, at);
      continue;
    }
    if (!is_digit(*at)) return fail(ResponseError::bad_status_line, at);
    if (column_ == 7) {
      // A higher minor version is read as 1.1: RFC 9110 2.5.
      head_.minor_version = *at == '0' ? 0 : 1;
    } else {
      head_.status = head_.status * 10 + (*at - '0');
    }
  }
  if (column_ == kPattern.size()) {
    if (head_.status < 100) return fail(ResponseError::bad_status_line, at);
    phase_ = Phase::reason;
  }
  return at;
}

// A run of field octets up to CR: a reason phrase, or a value that nobody asks for.
const char* ResponseParser::read_text(const char* at, const char* end) {
  at = find_field_end(at, end);
  if (at == end) return at;
  if (*at == '\r') {
    phase_ = Phase::line_end;
    return at + 1;
  }
  return fail(*at == '\n' ? ResponseError::bad_line_end : ResponseError::bad_field, at);
}

const char* ResponseParser::read_line_feed(const char* at, Phase next) {
  if (*at != '\n') return fail(ResponseError::bad_line_end, at);
  phase_ = next;
  return at + 1;
}

const char* ResponseParser::read_line_start(const char* at) {
  if (*at == '\r') {
    phase_ = Phase::section_end;
    return at + 1;
  }
  if (is_blank(*at)) return fail(ResponseError::folded_line, at);
  if (++fields_ > limits_.fields_max) return fail(ResponseError::too_many_fields, at);
  phase_ = Phase::name;
  word_size_ = 0;
  return at;
}

const char* ResponseParser::read_name(const char* at, const char* end) {
  const char* const colon = find_end_of<kTokenChar>(at, end);
  const std::string_view piece(at, static_cast<std::size_t>(colon - at));
  const bool whole = word_size_ == 0 && colon != end;
  if (!whole) append_to_word(piece);
  if (colon == end) return end;
  // White space before the colon, a missing colon, an empty name: RFC 9112 5.1.
  if (*colon != ':' || (whole && piece.empty())) return fail(ResponseError::bad_field, colon);

  field_ = Field::other;
  if (whole) {
    field_ = classify(piece);
  } else if (word_size_ != kWordTooLong) {
    field_ = classify({word_.data(), word_size_});
  }
  word_size_ = 0;
  word_ended_ = false;
  phase_ = Phase::value;
  return colon + 1;
}

ResponseParser::Field ResponseParser::classify(std::string_view name) const {
  // Fields in a trailer section must not change the framing: RFC 9112 7.1.2.
  if (in_trailer_) return Field::other;
  switch (name.size()) {
    case 10: return equals_lower(name, "connection") ? Field::connection : Field::other;
    case 14: return equals_lower(name, "content-length") ? Field::content_length : Field::other;
    case 17: return equals_lower(name, "transfer-encoding") ? Field::transfer_encoding : Field::other;
    default: return Field::other;
  }
}

void ResponseParser::append_to_word(std::string_view octets) {
  if (word_size_ == kWordTooLong || octets.size() > word_.size() - word_size_) {
    word_size_ = kWordTooLong;
    return;
  }
  for (char c : octets) word_[word_size_++] = to_lower(c);
}

// A value that matters: words between commas.
const char* ResponseParser::read_words(const char* at, const char* end) {
  for (; at != end; ++at) {
    const char c = *at;
    if (c == '\r') {
      take_word();
      if (phase_ == Phase::value) phase_ = Phase::line_end;
      return at + 1;
    }
    if (is_blank(c)) {
      word_ended_ = word_size_ != 0;
    } else if (!is(kFieldChar, c)) {
      return fail(c == '\n' ? ResponseError::bad_line_end : ResponseError::bad_field, at);
    } else if (c == ',' && field_ == Field::connection) {
      take_word();
    } else {
      // Two words without a comma are no option, and neither a length nor a coding.
      if (word_ended_) word_size_ = kWordTooLong;
      append_to_word({at, 1});
    }
  }
  return at;
}

void ResponseParser::take_word() {
  const std::string_view word =
      word_size_ == kWordTooLong ? std::string_view() : std::string_view(word_.data(), word_size_);
  switch (field_) {
    case Field::other: break;
    case Field::content_length: take_length(); break;
    case Field::transfer_encoding:
      // We never ask for another coding (TE), and chunked must stand once: RFC 9112 6.1.
      if (chunked_ || word != "chunked") fail(ResponseError::bad_coding, nullptr);
      chunked_ = true;
      break;
    case Field::connection:
      if (word == "close") says_close_ = true;
      if (word == "keep-alive") says_keep_alive_ = true;
      break;
  }
  word_size_ = 0;
  word_ended_ = false;
}

// Content-Length = 1*DIGIT. Lists are refused; a repeated field may only repeat its value: RFC 9110 8.6.
void ResponseParser::take_length() {
  constexpr std::uint8_t kDigitsMax = 18;
  if (word_size_ == 0 || word_size_ > kDigitsMax) {
    fail(ResponseError::bad_length, nullptr);
    return;
  }
  std::uint64_t length = 0;
  for (std::uint8_t i = 0; i < word_size_; ++i) {
    if (!is_digit(word_[i])) {
      fail(ResponseError::bad_length, nullptr);
      return;
    }
    length = length * 10 + static_cast<std::uint64_t>(word_[i] - '0');
  }
  if (has_length_ && length != head_.content_length) fail(ResponseError::conflicting_length, nullptr);
  has_length_ = true;
  head_.content_length = length;
}

void ResponseParser::end_section() {
  if (in_trailer_) {
    phase_ = Phase::complete;
  } else {
    end_head();
  }
}

void ResponseParser::end_head() {
  if (head_.status == 101) {
    fail(ResponseError::unexpected_upgrade, nullptr);
    return;
  }
  if (head_.status < 200) {
    // An interim response is nothing but a head, and the final one follows: RFC 9110 15.2. Both share the
    // allowance.
    if (++interim_ > limits_.interim_max) {
      fail(ResponseError::too_many_interim, nullptr);
      return;
    }
    const std::uint64_t head_bytes = head_.head_bytes;
    head_ = ResponseHead{};
    head_.head_bytes = head_bytes;
    has_length_ = chunked_ = says_close_ = says_keep_alive_ = false;
    begin_section(Phase::status_line, allowance_);
    return;
  }
  if (chunked_ && has_length_) {
    fail(ResponseError::conflicting_length, nullptr);
    return;
  }
  // HTTP/1.0 knows no transfer coding: RFC 9112 6.1.
  if (chunked_ && head_.minor_version == 0) {
    fail(ResponseError::bad_coding, nullptr);
    return;
  }

  head_.keep_alive = !says_close_ && (head_.minor_version != 0 || says_keep_alive_);
  if (to_head_ || head_.status == 204 || head_.status == 304) {
    head_.framing = BodyFraming::none;
    phase_ = Phase::complete;
  } else if (chunked_) {
    head_.framing = BodyFraming::chunked;
    begin_section(Phase::chunk_size, limits_.chunk_line_bytes_max);
  } else if (has_length_) {
    head_.framing = BodyFraming::length;
    remaining_ = head_.content_length;
    phase_ = Phase::length_body;
  } else {
    head_.framing = BodyFraming::until_close;
    head_.keep_alive = false;
    phase_ = Phase::close_body;
  }
}

// RFC 9112 7.1: chunk-size = 1*HEXDIG; white space may stand before an extension only.
const char* ResponseParser::read_chunk_size(const char* at, const char* end) {
  constexpr std::uint8_t kDigitsMax = 16;  // cannot overflow
  if (column_ == 0) remaining_ = 0;
  for (; at != end; ++at) {
    const int digit = hex_value(*at);
    if (digit < 0) break;
    if (++column_ > kDigitsMax) return fail(ResponseError::bad_chunk, at);
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
  }
  if (at == end) return at;
  if (column_ == 0) return fail(ResponseError::bad_chunk, at);
  if (*at == '\r') {
    phase_ = Phase::chunk_line_end;
    return at + 1;
  }
  if (*at != ';' && !is_blank(*at)) return fail(ResponseError::bad_chunk, at);
  phase_ = Phase::chunk_extension;
  column_ = 0;  // no ';' yet
  return at;
}

// Extensions are skipped (RFC 9112 7.1.1), but nothing that ends a line may hide in them.
const char* ResponseParser::read_chunk_extension(const char* at, const char* end) {
  for (; column_ == 0 && at != end; ++at) {
    if (*at == ';') {
      column_ = 1;
    } else if (!is_blank(*at)) {
      return fail(ResponseError::bad_chunk, at);
    }
  }
  at = find_field_end(at, end);
  if (at == end) return at;
  if (*at != '\r') return fail(ResponseError::bad_chunk, at);
  phase_ = Phase::chunk_line_end;
  return at + 1;
}

void ResponseParser::end_chunk_line() {
  if (remaining_ != 0) {
    phase_ = Phase::chunk_data;
  } else {
    in_trailer_ = true;
    begin_section(Phase::line_start, limits_.head_bytes_max);
  }
}

}  // namespace httpdyno::http
