#include "net/io/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/base/assert.h"

namespace httpdyno::io {

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::move(other.fd_);
    path_ = std::exchange(other.path_, {});
    device_ = other.device_;
    inode_ = other.inode_;
  }
  return *this;
}

void Listener::own_file(const std::string& path) {
  struct stat file {};
  if (::lstat(path.c_str(), &file) != 0) return;
  path_ = path;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

// The file goes first: while we still listen nobody takes it for a dead server's.
void Listener::reset() {
  struct stat file {};
  if (!path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
      file.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  path_.clear();
  fd_.reset();
}

namespace {

Error set_option(const Fd& fd, int level, int option, int value, const char* what) {
  return ::setsockopt(fd.get(), level, option, &value, sizeof value) == 0 ? Error{} : last_error(what);
}

enum class Sharing { none, first, further };

Error listen_tcp(const Address& address, int backlog, Sharing sharing, Fd& out, Address& bound) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket");
  if (Error error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")) return error;
  if (Error error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY")) return error;
  if (address.family() == AF_INET6) {
    if (Error error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0, "IPV6_V6ONLY")) return error;
  }
  // The first is bound without it: a port that another server shares among its loops is taken all the same.
  const auto share = [&fd] { return set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"); };
  if (sharing == Sharing::further) {
    if (Error error = share()) return error;
  }
  if (::bind(fd.get(), address.get(), address.size) != 0) return last_error("bind");
  if (sharing == Sharing::first) {
    if (Error error = share()) return error;
  }
  if (::listen(fd.get(), backlog) != 0) return last_error("listen");
  bound.size = sizeof bound.storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) {
    return last_error("getsockname");
  }
  out = std::move(fd);
  return {};
}

// A socket file on which nobody listens. Who asks between a server's bind() and its listen() is mistaken.
bool is_stale(const Address& address) {
  struct stat file {};
  if (::lstat(address.path().c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

Error listen_unix(const Address& address, int backlog, Listener& out) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket");
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    if (errno != EADDRINUSE) return last_error("bind");
    if (!is_stale(address)) return Error{EADDRINUSE, "bind"};
    if (::unlink(address.path().c_str()) != 0 && errno != ENOENT) return last_error("unlink");
    if (::bind(fd.get(), address.get(), address.size) != 0) return last_error("bind");
  }
  Listener listener(std::move(fd));
  listener.own_file(address.path());
  if (::listen(listener.get(), backlog) != 0) return last_error("listen");
  out = std::move(listener);
  return {};
}

}  // namespace

Error Listener::limit_unsent(std::size_t bytes) {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return last_error("SO_DOMAIN");
  if (bytes == 0 || (domain != AF_INET && domain != AF_INET6)) return {};
  return set_option(fd_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, static_cast<int>(bytes), "TCP_NOTSENT_LOWAT");
}

Error listen(const Address& address, int backlog, std::span<Listener> out, Address& bound) {
  ASSERT(!out.empty());
  if (address.family() == AF_UNIX) {
    bound = address;
    if (Error error = listen_unix(address, backlog, out.front())) return error;
    for (Listener& further : out.subspan(1)) {
      Fd fd(::fcntl(out.front().get(), F_DUPFD_CLOEXEC, 0));
      if (!fd) return last_error("dup");
      further = Listener(std::move(fd));
    }
    return {};
  }
  bound = address;
  for (Listener& listener : out) {
    const bool first = &listener == &out.front();
    const Sharing sharing = out.size() == 1 ? Sharing::none : first ? Sharing::first : Sharing::further;
    const Address wanted = bound;
    Fd fd;
    if (Error error = listen_tcp(wanted, backlog, sharing, fd, bound)) return error;
    listener = Listener(std::move(fd));
  }
  return {};
}

}  // namespace httpdyno::io
