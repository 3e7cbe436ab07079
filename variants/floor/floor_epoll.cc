// floor-epoll: the physical limit. It counts where requests end and answers prepared octets; there is no HTTP
// in it.
//
// It reads what a request's end looks like (an empty line, then a fixed number of body octets), owes an
// answer for each, and sends what it owes at the end of each batch of events. Listener, socket options,
// edge-triggered registration and the answers' octets are those of the real server, so what a server costs
// above this is its HTTP and its loop.
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "net/base/assert.h"
#include "net/base/time.h"
#include "net/http/date.h"
#include "net/http/response_writer.h"
#include "net/io/listener.h"
#include "variants/flags.h"
#include "variants/floor/answers.h"
#include "variants/identity.h"
#include "variants/process.h"

namespace httpdyno::variants {

namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr int kEventsPerWait = 512;
constexpr std::size_t kBodyBytesMax = 60'000;  // an answer must fit into the prepared octets several times

// What is known of a connection between two events.
struct Peer {
  int empty_line = 0;         // how many octets of CRLF CRLF the stream ends with
  std::size_t body_left = 0;  // of the request whose head is whole
  std::size_t owed = 0;       // octets of answers that are not sent yet
  std::size_t sent = 0;       // octets of answers ever sent: where in an answer to go on
  bool dirty = false;
  bool ended = false;
};

class Floor {
 public:
  Floor(io::Listener listener, std::string answer, std::size_t body_bytes, bool close_after)
      : listener_(std::move(listener)),
        answer_bytes_(answer.size()),
        body_bytes_(body_bytes),
        close_after_(close_after) {
    // Many answers in a row, so that a batch is one send.
    const std::size_t copies = std::max<std::size_t>(2, 256 * 1024 / answer.size());
    for (std::size_t i = 0; i < copies; ++i) answers_ += answer;
  }

  Error open() {
    epoll_ = io::Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return last_error("epoll_create1");
    stop_ = io::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop_) return last_error("eventfd");
    if (!watch(listener_.get(), EPOLLIN) || !watch(stop_.get(), EPOLLIN)) return last_error("epoll_ctl");
    return {};
  }

  void stop() {
    const std::uint64_t one = 1;
    [[maybe_unused]] ssize_t written = ::write(stop_.get(), &one, sizeof one);
  }

  Error run() {
    std::array<epoll_event, kEventsPerWait> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerWait, -1);
      if (count < 0 && errno != EINTR) return last_error("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.fd == stop_.get()) return {};
        if (event.data.fd == listener_.get()) {
          accept_all();
        } else {
          on_event(event.data.fd, event.events);
        }
      }
      for (int fd : dirty_) flush(fd);
      dirty_.clear();
    }
  }

  std::uint64_t requests() const { return requests_; }
  std::uint64_t accepted() const { return accepted_; }

 private:
  bool watch(int fd, std::uint32_t events) {
    epoll_event event{events, {.fd = fd}};
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }

  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      if (static_cast<std::size_t>(fd) >= peers_.size()) peers_.resize(static_cast<std::size_t>(fd) * 2 + 64);
      peer(fd) = Peer();
      ++accepted_;
      if (!watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET)) ::close(fd);
    }
  }

  Peer& peer(int fd) { return peers_[static_cast<std::size_t>(fd)]; }

  void on_event(int fd, std::uint32_t events) {
    Peer& p = peer(fd);
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) receive(fd, p, events);
    if ((p.owed > 0 || p.ended) && !p.dirty) {
      p.dirty = true;
      dirty_.push_back(fd);
    }
  }

  void receive(int fd, Peer& p, std::uint32_t events) {
    for (;;) {
      const ssize_t count = ::recv(fd, buffer_.data(), buffer_.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (count <= 0) {
        p.ended = true;
        return;
      }
      const std::size_t ends = count_request_ends(p, {buffer_.data(), static_cast<std::size_t>(count)});
      requests_ += ends;
      p.owed += ends * answer_bytes_;
      // A short read has emptied the socket, unless its end is behind it.
      if (static_cast<std::size_t>(count) < buffer_.size() &&
          (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
        return;
    }
  }

  std::size_t count_request_ends(Peer& p, std::string_view octets) {
    constexpr std::string_view kEmptyLine = "\r\n\r\n";
    std::size_t ends = 0;
    while (!octets.empty()) {
      if (p.body_left > 0) {
        const std::size_t taken = std::min(p.body_left, octets.size());
        octets.remove_prefix(taken);
        p.body_left -= taken;
        if (p.body_left == 0) ++ends;
        continue;
      }
      if (p.empty_line == 0) {
        const void* found = ::memmem(octets.data(), octets.size(), kEmptyLine.data(), kEmptyLine.size());
        if (found == nullptr) {
          p.empty_line = begun_empty_line(octets);
          return ends;
        }
        octets.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - octets.data()) +
                             kEmptyLine.size());
      } else {
        // The line began in the last read.
        const char c = octets.front();
        octets.remove_prefix(1);
        const auto at = static_cast<std::size_t>(p.empty_line);
        p.empty_line = c == kEmptyLine[at] ? p.empty_line + 1 : (c == '\r' ? 1 : 0);
        if (p.empty_line < 4) continue;
        p.empty_line = 0;
      }
      p.body_left = body_bytes_;
      if (p.body_left == 0) ++ends;
    }
    return ends;
  }

  static int begun_empty_line(std::string_view octets) {
    for (int n = 3; n > 0; --n) {
      if (octets.ends_with(std::string_view("\r\n\r").substr(0, static_cast<std::size_t>(n)))) return n;
    }
    return 0;
  }

  void flush(int fd) {
    Peer& p = peer(fd);
    p.dirty = false;
    while (p.owed > 0) {
      const std::size_t begin = p.sent % answer_bytes_;
      const std::size_t size = std::min(p.owed, answers_.size() - begin);
      const ssize_t count = ::send(fd, answers_.data() + begin, size, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = fd}};
        ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
        return;
      }
      if (count < 0) {
        p.ended = true;
        break;
      }
      p.owed -= static_cast<std::size_t>(count);
      p.sent += static_cast<std::size_t>(count);
    }
    if (p.ended || (close_after_ && p.sent > 0)) ::close(fd);
  }

  io::Listener listener_;
  io::Fd epoll_;
  io::Fd stop_;
  std::string answers_;
  std::size_t answer_bytes_;
  std::size_t body_bytes_;
  bool close_after_;
  std::uint64_t requests_ = 0;
  std::uint64_t accepted_ = 0;
  std::array<char, kReceiveBytes> buffer_;
  std::vector<Peer> peers_;
  std::vector<int> dirty_;
};

