// How the contract suite drives a backend that has a kernel: peers are plain blocking sockets, time is the clock.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "net/base/time.h"
#include "net/io/io.h"
#include "net/io/listener.h"
#include "net/io/socket.h"

namespace httpdyno::io {

template <Backend IoType>
class SocketHost {
 public:
  using Io = IoType;

  class Peer {
   public:
    explicit Peer(SocketHost& host) : fd_(::socket(host.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
      const timeval limit{5, 0};  // no test hangs
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      connected_ = ::connect(fd_.get(), host.address.get(), host.address.size) == 0;
    }
    bool connected() const { return connected_; }
    void write(std::string_view text) {
      ASSERT_EQ(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
    }
    std::string read(std::size_t count) {
      std::string text(count, '\0');
      const ssize_t got = ::recv(fd_.get(), text.data(), count, MSG_WAITALL);
      text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      return text;
    }
    // While the test goes on.
    std::future<void> write_meanwhile(std::string_view text) {
      return std::async(std::launch::async, [this, text] { write(text); });
    }
    std::future<std::string> read_meanwhile(std::size_t count) {
      return std::async(std::launch::async, [this, count] { return read(count); });
    }
    void end() { ::shutdown(fd_.get(), SHUT_WR); }
    void reset() {
      const linger hard{1, 0};
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      fd_.reset();
    }

   private:
    Fd fd_;
    bool connected_ = false;
  };

  SocketHost() {
    Address wanted;
    EXPECT_FALSE(parse_address("127.0.0.1", 0, wanted));
    Listener listener;
    EXPECT_FALSE(listen(wanted, 16, {&listener, 1}, address));
    EXPECT_FALSE(io.open(std::move(listener)));
  }
  std::unique_ptr<Io> make_client() {
    auto client = std::make_unique<Io>();
    EXPECT_FALSE(client->open());
    return client;
  }
  Error wait(Duration limit) { return io.wait(limit); }
  Time time() const { return read_clock(); }
  void pass(Duration duration) { std::this_thread::sleep_for(duration); }
  // Soon, while the test goes on.
  std::future<void> meanwhile(std::function<void()> call) { return std::async(std::launch::async, call); }

  Io io;
  Address address;
};

}  // namespace httpdyno::io
