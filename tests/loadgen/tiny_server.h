// A server of a few lines for tests of a client: a blocking thread for each connection, and answers that a
// test writes.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "net/io/listener.h"

namespace httpdyno::loadgen {

struct Reply {
  std::string bytes;
  bool hold = false;      // sent together with the answers to the other requests that have come
  bool close = false;     // end the connection after them
  bool reset = false;     // with RST instead of FIN
  std::size_t piece = 0;  // send at most so many octets at a time, a little apart; 0: all at once
};

class TinyServer {
 public:
  // `answer(request, number)` is called from the connections' threads; `number` counts all requests from 0.
  using Answer = std::function<Reply(const std::string& request, std::uint64_t number)>;
  // `nth` counts the requests of one connection from 0.
  using AnswerInTurn =
      std::function<Reply(const std::string& request, std::uint64_t number, std::uint64_t nth)>;

  explicit TinyServer(Answer answer)
      : TinyServer([answer = std::move(answer)](const std::string& request, std::uint64_t number,
                                                std::uint64_t) { return answer(request, number); }) {}
  // `greeting` is what each connection but the first begins with, before any request.
  explicit TinyServer(AnswerInTurn answer, std::string greeting = {})
      : answer_(std::move(answer)), greeting_(std::move(greeting)) {
    io::Address address;
    EXPECT_FALSE(io::parse_address("127.0.0.1", 0, address));
    EXPECT_FALSE(io::listen(address, 512, {&listener_, 1}, bound_));
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TinyServer() { stop(); }
  TinyServer(const TinyServer&) = delete;
  TinyServer& operator=(const TinyServer&) = delete;

  std::string url(const std::string& target = "/") const {
    return fmt::format("http://{}{}", bound_.text(), target);
  }
  std::uint64_t requests() const { return requests_.load(); }
  std::uint64_t accepted() const { return accepted_.load(); }

  // Ends every connection and refuses new ones.
  void stop() {
    stopping_ = true;
    if (acceptor_.joinable()) acceptor_.join();
    listener_.reset();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd entry{listener_.get(), POLLIN, 0};
      if (::poll(&entry, 1, 5) <= 0) continue;
      io::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) continue;
      const bool first = accepted_++ == 0;
      threads_.emplace_back([this, first, fd = std::move(fd)]() mutable {
        if (first || send_all(fd.get(), {.bytes = greeting_})) serve(std::move(fd));
      });
    }
  }

  void serve(io::Fd fd) {
    std::string input;
    std::string held;
    for (std::uint64_t nth = 0; !stopping_;) {
      const std::size_t size = request_size(input);
      if (size != 0) {
        Reply reply = answer_(input.substr(0, size), requests_++, nth++);
        input.erase(0, size);
        reply.bytes.insert(0, std::exchange(held, {}));
        if (reply.hold && request_size(input) != 0) {
          held = std::move(reply.bytes);
          continue;
        }
        if (!send_all(fd.get(), reply)) return;
        if (reply.close || reply.reset) {
          end(fd, reply.reset);
          return;
        }
        continue;
      }
      pollfd entry{fd.get(), POLLIN, 0};
      if (::poll(&entry, 1, 5) <= 0) continue;
      char buffer[65536];
      const ssize_t count = ::recv(fd.get(), buffer, sizeof buffer, 0);
      if (count <= 0) return;
      input.append(buffer, static_cast<std::size_t>(count));
    }
  }

  // 0: not whole yet.
  static std::size_t request_size(const std::string& input) {
    const std::size_t head = input.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t length = input.find(kLength);
    std::size_t size = head + 4;
    if (length < head) size += std::strtoull(input.c_str() + length + kLength.size(), nullptr, 10);
    return input.size() >= size ? size : 0;
  }

  bool send_all(int fd, const Reply& reply) {
    std::string_view rest = reply.bytes;
    while (!rest.empty()) {
      const std::string_view piece = reply.piece == 0 ? rest : rest.substr(0, reply.piece);
      const ssize_t count = ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(count));
      if (reply.piece != 0)
        std::this_thread::sleep_for(std::chrono::microseconds(200));  // a slow server is the case
    }
    return true;
  }

  void end(io::Fd& fd, bool reset) {
    if (reset) {
      const linger now{1, 0};
      ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      return;
    }
    ::shutdown(fd.get(), SHUT_WR);
    char buffer[4096];
    for (int i = 0; i < 200 && !stopping_; ++i) {
      pollfd entry{fd.get(), POLLIN, 0};
      if (::poll(&entry, 1, 5) > 0 && ::recv(fd.get(), buffer, sizeof buffer, 0) <= 0) return;
    }
  }

  AnswerInTurn answer_;
  std::string greeting_;
  io::Listener listener_;
  io::Address bound_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::uint64_t> accepted_ = 0;
  std::thread acceptor_;
  std::list<std::thread> threads_;  // touched by the acceptor, and by stop() after it has ended
};

}  // namespace httpdyno::loadgen
