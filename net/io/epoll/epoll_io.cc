#include "net/io/epoll/epoll_io.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <utility>

#include "net/base/assert.h"
#include "net/io/epoll/epoll_receive.h"

namespace httpdyno::io {

static_assert(Backend<EpollIo>);

template class BasicEpollIo<PlainReceive>;

namespace {

constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

// Rounded up, so that a timer never finds that it is too early.
int to_milliseconds(Duration limit) {
  if (limit <= Duration::zero()) return 0;
  if (limit > std::chrono::milliseconds(INT_MAX)) return INT_MAX;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(limit).count());
}

// How long a queue of a socket is; 0 when it cannot be told.
std::uint32_t queued_bytes(int fd, unsigned long request) {
  int bytes = 0;
  return ::ioctl(fd, request, &bytes) == 0 && bytes > 0 ? static_cast<std::uint32_t>(bytes) : 0;
}
// What of a socket's output the peer has not acknowledged yet.
std::uint32_t unacknowledged_bytes(int fd) { return queued_bytes(fd, SIOCOUTQ); }

}  // namespace

void EpollWaker::wake() const noexcept {
  // Only an overflow of the counter could fail, and then the loop has been woken already. errno is restored
  // for the sake of signal handlers.
  const int saved = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(eventfd_, &one, sizeof one);
  errno = saved;
}

EpollCore::~EpollCore() {
  for (Entry& entry : entries_) {
    if (entry.fd >= 0) ::close(entry.fd);
  }
}

Error EpollCore::open(Listener listener) {
  listener_ = std::move(listener);
  buffer_ = std::make_unique_for_overwrite<char[]>(kReceiveBytes);
  entries_.reserve(kEntriesReserved);
  epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return last_error("epoll_create1");
  wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return last_error("eventfd");

  // Edge-triggered, the eventfd need never be read: each write is an edge.
  epoll_event wake_event{EPOLLIN | EPOLLET, {.u64 = pack({kWakeIndex, 0})}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &wake_event) != 0) return last_error("epoll_ctl");
  if (listener_) {
    epoll_event listen_event{EPOLLIN | EPOLLET, {.u64 = pack({kListenerIndex, 0})}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener_.get(), &listen_event) != 0)
      return last_error("epoll_ctl");
  }
  now_ = read_clock();
  return {};
}

Error EpollCore::wait(Duration limit) {
  DASSERT(event_index_ == event_count_ && again_index_ == again_now_.size());  // rule 2: drained
  std::swap(again_, again_now_);
  again_.clear();
  again_index_ = 0;
  const bool work_left =
      done_index_ < done_.size() || !again_now_.empty() || (accepting_ && listener_readable_);
  event_index_ = 0;
  accepts_left_ = kAcceptsPerWait;
  event_count_ = wait_for_events(work_left ? Duration::zero() : limit);
  // A signal, or the end of a stop (SIGCONT): what is ready must be seen before the clock, or input that is
  // here counts as late.
  for (int i = 0; i < 10 && event_count_ < 0 && errno == EINTR; ++i) {
    event_count_ = ::epoll_wait(epoll_.get(), events_.data(), kEventsPerWait, 0);
  }
  Error error;
  if (event_count_ < 0) {
    if (errno != EINTR) error = last_error("epoll_wait");
    event_count_ = 0;
  }
  now_ = read_clock();
  return error;
}

int EpollCore::wait_for_events(Duration limit) {
  if (limit > Duration::zero() && limit < 1ms) {
    const timespec spec{0, limit.count()};
    const int count = ::epoll_pwait2(epoll_.get(), events_.data(), kEventsPerWait, &spec, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;  // before Linux 5.11, and under valgrind
  }
  return ::epoll_wait(epoll_.get(), events_.data(), kEventsPerWait, to_milliseconds(limit));
}

void EpollCore::read_again(Entry& entry, ConnId id) {
  entry.readable = true;
  if (entry.in_again) return;
  entry.in_again = true;
  again_.push_back(id);
}

bool EpollCore::accept_one() {
  --accepts_left_;
  const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    current_ = {.event = Event::accepted, .socket = {fd}};
    return true;
  }
  if (would_block(errno)) {
    listener_readable_ = false;
    return false;
  }
  // The peer gave up before it was accepted, or a signal came: there may be others behind it. accept(2)
  // passes on pending network errors of the new socket, too.
  switch (errno) {
    case ECONNABORTED:
    case EINTR:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH: return false;
    default: break;
  }
  accepting_ = false;
  current_ = {.event = Event::accepted, .error = errno};
  return true;
}

void EpollCore::accept_start() { accepting_ = static_cast<bool>(listener_); }

