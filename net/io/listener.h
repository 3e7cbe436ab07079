// Listening sockets: TCP over IPv4 and IPv6, and unix sockets, whose names live in the file system.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "net/base/error.h"
#include "net/io/socket.h"

namespace httpdyno::io {

// A socket that listens. If it has made a socket file, closing it removes the file, unless somebody else's
// lies there by now.
class Listener {
 public:
  Listener() = default;
  explicit Listener(Fd fd) : fd_(std::move(fd)) {}
  Listener(Listener&& other) noexcept { *this = std::move(other); }
  Listener& operator=(Listener&& other) noexcept;
  ~Listener() { reset(); }

  int get() const { return fd_.get(); }
  explicit operator bool() const { return static_cast<bool>(fd_); }
  void reset();

  // From now on the kernel takes at most about so many octets of an accepted connection that it cannot send yet (0: as
  // many as it likes, megabytes where segments are large). Those that are on their way do not count, so that a client
  // that reads is served no slower. TCP only; for other sockets it does nothing.
  Error limit_unsent(std::size_t bytes);

  // From now on closing it removes this socket file.
  void own_file(const std::string& path);

 private:
  Fd fd_;
  std::string path_;  // empty: no file
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// Listens on `address`, non-blocking, once for each place in `out` (at least one): connections are spread
// over the places by the kernel. `bound` is where: for TCP port 0 the port that the kernel chose, the same
// for all.
//
// TCP: SO_REUSEADDR, TCP_NODELAY (which accepted sockets inherit: without it Nagle's algorithm and delayed
// acknowledgements cost a keep-alive client up to 40 ms), SO_REUSEPORT when there are several, and "::" takes
// IPv4, too. Unix: one socket that all places share; the file of a server that is dead is replaced. EADDRINUSE
// when somebody listens there.
Error listen(const Address& address, int backlog, std::span<Listener> out, Address& bound);

}  // namespace httpdyno::io
