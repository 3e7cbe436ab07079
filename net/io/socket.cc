#include "net/io/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

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

std::uint16_t Address::port() const {
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
}

std::string Address::text() const {
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

Error listen_tcp(const Address& address, int backlog, Fd& out, Address& bound) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket");
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
    return last_error("SO_REUSEADDR");
  if (::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return last_error("TCP_NODELAY");
  if (::bind(fd.get(), address.get(), address.size) != 0) return last_error("bind");
  if (::listen(fd.get(), backlog) != 0) return last_error("listen");
  bound.size = sizeof bound.storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return last_error("getsockname");
  }
  out = std::move(fd);
  return {};
}

}  // namespace httpdyno::io
