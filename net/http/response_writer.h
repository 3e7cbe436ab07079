// The response writer: one function for every dispatch, so that inline and pooled answers are the same
// octets.
#pragma once

#include <string_view>

#include "net/base/byte_buffer.h"
#include "net/http/response.h"

namespace httpdyno::http {

// Appends the response's head up to and without Date, Connection and the empty line (DateCache::head_end(),
// which the loop appends: only it knows the second and whether the connection stays).
void write_head(const Response& response, ByteBuffer& out);

// The octets that follow the head: none for HEAD, 1xx, 204 and 304 (RFC 9110 6.4.1), whatever the handler
// set.
std::string_view content_of(const Response& response, bool head_request);

}  // namespace httpdyno::http
