// A backend without a kernel for tests of the loop: time moves when the test says so, peers are strings.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/base/assert.h"
#include "net/io/io.h"

namespace httpdyno {

// One peer's end of a connection.
struct FakePeer {
  std::string written;          // by the server, and taken by the "kernel"
  std::size_t take = SIZE_MAX;  // octets that the kernel still takes of what the server sends
  bool server_shut = false;     // the server has ended its side
  bool server_closed = false;

  std::deque<std::string> to_server;  // each is one `received`
  bool end = false;                   // after all that, the end of the stream
  int reset = 0;                      // or this error
  bool reading = true;                // the server's receiving is on
  bool held = false;                  // what has arrived is not handed out yet
  std::string_view in_flight;
  std::size_t unsent = 0;        // octets that the kernel still holds
  std::size_t acknowledged = 0;  // octets that it took of the kernel's queue, since somebody asked
};

class FakeIo {
 public:
  struct Waker {
    bool* woken;
    void wake() const { *woken = true; }
  };

  // --- the test's side ---
  std::shared_ptr<FakePeer> connect() {
    backlog_.push_back(std::make_shared<FakePeer>());
    return backlog_.back();
  }
  void advance(Duration duration) { clock_ += duration; }
  // Fails the next accept.
  void fail_accept(int error) { accept_error_ = error; }
  // Fails the next attach.
  void fail_attach(int error) { attach_error_ = error; }
  Duration last_wait() const { return last_wait_; }
  bool listening() const { return listening_; }

  // --- the seam ---
  Error wait(Duration limit) {
    last_wait_ = limit;
    now_ = clock_;
    return {};
  }
  Time now() const { return now_; }

  const io::Completion* next() {
    using io::Event;
    if (!done_.empty()) {
      current_ = done_.front();
      done_.pop_front();
      if (current_.event == Event::sent && find(current_.id) == nullptr) return next();
      return &current_;
    }
    if (woken_) {
      woken_ = false;
      current_ = {.event = Event::woken};
      return &current_;
    }
    for (auto& [key, peer] : peers_) {
      const io::ConnId id{key.first, key.second};
      if (!peer->in_flight.empty() && peer->take > 0) {
        try_send(id, *peer, peer->in_flight);
        return next();
      }
      if (!peer->reading || peer->held) continue;
      if (!peer->to_server.empty()) {
        lent_ = std::move(peer->to_server.front());
        peer->to_server.pop_front();
        current_ = {.event = Event::received, .id = id, .bytes = {lent_.data(), lent_.size()}};
        return &current_;
      }
      if (peer->end || peer->reset != 0) {
        peer->reading = false;
        current_ = {.event = Event::received, .error = peer->reset, .id = id};
        return &current_;
      }
    }
    if (accepting_ && accept_error_ != 0) {
      accepting_ = false;
      current_ = {.event = Event::accepted, .error = accept_error_};
      accept_error_ = 0;
      return &current_;
    }
    if (accepting_ && !backlog_.empty()) {
      accepted_.push_back(backlog_.front());
      backlog_.pop_front();
      current_ = {.event = Event::accepted, .socket = {static_cast<int>(accepted_.size()) - 1}};
      return &current_;
    }
    return nullptr;
  }

  void accept_start() { accepting_ = true; }
  void accept_stop() { accepting_ = false; }
  void close_listener() {
    accepting_ = false;
    listening_ = false;
  }
  Error attach(io::ConnId id, io::Socket socket) {
    if (attach_error_ != 0) {
      discard(socket);
      return {std::exchange(attach_error_, 0), "attach"};
    }
    peers_[{id.index, id.generation}] = accepted_.at(static_cast<std::size_t>(socket.handle));
    return {};
  }
  void discard(io::Socket socket) {
    accepted_.at(static_cast<std::size_t>(socket.handle))->server_closed = true;
  }
  void recv_start(io::ConnId id) { expect(id).reading = true; }
  void recv_stop(io::ConnId id) { expect(id).reading = false; }
  void send(io::ConnId id, std::string_view bytes) {
    FakePeer& peer = expect(id);
    ASSERT(peer.in_flight.empty() && !bytes.empty());
    if (peer.reset != 0) {
      done_.push_back({.event = io::Event::sent, .error = EPIPE, .id = id});
    } else if (peer.take == 0) {
      peer.in_flight = bytes;
    } else {
      try_send(id, peer, bytes);
    }
  }
  void shutdown_send(io::ConnId id) { expect(id).server_shut = true; }
  void close(io::ConnId id) {
    expect(id).server_closed = true;
    peers_.erase({id.index, id.generation});
    done_.push_back({.event = io::Event::closed, .id = id});
  }
  bool more() const { return false; }
  std::size_t unread(io::ConnId id) {
    std::size_t octets = 0;
    for (const std::string& piece : expect(id).to_server) octets += piece.size();
    return octets;
  }
  std::size_t unsent(io::ConnId id) { return expect(id).unsent; }
  bool progress(io::ConnId id) { return std::exchange(expect(id).acknowledged, std::size_t{0}) > 0; }
  Waker waker() { return {&woken_}; }

 private:
  FakePeer* find(io::ConnId id) {
    const auto found = peers_.find({id.index, id.generation});
    return found == peers_.end() ? nullptr : found->second.get();
  }
  FakePeer& expect(io::ConnId id) {
    FakePeer* peer = find(id);
    ASSERT(peer != nullptr);
    return *peer;
  }
  void try_send(io::ConnId id, FakePeer& peer, std::string_view bytes) {
    const std::size_t count = std::min(bytes.size(), peer.take);
    peer.written.append(bytes.substr(0, count));
    if (peer.take != SIZE_MAX) peer.take -= count;
    peer.in_flight = {};
    done_.push_back({.event = io::Event::sent, .id = id, .count = count});
  }

  Time clock_ = Time(1000s);
  Time now_ = Time(1000s);
  Duration last_wait_{};
  bool accepting_ = false;
  bool listening_ = true;
  bool woken_ = false;
  int accept_error_ = 0;
  int attach_error_ = 0;
  std::string lent_;
  io::Completion current_;
  std::deque<io::Completion> done_;
  std::deque<std::shared_ptr<FakePeer>> backlog_;
  std::vector<std::shared_ptr<FakePeer>> accepted_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::shared_ptr<FakePeer>> peers_;
};

static_assert(io::Backend<FakeIo>);

}  // namespace httpdyno
