// The epoll backend of the seam in net/io/io.h: edge-triggered, so that a request costs no epoll_ctl.
//
// Each connection is registered once. The backend remembers "the kernel may have bytes" between edges, which
// makes turning receiving off and on free, and lets nothing spin while it is off. Interest in writability is
// registered only while a send is stuck. One receive buffer serves all connections: it lends what the current
// completion holds.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "net/io/io.h"
#include "net/io/listener.h"
#include "net/io/socket.h"

namespace httpdyno::io {

// Any thread, and signal handlers. Valid as long as its backend.
class EpollWaker {
 public:
  explicit EpollWaker(int eventfd) : eventfd_(eventfd) {}
  void wake() const noexcept;

 private:
  int eventfd_;
};

// All of the backend but what depends on how octets are received.
//
// Invariant of a connection's entry: `readable` is set whenever the kernel may hold unread bytes, an end of
// stream or an error that no future edge will report; a connection that is readable and receiving is in
// `again_` or has an event in the present batch.
class EpollCore {
 public:
  static constexpr std::size_t kReceiveBytes = 64 * 1024;
  static constexpr int kEventsPerWait = 512;
  static constexpr int kAcceptsPerWait = 256;
  // Room for entries is address space until they are used: a table that doubled would take memory for twice as many
  // connections as there are, and copy it.
  static constexpr std::size_t kEntriesReserved = 64 * 1024;

  EpollCore(const EpollCore&) = delete;
  EpollCore& operator=(const EpollCore&) = delete;

  // Once, before anything else. Without a listener (a client) nothing is ever accepted.
  Error open(Listener listener = Listener());

  Error wait(Duration limit);
  Time now() const { return now_; }

  void accept_start();
  void accept_stop() { accepting_ = false; }
  Error attach(ConnId id, Socket socket);
  void discard(Socket socket);
  // Ends listening: further connects are refused.
  void close_listener();

  void recv_start(ConnId id);
  void recv_stop(ConnId id);
  void send(ConnId id, std::string_view bytes);
  void shutdown_send(ConnId id);
  void close(ConnId id);

  bool more() const { return event_count_ == kEventsPerWait || !again_.empty(); }
  std::size_t unread(ConnId id);
  std::size_t unsent(ConnId id);
  bool progress(ConnId id);
  // Family 0 when the connection is dead.
  Address peer(ConnId id);

  // For clients. The completion is `connected`; receiving is on from then.
  Error connect(ConnId id, const Address& address);

  EpollWaker waker() const { return EpollWaker(wake_.get()); }

 protected:
  EpollCore() = default;
  ~EpollCore();

  // Two indices that no connection has, for what else epoll reports.
  static constexpr std::uint32_t kListenerIndex = UINT32_MAX;
  static constexpr std::uint32_t kWakeIndex = UINT32_MAX - 1;
  static std::uint64_t pack(ConnId id) { return (std::uint64_t{id.generation} << 32) | id.index; }
  static ConnId unpack(std::uint64_t data) {
    return {static_cast<std::uint32_t>(data), static_cast<std::uint32_t>(data >> 32)};
  }

  static bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

  // A server has one for each connection, idle ones too: hence the bits.
  struct Entry {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t unacknowledged = 0;  // octets in the kernel's send queue when somebody last looked
    bool receiving : 1 = false;
    bool readable : 1 = false;
    bool hangup : 1 = false;  // the kernel has said that the stream ends: only a read of nothing shows where
    bool full : 1 = false;    // the kernel took less than it was given: the next send waits for the edge
    bool watching_out : 1 = false;
    bool connecting : 1 = false;
    bool in_again : 1 = false;
    std::string_view stuck{};  // what of a send waits for writability; empty: no send waits
  };

  Entry* find(ConnId id);
  Entry& expect(ConnId id);
  int wait_for_events(Duration limit);
  bool accept_one();
  void try_send(Entry& entry, ConnId id, std::string_view bytes);
  void stick(Entry& entry, ConnId id, std::string_view bytes);
  void watch_out(Entry& entry, ConnId id, bool on);
  void read_again(Entry& entry, ConnId id);
  Error add(ConnId id, int fd, std::uint32_t events, bool connecting);

  Fd epoll_;
  Fd wake_;
  Listener listener_;
  Time now_;
  bool accepting_ = false;
  bool listener_readable_ = false;
  int accepts_left_ = 0;

  std::array<epoll_event, kEventsPerWait> events_;
  int event_count_ = 0;
  int event_index_ = 0;
  std::vector<ConnId> again_;      // to be read at the next wait, without an event
  std::vector<ConnId> again_now_;  // the same, of this wait
  std::size_t again_index_ = 0;
  std::vector<Completion> done_;  // completions of operations that ended when they were submitted
  std::size_t done_index_ = 0;
  Completion current_;
  std::vector<Entry> entries_;
  std::unique_ptr<char[]> buffer_;
};

// How octets are taken off a socket, and which of the events that epoll reports are about its stream: this way
// for all but who wants more of the kernel than octets (loadgen/drive/stamped_io.h).
struct PlainReceive {
  // As recv(2).
  static ssize_t take(int fd, std::span<char> into) { return ::recv(fd, into.data(), into.size(), 0); }
  static std::uint32_t of_stream(std::uint32_t events) { return events; }
};

template <class Receive>
class BasicEpollIo : public EpollCore {
 public:
  const Completion* next();

 protected:
  [[no_unique_address]] Receive receive_;

 private:
  bool on_event(const epoll_event& event);
  bool on_connection_event(Entry& entry, ConnId id, std::uint32_t events);
  bool receive(Entry& entry, ConnId id);
};

using EpollIo = BasicEpollIo<PlainReceive>;
extern template class BasicEpollIo<PlainReceive>;

}  // namespace httpdyno::io
