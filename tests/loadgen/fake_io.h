// A backend without sockets, in virtual time: what a worker sees of the kernel and of a server, scripted by a
// test.
#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/time.h"
#include "net/io/io.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

// The time that the worker under test reads; moved by FakeIo::wait().
struct FakeClock {
  static inline Time value;
  static Time now() { return value; }
  static Time restart() { return value = Time() + 1h; }
};

class FakeIo {
 public:
  struct Waker {
    FakeIo* io;
    void wake() const { io->schedule({.event = io::Event::woken}, FakeClock::now()); }
  };

  // What a test sets.
  std::function<void(io::ConnId, std::string_view)> on_request;  // the server: called with what was sent
  std::function<int()> connect_result = [] { return 0; };        // an errno value
  std::size_t send_max = SIZE_MAX;                               // what the kernel takes at once
  Duration connect_time = 100us;
  std::size_t received_per_wait = SIZE_MAX;  // what is beyond waits for the next wait
  // Where a worker that looks at the clock again and again gets to, when nothing else happens before; none: a
  // wait of no length takes none.
  std::function<Time(Time now)> spin_to;
  Error wait_error;  // of every wait

  // What the server of a test does.
  void answer(io::ConnId id, std::string bytes, Time when) {
    schedule({.event = io::Event::received, .id = id}, when, std::move(bytes));
  }
  void end(io::ConnId id, Time when) { schedule({.event = io::Event::received, .id = id}, when); }
  void fail(io::ConnId id, int code, Time when) {
    schedule({.event = io::Event::received, .error = code, .id = id}, when);
  }
  // Anything else that is to happen.
  void call(Time when, std::function<void()> action) { actions_.emplace(when, std::move(action)); }

  // What a test looks at.
  std::uint64_t connects = 0;
  std::uint64_t sends = 0;
  std::uint64_t closes = 0;
  Time last_send;
  std::size_t open_connections() const { return open_.size(); }

  // The seam.
  Error wait(Duration limit) {
    Time next = FakeClock::now() + (more() ? kTurn : limit);
    if (spin_to && limit == Duration::zero() && !more() && !is_due()) next = spin_to(FakeClock::now());
    if (!more() && !events_.empty()) next = std::min(next, events_.begin()->first);
    if (!actions_.empty()) next = std::min(next, actions_.begin()->first);
    FakeClock::value = std::max(FakeClock::value, next);
    handed_out_ = 0;
    while (!actions_.empty() && actions_.begin()->first <= FakeClock::now()) {
      auto action = std::move(actions_.begin()->second);
      actions_.erase(actions_.begin());
      action();
    }
    now_ = FakeClock::now();
    return wait_error;
  }
  const io::Completion* next() {
    while (is_due()) {
      const bool received = events_.begin()->second.completion.event == io::Event::received;
      if (received && handed_out_++ >= received_per_wait) return nullptr;
      current_ = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      const io::Event event = current_.completion.event;
      if (event == io::Event::closed || event == io::Event::woken ||
          open_.contains(key(current_.completion.id))) {
        current_.completion.bytes = current_.bytes;
        return &current_.completion;
      }
    }
    return nullptr;
  }
  Time now() const { return now_; }
  void accept_start() {}
  void accept_stop() {}
  void close_listener() {}
  bool more() const { return handed_out_ >= received_per_wait && is_due(); }
  std::size_t unread(io::ConnId) const { return 0; }
  std::size_t unsent(io::ConnId) const { return 0; }
  bool progress(io::ConnId) const { return false; }
  Error attach(io::ConnId, io::Socket) { return {}; }
  void discard(io::Socket) {}
  void recv_start(io::ConnId) {}
  void recv_stop(io::ConnId) {}
  void shutdown_send(io::ConnId) {}

  Error connect(io::ConnId id, const io::Address&) {
    ++connects;
    open_.insert(key(id));
    schedule({.event = io::Event::connected, .error = connect_result(), .id = id},
             FakeClock::now() + connect_time);
    return {};
  }
  void send(io::ConnId id, std::string_view bytes) {
    ++sends;
    last_send = FakeClock::now();
    bytes = bytes.substr(0, send_max);
    schedule({.event = io::Event::sent, .id = id, .count = bytes.size()}, FakeClock::now());
    if (on_request) on_request(id, bytes);
  }
  void close(io::ConnId id) {
    ++closes;
    open_.erase(key(id));
    schedule({.event = io::Event::closed, .id = id}, FakeClock::now());
  }
  Waker waker() { return {this}; }

 private:
  struct Entry {
    io::Completion completion;
    std::string bytes;
  };
  bool is_due() const { return !events_.empty() && events_.begin()->first <= FakeClock::now(); }
  static std::uint64_t key(io::ConnId id) { return (std::uint64_t{id.generation} << 32) | id.index; }
  void schedule(io::Completion completion, Time when, std::string bytes = {}) {
    events_.emplace(when, Entry{completion, std::move(bytes)});
  }

  static constexpr Duration kTurn = 10us;  // what a turn without waiting takes
  std::size_t handed_out_ = 0;
  Time now_ = FakeClock::restart();
  std::multimap<Time, Entry> events_;  // of one time: in the order in which they were scheduled
  std::multimap<Time, std::function<void()>> actions_;
  std::set<std::uint64_t> open_;
  Entry current_;
};

}  // namespace httpdyno::loadgen
