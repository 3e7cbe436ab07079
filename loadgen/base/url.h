// The URL of a target: http, a host or an address, a port, and the target of the request line (RFC 3986, RFC
// 9110 4.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace httpdyno::loadgen {

struct Url {
  std::string host;  // a name or a numeric address, without brackets
  std::uint16_t port = 80;
  std::string authority;     // for the Host field: as given, without a default port
  std::string target = "/";  // path and query, never empty
  std::string unix_socket;   // connect to this path; host and port are for the Host field alone

  // The URL again, normalised: "http://authority/target".
  std::string text() const { return "http://" + authority + target; }
};

// Returns what is wrong with it as a clause ("has no host"), or an empty view; `out` is complete only then. A
// URL without a scheme is taken for http when it has a port or a path, as with curl.
std::string_view parse_url(std::string_view text, Url& out);

// What is wrong with a path and query as a request line has it, or an empty view.
std::string_view target_fault(std::string_view target);

}  // namespace httpdyno::loadgen