void EpollCore::close_listener() {
  accepting_ = false;
  listener_readable_ = false;
  listener_.reset();
}

Error EpollCore::add(ConnId id, int fd, std::uint32_t events, bool connecting) {
  epoll_event event{events, {.u64 = pack(id)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return last_error("epoll_ctl");
  if (id.index >= entries_.size()) entries_.resize(id.index + 1);
  DASSERT(entries_[id.index].fd < 0);
  entries_[id.index] = {.fd = fd, .generation = id.generation, .receiving = true, .connecting = connecting};
  return {};
}

Error EpollCore::attach(ConnId id, Socket socket) {
  Error error = add(id, socket.handle, kReadEvents, false);
  if (error) ::close(socket.handle);
  return error;
}

void EpollCore::discard(Socket socket) { ::close(socket.handle); }

Error EpollCore::connect(ConnId id, const Address& address) {
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return last_error("socket");
  const int on = 1;
  const bool tcp = address.family() != AF_UNIX;
  if (tcp && ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    return last_error("TCP_NODELAY");
  }
  if (::connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS)
    return last_error("connect");
  // Writability tells that it is connected. Edge-triggered, the interest costs nothing afterwards, so it
  // stays.
  if (Error error = add(id, fd.get(), kReadEvents | EPOLLOUT, true)) return error;
  fd.release();
  return {};
}

EpollCore::Entry* EpollCore::find(ConnId id) {
  if (id.index >= entries_.size()) return nullptr;
  Entry& entry = entries_[id.index];
  return entry.fd >= 0 && entry.generation == id.generation ? &entry : nullptr;
}

EpollCore::Entry& EpollCore::expect(ConnId id) {
  Entry* entry = find(id);
  ASSERT(entry != nullptr);
  return *entry;
}

void EpollCore::recv_start(ConnId id) {
  Entry& entry = expect(id);
  entry.receiving = true;
  if (entry.readable) read_again(entry, id);
}

void EpollCore::recv_stop(ConnId id) { expect(id).receiving = false; }

void EpollCore::send(ConnId id, std::string_view bytes) {
  Entry& entry = expect(id);
  DASSERT(entry.stuck.empty() && !bytes.empty());
  if (entry.full) {
    stick(entry, id, bytes);
  } else {
    try_send(entry, id, bytes);
  }
}

void EpollCore::try_send(Entry& entry, ConnId id, std::string_view bytes) {
  ssize_t count = 0;
  do {
    count = ::send(entry.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (would_block(errno)) {
      entry.full = true;
      stick(entry, id, bytes);
    } else {
      done_.push_back({.event = Event::sent, .error = errno, .id = id});
    }
    return;
  }
  const auto size = static_cast<std::size_t>(count);
  entry.full = size < bytes.size();
  if (!entry.full && entry.watching_out) watch_out(entry, id, false);
  done_.push_back({.event = Event::sent, .id = id, .count = size});
}

void EpollCore::stick(Entry& entry, ConnId id, std::string_view bytes) {
  entry.stuck = bytes;
  entry.unacknowledged = unacknowledged_bytes(entry.fd);
  watch_out(entry, id, true);
}

void EpollCore::watch_out(Entry& entry, ConnId id, bool on) {
  if (entry.watching_out == on) return;
  entry.watching_out = on;
  epoll_event event{on ? kReadEvents | EPOLLOUT : kReadEvents, {.u64 = pack(id)}};
  // A modification reports again what is ready now, so an edge between the failed send and this call is not
  // lost.
  ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, entry.fd, &event) == 0);
}

std::size_t EpollCore::unread(ConnId id) { return queued_bytes(expect(id).fd, SIOCINQ); }

std::size_t EpollCore::unsent(ConnId id) { return unacknowledged_bytes(expect(id).fd); }

// A peer that reads slowly empties the kernel's queue long before the kernel reports room in it.
bool EpollCore::progress(ConnId id) {
  Entry& entry = expect(id);
  const std::uint32_t before = std::exchange(entry.unacknowledged, unacknowledged_bytes(entry.fd));
  return entry.unacknowledged < before;
}

Address EpollCore::peer(ConnId id) {
  Address address;
  address.size = sizeof address.storage;
  if (::getpeername(expect(id).fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0)
    return {};
  return address;
}

void EpollCore::shutdown_send(ConnId id) { ::shutdown(expect(id).fd, SHUT_WR); }

void EpollCore::close(ConnId id) {
  Entry& entry = expect(id);
  ::close(entry.fd);
  entry.fd = -1;
  done_.push_back({.event = Event::closed, .id = id});
}

}  // namespace httpdyno::io