int run_floor(const Row& row, int argc, char** argv) {
  Config config;
  std::string answer_name = "plaintext";
  std::size_t body_bytes = 0;
  bool close_after = false;
  bool identity = false;
  CLI::App app(std::string(row.name) + ": the floor of httpdyno: no HTTP, prepared answers");
  app.add_flag("--identity", identity, "print who this program is, as one line of JSON, and end");
  add_number(app, "--port", config.port, "TCP port; 0 lets the kernel choose, and the ready line tells",
             "PORT");
  app.add_option("--bind", config.bind, "numeric IPv4 or IPv6 address")
      ->type_name("ADDRESS")
      ->capture_default_str();
  add_number(app, "--backlog", config.backlog, "connections that may wait to be accepted", "COUNT");
  app.add_option("--answer", answer_name, "which of the real server's answers to prepare")
      ->check(CLI::IsMember({"plaintext", "json", "echo"}))
      ->capture_default_str();
  add_number(app, "--body-bytes", body_bytes,
             "what follows each request's head; for echo also the answer's length", "BYTES");
  app.add_flag("--close", close_after, "one request a connection");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    print_line(app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    return fail_start(row, std::string(error.what()) + " (--help lists the flags)");
  }
  if (identity) {
    print_line(identity_json(row));
    return 0;
  }

  if (body_bytes > kBodyBytesMax) {
    return fail_start(row,
                      fmt::format("--body-bytes is {}; it may be from 0 to {}", body_bytes, kBodyBytesMax));
  }
  if (const std::string problem = config.problem(); !problem.empty()) return fail_start(row, problem);

  io::Address wanted;
  io::Address bound;
  io::Listener listener;
  Error error = io::parse_address(config.bind, config.port, wanted);
  // Its answers are prepared for a Host, which a unix socket has not.
  if (!error && wanted.family() == AF_UNIX) error = Error{EAFNOSUPPORT, "floor"};
  if (!error) error = io::listen(wanted, config.backlog, {&listener, 1}, bound);
  if (error) return fail_to_listen(row, config, error);
  const auto floor = std::make_unique<Floor>(std::move(listener),
                                             prepared_answer(answer_name, body_bytes, !close_after, bound),
                                             body_bytes, close_after);
  if (Error failed = floor->open()) return fail_run(row, failed.message());
  stop_on_signals([](void* self) { static_cast<Floor*>(self)->stop(); }, floor.get());
  print_ready(row, bound);
  const Error failed = floor->run();
  print_line(fmt::format("{{\"requests\":{},\"accepted\":{}}}", floor->requests(), floor->accepted()));
  return failed ? fail_run(row, failed.message()) : 0;
}

}  // namespace

}  // namespace httpdyno::variants

int main(int argc, char** argv) {
  return httpdyno::variants::run_floor({.name = "floor-epoll",
                                        .io = "epoll",
                                        .dispatch = "none",
                                        .allocator = "system",
                                        .loops = 1,
                                        .link_order = "listed"},
                                       argc, argv);
}
