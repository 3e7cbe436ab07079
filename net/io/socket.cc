#include "net/io/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace httpdyno::io {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() { reset(); }

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

namespace {

Error unix_address(std::string_view path, Address& out) {
  auto* name = reinterpret_cast<sockaddr_un*>(&out.storage);
  if (path.empty() || path.find('\0') != std::string_view::npos)
    return Error{EINVAL, "path of a unix socket"};
  if (path.size() >= sizeof name->sun_path) return Error{ENAMETOOLONG, "path of a unix socket"};
  out.storage = {};
  name->sun_family = AF_UNIX;
  std::memcpy(name->sun_path, path.data(), path.size());
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return {};
}

}  // namespace

std::string Address::path() const {
  return family() == AF_UNIX ? reinterpret_cast<const sockaddr_un*>(&storage)->sun_path : std::string();
}

std::uint16_t Address::port() const {
  if (family() == AF_UNIX) return 0;
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

std::string Address::text() const {
  if (family() == AF_UNIX) return std::string(kUnixPrefix) + path();
  char host[INET6_ADDRSTRLEN] = "";
  const bool v6 = family() == AF_INET6;
  const void* address =
      v6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr)
         : &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr;
  inet_ntop(family(), address, host, sizeof host);
  std::string text = v6 ? "[" : "";
  text.append(host).append(v6 ? "]:" : ":").append(std::to_string(port()));
  return text;
}

Error parse_address(const std::string& host, std::uint16_t port, Address& out) {
  if (host.starts_with(kUnixPrefix))
    return unix_address(std::string_view(host).substr(kUnixPrefix.size()), out);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return Error{EINVAL, "numeric address"};
  }
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  freeaddrinfo(found);
  return {};
}

}  // namespace httpdyno::io
