// The response writer: one function for every dispatch, so that inline and pooled answers are the same
// octets.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http/response.h"
#include "net/http/status.h"

namespace httpdyno::http {

inline constexpr std::size_t kDecimalBytesMax = 20;  // of a 64-bit number

// How many octets write_head() may touch.
inline std::size_t head_bytes_max(const Response& response) {
  constexpr std::size_t kFixed =
      kPaddedStatusLine + sizeof("Content-Type: \r\n") + sizeof("Content-Length: \r\n") + kDecimalBytesMax;
  return kFixed + response.content_type().size() + response.fields().size();
}

// Writes the head that answers an HTTP/1.`minor_version` request, up to and without Date, Connection and the empty
// line (DateCache::write_head_end(), which the loop adds: only it knows the second and whether the connection
// stays). Returns the end of what it wrote.
char* write_head(const Response& response, int minor_version, char* out);

// What is to be pulled after the head, framed for that client: in chunks, unless it has a length or HTTP/1.0 ends
// it with the connection (RFC 9112 6.1, 6.3). Null when the body is not streamed, or when no content may follow.
std::unique_ptr<BodyStream> take_stream(Response& response, bool head_request, int minor_version);

// The octets that follow the head at once: none for HEAD, 1xx, 204 and 304 (RFC 9110 6.4.1), whatever the handler
// set, and none when the body is streamed.
inline std::string_view content_of(const Response& response, bool head_request) {
  const bool none =
      head_request || !status_has_content(response.status()) || response.body_stream() != nullptr;
  return none ? std::string_view() : response.body();
}

}  // namespace httpdyno::http
