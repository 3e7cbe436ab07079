#include "net/http/host.h"

#include <arpa/inet.h>

#include <cstring>

#include "net/http/scan.h"

namespace httpdyno::http {

namespace {

bool valid_port(std::string_view port) {
  unsigned value = 0;
  for (char c : port) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return true;
}

bool valid_ipv6(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof terminated) return false;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  in6_addr parsed;
  return inet_pton(AF_INET6, terminated, &parsed) == 1;
}

// RFC 3986 2.1: every '%' begins the encoding of an octet.
bool valid_percents(std::string_view name) {
  for (std::size_t at = name.find('%'); at != std::string_view::npos; at = name.find('%', at + 1)) {
    if (at + 2 >= name.size() || hex_value(name[at + 1]) < 0 || hex_value(name[at + 2]) < 0) return false;
  }
  return true;
}

}  // namespace

bool valid_authority(std::string_view authority) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t closing = authority.find(']');
    if (closing == std::string_view::npos || !valid_ipv6(authority.substr(1, closing - 1))) return false;
    rest = authority.substr(closing + 1);
  } else {
    const char* end = authority.data() + authority.size();
    const char* host_end = find_end_of<kHostChar>(authority.data(), end);
    const auto host_bytes = static_cast<std::size_t>(host_end - authority.data());
    if (host_bytes == 0 || !valid_percents(authority.substr(0, host_bytes))) return false;
    rest = {host_end, static_cast<std::size_t>(end - host_end)};
  }
  return rest.empty() || (rest.front() == ':' && valid_port(rest.substr(1)));
}

}  // namespace httpdyno::http
