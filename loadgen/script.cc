#include "loadgen/script.h"

#include "net/base/assert.h"
#include "net/http/chars.h"

namespace httpdyno::loadgen {

std::string render_request(const Url& url, const RequestSpec& spec) {
  std::string host = url.authority;
  for (const auto& [name, value] : spec.fields) {
    if (http::equals_lower(name, "host")) host = value;
  }
  std::string text = spec.method + " " + url.target + " HTTP/1.1\r\nHost: " + host + "\r\n";
  for (const auto& [name, value] : spec.fields) {
    if (!http::equals_lower(name, "host")) text += name + ": " + value + "\r\n";
  }
  // A method that anticipates content says so even when there is none: RFC 9110 8.6.
  const bool anticipates = spec.method == "POST" || spec.method == "PUT" || spec.method == "PATCH";
  if (spec.has_body || anticipates) text += "Content-Length: " + std::to_string(spec.body.size()) + "\r\n";
  if (!spec.keep_alive) text += "Connection: close\r\n";
  return text + "\r\n" + spec.body;
}

Script make_script(const Url& url, const RequestSpec& spec, std::uint32_t pipeline) {
  ASSERT(pipeline >= 1);
  Script script;
  const std::string request = render_request(url, spec);
  script.batch.reserve(request.size() * pipeline);
  for (std::uint32_t i = 0; i < pipeline; ++i) script.batch += request;
  script.pipeline = pipeline;
  script.request_bytes = request.size();
  script.to_head = spec.method == "HEAD";
  script.keep_alive = spec.keep_alive;
  return script;
}

std::string deterministic_body(std::size_t count) { return std::string(count, 'x'); }

}  // namespace httpdyno::loadgen
