// One segment of a path, decoded: for handlers, and after routing, which looks at the path as it came.
#pragma once

#include <string>
#include <string_view>

namespace httpdyno::http {

// Decodes the percent-encoding (RFC 3986 2.1) of what stands between two slashes of a path. False, and `decoded`
// empty, for what no name should be made of: a '%' without two hexadecimal digits; NUL or another control; what
// is no UTF-8, overlong forms too (RFC 3629 3); and what would be read as more than one segment or another
// place: a slash, "." and "..". Any thread.
[[nodiscard]] bool decode_segment(std::string_view segment, std::string& decoded);

}  // namespace httpdyno::http
