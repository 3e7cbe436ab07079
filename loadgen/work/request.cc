#include "loadgen/work/request.h"

#include <algorithm>

#include "net/http/chars.h"

namespace httpdyno::loadgen {

namespace {

bool all_of_class(http::CharClass wanted, std::string_view text) {
  return std::all_of(text.begin(), text.end(), [wanted](char c) { return http::is(wanted, c); });
}

}  // namespace

std::string_view method_fault(std::string_view method) {
  if (method.empty() || !all_of_class(http::kTokenChar, method)) return "is no method";
  return method == "CONNECT" ? "opens a tunnel: there is nothing to measure" : "";
}

std::string_view field_fault(std::string_view name, std::string_view value) {
  if (name.empty() || !all_of_class(http::kTokenChar, name) || !all_of_class(http::kFieldChar, value)) {
    return "is no header line: expected 'Name: value'";
  }
  for (const char* own : {"content-length", "transfer-encoding", "connection"}) {
    if (http::equals_lower(name, own)) return "is set by loadgen itself (--no-keepalive, --body-bytes)";
  }
  return {};
}

std::string_view default_method(bool has_body) { return has_body ? "POST" : "GET"; }

std::string render_request(const Url& url, const RequestSpec& spec, Persistence persistence) {
  std::string host = url.authority;
  for (const auto& [name, value] : spec.fields) {
    if (http::equals_lower(name, "host")) host = value;
  }
  std::string text = spec.method + " " + spec.url_on(url).target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto& [name, value] : spec.fields) {
    if (!http::equals_lower(name, "host")) text += name + ": " + value + "\r\n";
  }
  // A method that anticipates content says so even when there is none: RFC 9110 8.6.
  const bool anticipates = spec.method == "POST" || spec.method == "PUT" || spec.method == "PATCH";
  if (spec.has_body || anticipates) text += "Content-Length: " + std::to_string(spec.body.size()) + "\r\n";
  if (persistence == Persistence::close) text += "Connection: close\r\n";
  return text + "\r\n" + spec.body;
}

std::string deterministic_body(std::size_t count) { return std::string(count, 'x'); }

}  // namespace httpdyno::loadgen
