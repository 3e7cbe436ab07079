// How the contract suite drives the simulated backend: peers are hosts of the same network, time is virtual.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/time.h"
#include "net/io/sim/sim_io.h"
#include "net/io/sim/sim_net.h"
#include "net/io/socket.h"

namespace httpdyno::io {

class SimHost {
 public:
  using Io = SimIo;

  // Reads nothing until it is asked to, like a socket that is not read.
  class Peer {
   public:
    explicit Peer(SimHost& host) : host_(&host), io_(host.net) {
      EXPECT_FALSE(io_.connect(kId, host.address));
      host.peers.push_back(this);
      run([this] { return connect_known_; });
    }
    ~Peer() { std::erase(host_->peers, this); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    bool connected() const { return connected_; }
    void write(std::string_view text) {
      write_meanwhile(text);
      run([this] { return unsent_.empty(); });
    }
    std::string read(std::size_t count) { return read_meanwhile(count).get(); }
    std::future<void> write_meanwhile(std::string_view text) {
      unsent_ = text;
      io_.send(kId, unsent_);
      return std::async(std::launch::deferred, [] {});
    }
    std::future<std::string> read_meanwhile(std::size_t count) {
      if (!ended_) io_.recv_start(kId);
      return std::async(std::launch::deferred, [this, count] {
        run([this, count] { return ended_ || read_.size() >= count; });
        if (!ended_) io_.recv_stop(kId);
        std::string text = read_.substr(0, count);
        read_.erase(0, text.size());
        return text;
      });
    }
    void end() { io_.shutdown_send(kId); }
    void reset() { io_.abort(kId); }

    void turn() {
      EXPECT_FALSE(io_.wait(Duration::zero()));
      while (const Completion* c = io_.next()) {
        if (c->event == Event::connected) {
          connect_known_ = true;
          connected_ = c->error == 0;
          if (connected_) io_.recv_stop(kId);
        } else if (c->event == Event::sent) {
          unsent_.remove_prefix(c->error == 0 ? c->count : unsent_.size());
          if (!unsent_.empty()) io_.send(kId, unsent_);
        } else if (c->event == Event::received) {
          ended_ |= c->bytes.empty();
          read_.append(c->bytes.data(), c->bytes.size());
        }
      }
    }

   private:
    static constexpr ConnId kId{0, 0};

    template <class Done>
    void run(Done done) {
      for (const Time end = host_->time() + 5s; !done() && host_->time() < end;) host_->pass(1ms);
    }

    SimHost* host_;
    SimIo io_;
    std::string_view unsent_;
    std::string read_;
    bool connect_known_ = false;
    bool connected_ = false;
    bool ended_ = false;
  };

  explicit SimHost(const SimFaults& faults = {}) : net(1, faults), io(net) {
    EXPECT_FALSE(parse_address("127.0.0.1", 80, address));
    io.listen(80);
  }
  std::unique_ptr<SimIo> make_client() { return std::make_unique<SimIo>(net); }
  Error wait(Duration limit) {
    Error error = io.wait(limit);
    turn_peers();
    return error;
  }
  Time time() const { return net.now(); }
  void pass(Duration duration) {
    net.advance(duration);
    turn_peers();
  }
  std::future<void> meanwhile(std::function<void()> call) {
    net.at(time() + 1ms, std::move(call));
    return std::async(std::launch::deferred, [] {});
  }

 private:
  void turn_peers() {
    for (Peer* peer : peers) peer->turn();
  }

 public:
  SimNet net;
  SimIo io;
  Address address;
  std::vector<Peer*> peers;
};

// A network in which everything takes its time, but each piece arrives whole.
class SlowSimHost : public SimHost {
 public:
  SlowSimHost()
      : SimHost({.latency_max = 300us,
                 .turn_max = 50us,
                 .would_blocks = 300,
                 .late_sends = 500,
                 .late_closes = 500,
                 .small_batches = 300,
                 .stalls = 100,
                 .stall_max = 2ms}) {}
};

}  // namespace httpdyno::io
