#include "loadgen/work/exchange.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "loadgen/base/limits.h"
#include "net/http/response_parser.h"

namespace httpdyno::loadgen {

namespace {

std::string reason(int code) { return std::generic_category().message(code); }

// Waits until the socket is ready for `events`; the errno value if it does not become so in time.
int wait_for(int fd, short events, Time deadline) {
  for (;;) {
    const Duration left = deadline - read_clock();
    if (left <= Duration::zero()) return ETIMEDOUT;
    pollfd entry{fd, events, 0};
    const auto limit = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(limit, 1 << 30)));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

io::Fd make_socket(const io::Address& server) {
  return io::Fd(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int connect_within(int fd, const io::Address& server, Time deadline) {
  if (::connect(fd, server.get(), server.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (const int code = wait_for(fd, POLLOUT, deadline)) return code;
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

// What there is to be read, or the errno value. While a request is being sent, an early answer ends the
// sending.
int send_within(int fd, std::string_view bytes, Time deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      if (const int code = wait_for(fd, POLLOUT | POLLIN, deadline)) return code;
      char octet = 0;
      if (::recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0) return 0;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void keep_body(std::string_view part, Answer& out) {
  const std::size_t room = kBodyKept - out.body.size();
  out.body += part.substr(0, room);
  out.body_bytes += part.size();
  out.body_crc = static_cast<std::uint32_t>(
      crc32_z(out.body_crc, reinterpret_cast<const Bytef*>(part.data()), part.size()));
}

// Feeds the parser; true when the answer is complete or refused.
bool feed(http::ResponseParser& parser, std::string_view bytes, Answer& out) {
  for (;;) {
    const http::ResponseStep step = parser.next(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.event) {
      case http::ResponseEvent::more: return false;
      case http::ResponseEvent::head: out.status = parser.head().status; break;
      case http::ResponseEvent::body: keep_body(step.body, out); break;
      case http::ResponseEvent::complete:
      case http::ResponseEvent::error: return true;
    }
  }
}

}  // namespace

Failure exchange(const io::Address& server, std::string_view request, bool to_head, Duration timeout,
                 Answer& out) {
  out = Answer{};
  const io::Fd fd = make_socket(server);
  if (!fd) return run_failure(fmt::format("cannot make a socket: {}", reason(errno)));
  if (const int code = connect_within(fd.get(), server, read_clock() + timeout)) {
    return run_failure(fmt::format("cannot connect to {}: {}", server.text(), reason(code)));
  }
  if (const int code = send_within(fd.get(), request, read_clock() + timeout)) {
    return run_failure(fmt::format("cannot send the first request to {}: {}", server.text(), reason(code)));
  }

  http::ResponseParser parser;
  parser.start(to_head);
  constexpr std::size_t kPiece = 64 * 1024;
  const auto buffer = std::make_unique_for_overwrite<char[]>(kPiece);
  // For the whole answer: one that drips for ever comes no more than one that never begins.
  const Time deadline = read_clock() + timeout;
  for (;;) {
    if (const int code = wait_for(fd.get(), POLLIN, deadline)) {
      return run_failure(fmt::format("no answer from {}: {}", server.text(), reason(code)));
    }
    const ssize_t count = ::recv(fd.get(), buffer.get(), kPiece, 0);
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return run_failure(fmt::format("no answer from {}: {}", server.text(), reason(errno)));
    }
    const bool ended = count == 0;
    out.bytes_received += static_cast<std::uint64_t>(count);
    if (!ended && !feed(parser, {buffer.get(), static_cast<std::size_t>(count)}, out)) continue;
    if (ended && parser.at_start()) {
      return run_failure(fmt::format("{} ended the connection without an answer", server.text()));
    }
    if (ended) parser.end();
    if (parser.error() == http::ResponseError::none) return {};
    return run_failure(
        fmt::format("the answer of {} {}", server.text(), http::response_error_text(parser.error())));
  }
}

bool can_connect(const io::Address& server, Duration timeout) {
  const io::Fd fd = make_socket(server);
  return fd && connect_within(fd.get(), server, read_clock() + timeout) == 0;
}

Expectation expect_like(const Answer& first, std::string_view request_body, bool any_length, bool any_body) {
  Expectation expected;
  expected.status = first.status;
  expected.check_length = !any_length;
  expected.body_bytes = first.body_bytes;
  const bool is_echo = !request_body.empty() && first.body == request_body;
  const bool is_kept = first.body.size() == first.body_bytes;
  expected.check_body = is_echo || (is_kept && !any_length && !any_body);
  if (expected.check_body) expected.body = first.body;
  return expected;
}

}  // namespace httpdyno::loadgen
