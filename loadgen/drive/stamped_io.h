// The epoll backend of a client that wants to know when the kernel sent and received what it did: SO_TIMESTAMPING, by
// software, for TCP. docs/decisions/0011-kernel-timestamps-are-a-backend-of-their-own.md
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "net/base/error.h"
#include "net/base/time.h"
#include "net/io/epoll/epoll_io.h"
#include "net/io/io.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

// The kernel has given all octets up to this one to the device.
struct SentStamp {
  std::uint32_t last = 0;  // counted from 0 since stamping began, modulo 2^32
  RealTime at;
};

class StampedReceive {
 public:
  // As recv(2), with the stamp of the last octet.
  ssize_t take(int fd, std::span<char> into);
  // Stamps of what was sent are reported as an error that ends nothing.
  static std::uint32_t of_stream(std::uint32_t events) {
    const bool ends = (events & (EPOLLHUP | EPOLLRDHUP)) != 0;
    return ends ? events : events & ~static_cast<std::uint32_t>(EPOLLERR);
  }
  const std::optional<RealTime>& stamp() const { return stamp_; }

 private:
  std::optional<RealTime> stamp_;
};

class StampedIo : public io::BasicEpollIo<StampedReceive> {
 public:
  // Once for a connection, when it has been made, before the first send.
  Error stamp(io::ConnId id);
  // The next stamp of what it has sent, each once, in the order of sending; empty: there is none at present. Each
  // send asks for one, of its last octet; sends that the kernel puts together share one.
  std::optional<SentStamp> next_sent(io::ConnId id);
  // When the kernel got the last octet of the present completion, which is `received`; empty if it does not say.
  const std::optional<RealTime>& received_at() const { return receive_.stamp(); }
  // The clock of the stamps.
  static RealTime real_time() { return read_real_time(); }
};

// Has the kernel stamp what arrives, as long as `keeper` lives: it begins a while after it is asked to. An error says
// that it does not stamp connections to `server`.
Error begin_stamping(const io::Address& server, io::Fd& keeper);

}  // namespace httpdyno::loadgen
