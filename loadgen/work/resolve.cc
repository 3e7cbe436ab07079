#include "loadgen/work/resolve.h"

#include <fmt/format.h>
#include <netdb.h>

#include <cstring>
#include <memory>
#include <string>

#include "loadgen/work/exchange.h"

namespace httpdyno::loadgen {

Failure find_server(const Url& url, Duration timeout, io::Address& out) {
  if (!url.unix_socket.empty()) {
    const Error error = io::parse_address(std::string(io::kUnixPrefix) + url.unix_socket, 0, out);
    if (!error) return {};
    return usage_failure(fmt::format("--unix-socket '{}': {}", url.unix_socket, error.message()));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  const int code = getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &raw);
  if (code != 0) return run_failure(fmt::format("cannot find host '{}': {}", url.host, gai_strerror(code)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(raw, &freeaddrinfo);

  for (const addrinfo* entry = found.get(); entry != nullptr; entry = entry->ai_next) {
    std::memcpy(&out.storage, entry->ai_addr, entry->ai_addrlen);
    out.size = entry->ai_addrlen;
    if (found->ai_next == nullptr || can_connect(out, timeout)) return {};
  }
  return run_failure(fmt::format("cannot connect to {}: none of its addresses accepts", url.authority));
}

}  // namespace httpdyno::loadgen
