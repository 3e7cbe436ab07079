// A server over sockets that answers when a script says: one thread, ns timeouts, and a log of what it did.
// It does not stand still itself; a request that would meet a stall is answered when the stall is over.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/io/listener.h"
#include "tests/loadgen/scripted.h"

namespace httpdyno::loadgen {

class ScriptedServer {
 public:
  // What became of a request. `planned` is what the script said, but not before the answer that precedes it on
  // its connection.
  struct Served {
    Time arrived;
    Time planned;
    Time answered;
  };
  // Called with the arrival of the load's first request.
  using MakeScript = std::function<ServerScript(Time first)>;

  explicit ScriptedServer(MakeScript make) : make_(std::move(make)) {
    io::Address address;
    EXPECT_FALSE(io::parse_address("127.0.0.1", 0, address));
    EXPECT_FALSE(io::listen(address, 1024, {&listener_, 1}, bound_));
    epoll_ = io::Fd(::epoll_create1(EPOLL_CLOEXEC));
    watch(listener_.get());
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() { stop(); }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return fmt::format("http://{}/", bound_.text()); }

  // Ends it. The log is of the load: the program's first request, which makes the rule for all answers, is
  // answered at once and left out. In the order of arrival.
  const std::vector<Served>& stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return served_;
  }

 private:
  struct Connection {
    io::Fd fd;
    std::uint64_t number;  // a descriptor is used again, a number is not
    std::string input;
    Time last_planned{};
  };
  struct Answer {
    Time planned;
    std::uint64_t request;  // its place in the log
    int fd;
    std::uint64_t connection;

    bool operator>(const Answer& other) const {
      return std::pair(planned, request) > std::pair(other.planned, other.request);
    }
  };
  static constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
  static constexpr std::string_view kEnd = "\r\n\r\n";

  void watch(int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    EXPECT_EQ(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), 0);
  }

  void serve() {
    ::prctl(PR_SET_TIMERSLACK, 1);
    std::vector<epoll_event> events(4096);
    while (!stopping_) {
      wait();
      const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
      // One time of arrival for all that is there: the order among them is epoll's, not that of the sends.
      const Time now = read_clock();
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_.get()) {
          accept();
        } else {
          receive(connections_.at(fd), now);
        }
      }
      answer_due();
    }
  }

  // For input, or until the next answer is due; it looks for stop() now and then.
  void wait() {
    Duration limit = 5ms;
    if (!due_.empty()) {
      limit = std::clamp(Duration(due_.top().planned - read_clock()), Duration::zero(), limit);
    }
    const timespec ts{limit.count() / 1'000'000'000, limit.count() % 1'000'000'000};
    pollfd entry{epoll_.get(), POLLIN, 0};
    ::ppoll(&entry, 1, &ts, nullptr);
  }

  void accept() {
    io::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    watch(fd.get());
    const int key = fd.get();
    connections_.insert_or_assign(key, Connection{std::move(fd), ++connection_count_, {}, {}});
  }

  void receive(Connection& connection, Time now) {
    char buffer[65536];
    const ssize_t count = ::recv(connection.fd.get(), buffer, sizeof buffer, 0);
    if (count <= 0) {
      connections_.erase(connection.fd.get());
      return;
    }
    connection.input.append(buffer, static_cast<std::size_t>(count));
    std::size_t at = 0;
    for (std::size_t end; (end = connection.input.find(kEnd, at)) != std::string::npos;
         at = end + kEnd.size())
      plan(connection, now);
    connection.input.erase(0, at);
  }

  void plan(Connection& connection, Time now) {
    Time planned = now;
    if (first_is_answered_) {
      if (!script_) script_ = make_(now);
      planned = std::max(script_(now), connection.last_planned);
      connection.last_planned = planned;
      served_.push_back({now, planned, kNever});
    }
    if (planned != kNever) {
      due_.push({planned, first_is_answered_ ? served_.size() - 1 : kFirst, connection.fd.get(),
                 connection.number});
    }
    first_is_answered_ = true;
  }

  void answer_due() {
    while (!due_.empty() && due_.top().planned <= read_clock()) {
      const Answer answer = due_.top();
      due_.pop();
      const auto at = connections_.find(answer.fd);
      if (at == connections_.end() || at->second.number != answer.connection) continue;
      const ssize_t sent = ::send(answer.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      if (sent == static_cast<ssize_t>(kAnswer.size()) && answer.request != kFirst) {
        served_[answer.request].answered = read_clock();
      }
    }
  }

  static constexpr std::uint64_t kFirst = UINT64_MAX;

  MakeScript make_;
  ServerScript script_;
  io::Listener listener_;
  io::Address bound_;
  io::Fd epoll_;
  std::atomic<bool> stopping_ = false;
  std::uint64_t connection_count_ = 0;
  bool first_is_answered_ = false;
  std::map<int, Connection> connections_;
  std::priority_queue<Answer, std::vector<Answer>, std::greater<>> due_;
  std::vector<Served> served_;
  std::thread thread_;
};

}  // namespace httpdyno::loadgen
