// Sockets as the backends need them: listening, connecting, and the addresses as text.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "net/base/error.h"

namespace httpdyno::io {

// A file descriptor with an owner. -1 is none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void reset();

 private:
  int fd_ = -1;
};

// A numeric IPv4 or IPv6 address with its port.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;
  // "127.0.0.1:80" or "[::1]:80"
  std::string text() const;
};

// `host` is a numeric address ("127.0.0.1", "::1"; brackets are not part of it). EINVAL when it is none.
Error parse_address(const std::string& host, std::uint16_t port, Address& out);

// A non-blocking listening TCP socket with SO_REUSEADDR and TCP_NODELAY (which accepted sockets inherit:
// without it Nagle's algorithm and delayed acknowledgements cost a keep-alive client up to 40 ms). Port 0
// lets the kernel choose; `bound` says what it became.
Error listen_tcp(const Address& address, int backlog, Fd& out, Address& bound);

}  // namespace httpdyno::io
