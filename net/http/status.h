// Status codes and their reason phrases (RFC 9110 section 15).
#pragma once

#include <cstddef>
#include <string_view>

namespace httpdyno::http {

// "Not Found" for 404; empty for a code that has no phrase here.
std::string_view reason_phrase(int status);

// "HTTP/1.1 404 Not Found\r\n" for a code with a phrase; empty otherwise. Static, and padded:
// kPaddedStatusLine octets may be read from its beginning.
std::string_view status_line(int status);
inline constexpr std::size_t kPaddedStatusLine = 64;

// RFC 9110 6.4.1, 15.3.5, 15.4.5: these never have content, whatever a handler says.
constexpr bool status_has_content(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace httpdyno::http
