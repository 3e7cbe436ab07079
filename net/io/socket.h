// A descriptor with an owner, and socket addresses as text. net/io/listener.h listens on them.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

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

// What the path of a unix socket has in front of it where an address is text.
inline constexpr std::string_view kUnixPrefix = "unix:";

// A numeric IPv4 or IPv6 address with its port, or the path of a unix socket.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;  // 0 for a unix socket
  std::string path() const;    // of a unix socket; empty for others
  // "127.0.0.1:80", "[::1]:80" or "unix:/run/site.sock"
  std::string text() const;
};

// `host` is a numeric address ("127.0.0.1", "::1"; brackets are not part of it) or "unix:" and the path of a
// unix socket, which has no port. EINVAL when it is none, ENAMETOOLONG for a path above 107 octets (unix(7)).
Error parse_address(const std::string& host, std::uint16_t port, Address& out);

}  // namespace httpdyno::io
