#include "net/http/request_parser.h"

#include <algorithm>
#include <cstring>

#include "net/base/assert.h"
#include "net/base/octets.h"
#include "net/http/host.h"
#include "net/http/scan.h"

namespace httpdyno::http {

namespace {

constexpr ParseErrorRow kRows[] = {
    {"none", 0, ""},
#define PARSE_ERROR(name, status, text) {#name, status, text},
#include "net/http/parse_errors.def"
#undef PARSE_ERROR
};

// Splits a comma-separated list (RFC 9110 5.6.1); each element comes without white space around it and may be
// empty. Stops when visit() returns false, and returns that.
template <class Visit>
bool each_element(std::string_view list, Visit visit) {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (!visit(trim_blanks(list.substr(0, comma)))) return false;
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

bool is_token(std::string_view text) {
  return !text.empty() &&
         find_end_of<kTokenChar>(text.data(), text.data() + text.size()) == text.data() + text.size();
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

}  // namespace

const ParseErrorRow& parse_error_row(ParseError error) {
  DASSERT(error != ParseError::none);
  return kRows[static_cast<std::size_t>(error)];
}

RequestParser::RequestParser(const ParseLimits& limits)
    : limits_(limits), fields_(std::make_unique_for_overwrite<FieldRange[]>(limits.fields_max)) {
  // Offsets have 32 bits, and a request may be followed by a read's worth of the next.
  ASSERT(limits.request_bytes_max <= UINT32_MAX - (1U << 24));
  limits_.head_bytes_max = std::min(limits.head_bytes_max, limits.request_bytes_max);
}

// The way of a usual request, from its first octet to the end of its head, is one function to the compiler:
// what is marked so is inlined into parse(), and the state stays in registers.
[[gnu::always_inline]] inline bool RequestParser::refuse(ParseError error) {
  phase_ = Phase::refused;
  error_ = error;
  return false;
}

// RFC 9110 5.3: a field that is no list may be there once.
[[gnu::always_inline]] inline bool RequestParser::accept_once(unsigned seen_bit) {
  if ((seen_ & seen_bit) != 0) return refuse(ParseError::field_repeated);
  seen_ |= seen_bit;
  return true;
}

// RFC 9112 2.2: a server should ignore at least one empty line before the request line.
[[gnu::always_inline]] inline bool RequestParser::read_start(Input in) {
  while (at_ < in.size && *in.at(at_) == '\r') {
    if (at_ + 1 == in.size) return false;
    if (*in.at(at_ + 1) != '\n') return refuse(ParseError::line_end);
    at_ += 2;
    if (at_ / 2 > limits_.blank_lines_max) return refuse(ParseError::blank_lines);
  }
  if (at_ == in.size) return false;
  start_ = at_;
  phase_ = Phase::method;
  return true;
}

[[gnu::always_inline]] inline bool RequestParser::read_method(Input in) {
  // Most requests are this one.
  if (at_ == start_ && in.size - at_ > 4 && std::memcmp(in.at(at_), "GET ", 4) == 0) {
    method_ = Method::get;
    method_bytes_ = 3;
    target_ = at_ += 4;
    phase_ = Phase::target;
    return true;
  }
  const char* end = find_end_of<kTokenChar>(in.at(at_), in.end());
  at_ = in.offset(end);
  const std::uint32_t bytes = at_ - start_;
  if (bytes > limits_.method_bytes_max) return refuse(ParseError::method_unknown);
  if (end == in.end()) return false;
  if (*end != ' ' || bytes == 0) return refuse(ParseError::method_malformed);
  method_bytes_ = bytes;
  if (!find_method(in.view(method_range()), method_)) seen_ |= kUnknownMethod;
  target_ = ++at_;
  phase_ = Phase::target;
  return true;
}

// RFC 9112 3.2: the four forms of the target, and which method may have which.
[[gnu::always_inline]] inline bool RequestParser::accept_request_line(Input in) {
  if ((seen_ & kUnknownMethod) != 0) return refuse(ParseError::method_unknown);
  path_ = target_;
  const std::string_view target = in.view(target_range());
  if (target.front() == '/') return true;
  if (target == "*") return method_ == Method::options || refuse(ParseError::target_form);
  constexpr std::string_view kScheme = "http://";
  if (target.size() <= kScheme.size() || !equals_lower(target.substr(0, kScheme.size()), kScheme)) {
    return refuse(ParseError::target_form);
  }
  const std::size_t authority_end = std::min(target.find_first_of("/?", kScheme.size()), target.size());
  if (!valid_authority(target.substr(kScheme.size(), authority_end - kScheme.size()))) {
    return refuse(ParseError::target_malformed);
  }
  path_ = target_ + static_cast<std::uint32_t>(authority_end);
  seen_ |= kAbsoluteForm;
  return true;
}

template <class Scan>
[[gnu::always_inline]] inline bool RequestParser::read_target(Input in) {
  const char* end = Scan::target_end(in.at(at_), in.end());
  at_ = in.offset(end);
  if (at_ - target_ > limits_.target_bytes_max) return refuse(ParseError::target_too_long);
  if (end == in.end()) return false;
  if (*end != ' ' || at_ == target_) return refuse(ParseError::target_malformed);
  target_end_ = at_++;
  phase_ = Phase::version;
  return true;
}

// Exactly "HTTP/", digit, ".", digit, CRLF. Octets are checked as they come: garbage need not wait for a
// timeout.
[[gnu::always_inline]] inline bool RequestParser::read_version(Input in) {
  constexpr std::string_view kUsual = "HTTP/1.1\r\n";
  const std::uint32_t begin = target_end_ + 1;
  if (in.size - begin >= kUsual.size() && std::memcmp(in.at(begin), kUsual.data(), kUsual.size()) == 0) {
    at_ = begin + static_cast<std::uint32_t>(kUsual.size());
    minor_version_ = 1;
  } else {
    constexpr std::string_view kPattern = "HTTP/d.d\r\n";
    for (; at_ - begin < kPattern.size(); ++at_) {
      if (at_ == in.size) return false;
      const char c = *in.at(at_);
      const char expected = kPattern[at_ - begin];
      if (expected == 'd' ? is_digit(c) : c == expected) continue;
      return refuse(c == '\n' || expected == '\n' ? ParseError::line_end : ParseError::version_malformed);
    }
    if (*in.at(begin + 5) != '1') return refuse(ParseError::version_unsupported);
    // A later minor version is answered as the highest that is known (RFC 9110 2.5).
    minor_version_ = *in.at(begin + 7) == '0' ? 0 : 1;
  }
  phase_ = Phase::head;
  return accept_request_line(in);
}

// One line of a header or trailer section, of at most `line_bytes_max` octets without its end: its name, its value
// and its end are left in name_, name_end_ and value_end_. What is behind the bound is not looked at, so that a line
// has the same fault whether it comes whole or in pieces.
template <class Scan>
[[gnu::always_inline]] inline RequestParser::LineResult RequestParser::read_field_line(
    Input in, std::size_t line_bytes_max, ParseError too_large) {
  const auto refused = [this](ParseError error) {
    refuse(error);
    return LineResult::need_more;
  };
  if (line_ == Line::start) {
    if (at_ == in.size) return LineResult::need_more;
    const char c = *in.at(at_);
    if (c == '\r') {
      if (at_ + 1 == in.size) return LineResult::need_more;
      if (*in.at(at_ + 1) != '\n') return refused(ParseError::line_end);
      at_ += 2;
      return LineResult::section_end;
    }
    if (is_blank(c)) return refused(ParseError::field_folded);
    name_ = at_;
    line_ = Line::name;
  }
  const std::size_t line_end = std::min(in.size, name_ + line_bytes_max + 1);
  const auto need_more = [&] { return line_end < in.size ? refused(too_large) : LineResult::need_more; };
  if (line_ == Line::name) {
    const char* end = find_end_of<kTokenChar>(in.at(at_), in.at(line_end));
    at_ = in.offset(end);
    if (at_ == line_end) return need_more();
    if (*end != ':' || at_ == name_) {
      return refused(is_blank(*end) && at_ != name_ ? ParseError::field_name_space : ParseError::field_name);
    }
    name_end_ = at_++;
    line_ = Line::value;
  }
  const char* end = Scan::field_end(in.at(at_), in.at(line_end));
  at_ = in.offset(end);
  if (at_ == line_end) return need_more();
  if (*end != '\r') return refused(*end == '\n' ? ParseError::line_end : ParseError::field_value);
  if (end + 1 == in.end()) return LineResult::need_more;
  if (end[1] != '\n') return refused(ParseError::line_end);
  value_end_ = at_;
  at_ += 2;
  line_ = Line::start;
  return LineResult::field;
}

[[gnu::always_inline]] inline bool RequestParser::accept_field(Input in) {
  if (field_count_ == limits_.fields_max) return refuse(ParseError::too_many_fields);
  const std::string_view name = in.view(field_name());
  const std::string_view value = trim_blanks({in.at(name_end_ + 1), in.at(value_end_)});
  const FieldRange field{field_name(), {in.offset(value.data()), static_cast<std::uint32_t>(value.size())}};
  fields_[field_count_++] = field;

  // Every request has this one: it does not go through the switch.
  if (token_equals(name, "host")) {
    if ((seen_ & kSeenHost) != 0) return refuse(ParseError::host_repeated);
    seen_ |= kSeenHost;
    host_index_ = field_count_ - 1;
    return true;
  }
  // The others that frame a message, and those that may be there once: two comparisons at the most.
  switch (name.size()) {
    case 4:
      if (token_equals(name, "date")) return accept_once(kSeenDate);
      return !token_equals(name, "from") || accept_once(kSeenFrom);
    case 5: return !token_equals(name, "range") || accept_once(kSeenRange);
    case 6:
      if (!token_equals(name, "expect") || minor_version_ == 0)
        return true;  // RFC 9110 10.1.1: ignored in 1.0
      if (!equals_lower(value, "100-continue")) return refuse(ParseError::expectation_unknown);
      seen_ |= kSeenExpect;
      return true;
    case 7: return !token_equals(name, "referer") || accept_once(kSeenReferer);
    case 8: return !token_equals(name, "if-range") || accept_once(kSeenIfRange);
    case 10:
      if (token_equals(name, "connection")) return accept_connection(value);
      return !token_equals(name, "user-agent") || accept_once(kSeenUserAgent);
    case 12:
      if (token_equals(name, "content-type")) return accept_once(kSeenContentType);
      return !token_equals(name, "max-forwards") || accept_once(kSeenMaxForwards);
    case 13:
      if (token_equals(name, "authorization")) return accept_once(kSeenAuthorization);
      return !token_equals(name, "content-range") || accept_once(kSeenContentRange);
    case 14: return !token_equals(name, "content-length") || accept_length(value);
    case 16: return !token_equals(name, "content-location") || accept_once(kSeenContentLocation);
    case 17:
      if (token_equals(name, "transfer-encoding")) return accept_encoding(value);
      return !token_equals(name, "if-modified-since") || accept_once(kSeenIfModifiedSince);
    case 19:
      if (token_equals(name, "if-unmodified-since")) return accept_once(kSeenIfUnmodifiedSince);
      return !token_equals(name, "proxy-authorization") || accept_once(kSeenProxyAuthorization);
    default: return true;
  }
}

[[gnu::always_inline]] inline bool RequestParser::accept_host(Input in) {
  if ((seen_ & kSeenHost) == 0) {
    // RFC 9112 3.2: an HTTP/1.0 client need not send one.
    return minor_version_ == 0 || refuse(ParseError::host_missing);
  }
  const std::string_view host = in.view(fields_[host_index_].value);
  // Clients say the same Host again and again: what was valid once need not be parsed again.
  if (host.empty() || !equal_octets(host, known_host())) {
    if (!valid_authority(host)) return refuse(ParseError::host_malformed);
    know_host(host);
  }
  if ((seen_ & kAbsoluteForm) != 0) {
    const std::string_view before_path = in.view({target_, path_ - target_});
    const std::string_view authority = before_path.substr(before_path.find("//") + 2);
    if (!equals_ignoring_case(authority, host)) return refuse(ParseError::host_differs);
  }
  return true;
}

// RFC 9112 6.3: the length of the body, or why it cannot be told.
[[gnu::always_inline]] inline bool RequestParser::accept_head(Input in) {
  head_end_ = at_;
  if (!accept_host(in)) return false;
  if ((seen_ & kSeenEncoding) != 0) {
    if ((seen_ & kSeenLength) != 0) return refuse(ParseError::length_and_encoding);
    if (minor_version_ == 0) return refuse(ParseError::encoding_in_http10);
    if (!chunked_) return refuse(ParseError::encoding_not_chunked);
    if ((seen_ & kSeenUnknownCoding) != 0) return refuse(ParseError::encoding_unknown);
    decoded_ = head_end_;
    chunk_digits_ = 0;
    trailer_fields_ = trailer_bytes_ = extension_bytes_ = 0;
    overhead_bytes_ = 0;
    phase_ = Phase::chunk_size;
    return true;
  }
  if (length_ == 0) {
    phase_ = Phase::complete;
    return false;
  }
  phase_ = Phase::length_body;
  return length_ <= body_bytes_max() || refuse(ParseError::body_too_large);
}

template <class Scan>
[[gnu::always_inline]] inline bool RequestParser::read_head(Input in) {
  for (;;) {
    switch (read_field_line<Scan>(in, limits_.field_bytes_max, ParseError::field_too_large)) {
      case LineResult::need_more: return false;
      case LineResult::section_end: return accept_head(in);
      case LineResult::field:
        if (!accept_field(in)) return false;
    }
  }
}

template <class Scan>
[[gnu::always_inline]] inline RequestParser::Result RequestParser::parse_with(std::span<char> bytes) {
  // Behind its bound a head is not looked at: it has the same fault whether it comes whole or in pieces.
  const Input head{bytes.data(), std::min(bytes.size(), limits_.head_bytes_max)};
  switch (phase_) {
    case Phase::start:
      if (!read_start(head)) break;
      [[fallthrough]];
    case Phase::method:
      if (!read_method(head)) break;
      [[fallthrough]];
    case Phase::target:
      if (!read_target<Scan>(head)) break;
      [[fallthrough]];
    case Phase::version:
      if (!read_version(head)) break;
      [[fallthrough]];
    case Phase::head:
      if (!read_head<Scan>(head)) break;
      [[fallthrough]];
    case Phase::length_body:
    case Phase::chunk_size:
    case Phase::chunk_extension:
    case Phase::chunk_data:
    case Phase::chunk_end:
    case Phase::trailer: read_body<Scan>({bytes.data(), bytes.size()}); break;
    case Phase::complete:
    case Phase::refused: ASSERT(false && "parse() after the request's end"); break;
  }
  if (phase_ == Phase::complete) return Result::complete;
  if (phase_ <= Phase::head && head.size == limits_.head_bytes_max) {
    refuse(phase_ == Phase::target ? ParseError::target_too_long : ParseError::head_too_large);
  }
  return phase_ == Phase::refused ? Result::refused : Result::need_more;
}

RequestParser::Result RequestParser::parse(std::span<char> bytes) { return parse_with<VectorScan>(bytes); }

RequestParser::Result RequestParser::parse_scalar(std::span<char> bytes) {
  return parse_with<ScalarScan>(bytes);
}

// RFC 9110 8.6. A second one is refused even where it agrees: two parsers may not choose the same (request
// smuggling).
bool RequestParser::accept_length(std::string_view value) {
  if ((seen_ & kSeenLength) != 0) return refuse(ParseError::length_repeated);
  seen_ |= kSeenLength;
  // Not "005" either: there are parsers that would read it as octal.
  if (value.empty() || (value.front() == '0' && value.size() > 1)) {
    return refuse(ParseError::length_malformed);
  }
  constexpr std::uint64_t kFarTooLarge = std::uint64_t{1} << 59;
  for (char c : value) {
    if (!is_digit(c))
      return refuse(value.find(',') != value.npos ? ParseError::length_repeated
                                                  : ParseError::length_malformed);
    if (length_ < kFarTooLarge) length_ = length_ * 10 + static_cast<unsigned>(c - '0');
  }
  return true;
}

// RFC 9112 6.1 and 7: several lines make one list; chunked must be the last coding, once, without parameters.
bool RequestParser::accept_encoding(std::string_view value) {
  seen_ |= kSeenEncoding;
  return each_element(value, [this](std::string_view coding) {
    if (!is_token(coding)) return refuse(ParseError::encoding_malformed);
    const bool is_chunked = equals_lower(coding, "chunked");
    if (chunked_)
      return refuse(is_chunked ? ParseError::encoding_malformed : ParseError::encoding_not_chunked);
    chunked_ = is_chunked;
    if (!is_chunked) seen_ |= kSeenUnknownCoding;
    return true;
  });
}

// RFC 9110 7.6.1: a list of tokens; empty elements are ignored (5.6.1.2).
bool RequestParser::accept_connection(std::string_view value) {
  if (token_equals(value, "keep-alive")) {  // what most of them say
    seen_ |= kSeenKeepAlive;
    return true;
  }
  return each_element(value, [this](std::string_view option) {
    if (option.empty()) return true;
    if (!is_token(option)) return refuse(ParseError::connection_malformed);
    if (equals_lower(option, "close")) seen_ |= kSeenClose;
    if (equals_lower(option, "keep-alive")) seen_ |= kSeenKeepAlive;
    return true;
  });
}

template <class Scan>
bool RequestParser::read_body(Input in) {
  for (;;) {
    bool done = false;
    switch (phase_) {
      case Phase::length_body:
        if (in.size - head_end_ < length_) return false;
        at_ = head_end_ + static_cast<std::uint32_t>(length_);
        phase_ = Phase::complete;
        return true;
      case Phase::chunk_size: done = read_chunk_size(in); break;
      case Phase::chunk_extension: done = read_chunk_extension(in); break;
      case Phase::chunk_data: done = read_chunk_data(in); break;
      case Phase::chunk_end: done = read_chunk_end(in); break;
      case Phase::trailer: done = read_trailer<Scan>(in); break;
      case Phase::complete: return true;
      case Phase::start:
      case Phase::method:
      case Phase::target:
      case Phase::version:
      case Phase::head:
      case Phase::refused: return false;
    }
    if (!done) return false;
  }
}

// RFC 9112 7.1: 1*HEXDIG. Sixteen digits cannot overflow.
bool RequestParser::read_chunk_size(Input in) {
  constexpr int kDigitsMax = 16;
  constexpr std::uint64_t kSizeMax = INT64_MAX;  // what any peer could hold in a number
  for (; at_ < in.size; ++at_) {
    const int digit = hex_value(*in.at(at_));
    if (digit < 0) break;
    if (++chunk_digits_ > kDigitsMax) return refuse(ParseError::chunk_size);
    length_ = length_ * 16 + static_cast<unsigned>(digit);
  }
  if (at_ == in.size) return false;
  const char c = *in.at(at_);
  if (chunk_digits_ == 0 || length_ > kSizeMax || (c != '\r' && c != ';' && !is_blank(c))) {
    return refuse(ParseError::chunk_size);
  }
  if (length_ > body_bytes_max() - (decoded_ - head_end_)) return refuse(ParseError::body_too_large);
  overhead_bytes_ += chunk_digits_ + 4U;  // with both line ends
  if (overhead_bytes_ > limits_.chunk_overhead_bytes_max && overhead_bytes_ / 4 > decoded_ - head_end_) {
    return refuse(ParseError::chunk_overhead);
  }
  extension_ = Extension::line;
  phase_ = Phase::chunk_extension;
  return true;
}

// RFC 9112 7.1.1: *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), then CRLF. Checked and
// ignored.
bool RequestParser::read_chunk_extension(Input in) {
  for (; at_ < in.size; ++at_) {
    const char c = *in.at(at_);
    const bool may_end =
        extension_ == Extension::line || extension_ == Extension::name || extension_ == Extension::token;
    if (may_end && c == '\r') {
      if (at_ + 1 == in.size) return false;
      if (*in.at(at_ + 1) != '\n') return refuse(ParseError::line_end);
      at_ += 2;
      line_ = Line::start;
      phase_ = length_ == 0 ? Phase::trailer : Phase::chunk_data;
      return true;
    }
    if (++extension_bytes_ > limits_.chunk_extension_bytes_max)
      return refuse(ParseError::chunk_extension_large);
    const bool blank = is_blank(c);
    bool allowed = true;
    switch (extension_) {
      case Extension::line:
      case Extension::before_semicolon:
        allowed = blank || c == ';';
        extension_ = blank ? Extension::before_semicolon : Extension::before_name;
        break;
      case Extension::before_name:
        allowed = blank || is(kTokenChar, c);
        if (!blank) extension_ = Extension::name;
        break;
      case Extension::name:
      case Extension::after_name:
        if (c == '=') {
          extension_ = Extension::before_value;
        } else if (c == ';') {
          extension_ = Extension::before_name;
        } else if (blank) {
          extension_ = Extension::after_name;
        } else {
          allowed = extension_ == Extension::name && is(kTokenChar, c);
        }
        break;
      case Extension::before_value:
        allowed = blank || c == '"' || is(kTokenChar, c);
        if (!blank) extension_ = c == '"' ? Extension::quoted : Extension::token;
        break;
      case Extension::token:
        if (c == ';') {
          extension_ = Extension::before_name;
        } else if (blank) {
          extension_ = Extension::before_semicolon;
        } else {
          allowed = is(kTokenChar, c);
        }
        break;
      case Extension::quoted:
        allowed = is(kFieldChar, c);
        if (c == '"') extension_ = Extension::line;
        if (c == '\\') extension_ = Extension::escaped;
        break;
      case Extension::escaped:
        allowed = is(kFieldChar, c);
        extension_ = Extension::quoted;
        break;
    }
    if (!allowed) return refuse(ParseError::chunk_extension);
  }
  return false;
}

bool RequestParser::read_chunk_data(Input in) {
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(in.size - at_, length_));
  if (decoded_ != at_) std::memmove(in.data + decoded_, in.data + at_, count);
  decoded_ += count;
  at_ += count;
  length_ -= count;
  if (length_ > 0) return false;
  phase_ = Phase::chunk_end;
  return true;
}

bool RequestParser::read_chunk_end(Input in) {
  if (at_ < in.size && *in.at(at_) != '\r') return refuse(ParseError::chunk_end);
  if (in.size - at_ < 2) return false;
  if (*in.at(at_ + 1) != '\n') return refuse(ParseError::chunk_end);
  at_ += 2;
  chunk_digits_ = 0;
  phase_ = Phase::chunk_size;
  return true;
}

// RFC 9112 7.1.2: trailer fields are checked like header fields and then dropped; they never join the header
// section.
template <class Scan>
bool RequestParser::read_trailer(Input in) {
  for (;;) {
    switch (read_field_line<Scan>(in, limits_.trailer_bytes_max - trailer_bytes_,
                                  ParseError::trailer_too_large)) {
      case LineResult::need_more: return false;
      case LineResult::section_end: phase_ = Phase::complete; return true;
      case LineResult::field:
        if (!accept_trailer_field(in)) return false;
    }
  }
}

bool RequestParser::accept_trailer_field(Input in) {
  trailer_bytes_ += at_ - name_;
  if (++trailer_fields_ > limits_.fields_max || trailer_bytes_ > limits_.trailer_bytes_max) {
    return refuse(ParseError::trailer_too_large);
  }
  const std::string_view name = in.view(field_name());
  for (std::string_view forbidden : {"host", "content-length", "transfer-encoding"}) {
    if (equals_lower(name, forbidden)) return refuse(ParseError::trailer_forbidden);
  }
  return true;
}

std::size_t RequestParser::compact(std::span<char> bytes) {
  // Only between and within chunks: everything else has offsets to octets behind at_.
  const bool movable = phase_ == Phase::chunk_size || phase_ == Phase::chunk_data ||
                       phase_ == Phase::chunk_end || phase_ == Phase::chunk_extension;
  if (!movable || decoded_ == at_) return bytes.size();
  const std::size_t unread = bytes.size() - at_;
  std::memmove(bytes.data() + decoded_, bytes.data() + at_, unread);
  at_ = decoded_;
  return decoded_ + unread;
}

}  // namespace httpdyno::http
