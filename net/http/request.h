// A request as a handler sees it: views into the octets that the client sent.
#pragma once

#include <string_view>

#include "net/http/chars.h"
#include "net/http/request_parser.h"

namespace httpdyno::http {

// A view of a complete request. It and all views from it are valid until the handler returns, no longer: the
// octets belong to the server. Read-only and used by one thread at a time.
class Request {
 public:
  // `octets` is the first of the request that `parser` has read completely.
  Request(const RequestParser& parser, const char* octets) : parser_(&parser), octets_(octets) {}

  Method method() const { return parser_->method(); }
  // 0 or 1: HTTP/1.0 or HTTP/1.1.
  int minor_version() const { return parser_->minor_version(); }

  // The request target as it came, not decoded: "/path?query", "*" or "http://host/path".
  std::string_view target() const { return parser_->target_range().in(octets_); }
  // The target without scheme and authority, not decoded; empty where an absolute-form ends with its authority.
  std::string_view path_and_query() const { return parser_->path_range().in(octets_); }
  // The path, not decoded (decode_segment() does that), without the query; "/" where an absolute-form has none; "*"
  // for the whole server.
  std::string_view path() const {
    const std::string_view text = path_and_query();
    // Most paths are shorter than a call of memchr is worth.
    std::size_t size = 0;
    while (size < text.size() && text[size] != '?') ++size;
    return size == 0 ? std::string_view("/") : text.substr(0, size);
  }
  // What follows the first '?', not decoded; empty when there is none.
  std::string_view query() const {
    const std::string_view text = path_and_query();
    const std::size_t mark = text.find('?');
    return mark == std::string_view::npos ? std::string_view() : text.substr(mark + 1);
  }

  // The value of the first field of that name (`lower_name` in lower case), without white space around it.
  // False when there is none.
  bool field(std::string_view lower_name, std::string_view& value) const {
    for (const FieldRange& range : parser_->fields()) {
      if (equals_lower(range.name.in(octets_), lower_name)) {
        value = range.value.in(octets_);
        return true;
      }
    }
    return false;
  }
  // Calls visit(name, value) for each field in the order of the request, repeated ones too. Trailers are not
  // among them.
  template <class Visit>
  void each_field(Visit visit) const {
    for (const FieldRange& range : parser_->fields()) visit(range.name.in(octets_), range.value.in(octets_));
  }

  // The content, whole and without transfer coding; empty when there is none.
  std::string_view body() const { return parser_->body_range().in(octets_); }

 private:
  const RequestParser* parser_;
  const char* octets_;
};

}  // namespace httpdyno::http
