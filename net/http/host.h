// The authority of a request: host and optional port, as Host and an absolute-form target carry it.
#pragma once

#include <string_view>

namespace httpdyno::http {

// RFC 9112 3.2, RFC 3986 3.2: a name, an IPv4 address or a bracketed IPv6 address, then perhaps ':' and a
// port of digits up to 65535 (it may be empty). No user information, no list, not empty.
bool valid_authority(std::string_view authority);

}  // namespace httpdyno::http
