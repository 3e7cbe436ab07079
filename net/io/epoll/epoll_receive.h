// How the epoll backend finds what there is to be received, and receives it: for who instantiates it.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <string_view>
#include <utility>

#include "net/io/epoll/epoll_io.h"

namespace httpdyno::io {

template <class Receive>
const Completion* BasicEpollIo<Receive>::next() {
  for (;;) {
    if (done_index_ < done_.size()) {
      current_ = done_[done_index_++];
      // A send that completed before its connection was closed is no news any more.
      if (current_.event == Event::sent && find(current_.id) == nullptr) continue;
      return &current_;
    }
    done_.clear();
    done_index_ = 0;

    if (event_index_ < event_count_) {
      if (on_event(events_[static_cast<std::size_t>(event_index_++)])) return &current_;
    } else if (again_index_ < again_now_.size()) {
      const ConnId id = again_now_[again_index_++];
      Entry* entry = find(id);
      if (entry == nullptr) continue;
      entry->in_again = false;
      if (entry->receiving && entry->readable && receive(*entry, id)) return &current_;
    } else if (accepting_ && listener_readable_ && accepts_left_ > 0) {
      if (accept_one()) return &current_;
    } else {
      return nullptr;
    }
  }
}

template <class Receive>
bool BasicEpollIo<Receive>::on_event(const epoll_event& event) {
  const ConnId id = unpack(event.data.u64);
  if (id.index == kListenerIndex) {
    listener_readable_ = true;
    return false;
  }
  if (id.index == kWakeIndex) {
    current_ = {.event = Event::woken};
    return true;
  }
  Entry* entry = find(id);  // none: closed earlier in this batch
  return entry != nullptr && on_connection_event(*entry, id, event.events);
}

template <class Receive>
bool BasicEpollIo<Receive>::on_connection_event(Entry& entry, ConnId id, std::uint32_t events) {
  if (entry.connecting) {
    int error = 0;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
      socklen_t size = sizeof error;
      ::getsockopt(entry.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0 && (events & EPOLLOUT) == 0) return false;
    entry.connecting = false;
    // Bytes that came with the connect are reported after it.
    if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) read_again(entry, id);
    current_ = {.event = Event::connected, .error = error, .id = id};
    return true;
  }
  events = receive_.of_stream(events);
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) entry.hangup = true;
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    entry.full = false;
    if (!entry.stuck.empty()) try_send(entry, id, std::exchange(entry.stuck, {}));
  }
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return false;
  entry.readable = true;
  return entry.receiving && receive(entry, id);
}

template <class Receive>
bool BasicEpollIo<Receive>::receive(Entry& entry, ConnId id) {
  const ssize_t count = receive_.take(entry.fd, {buffer_.get(), kReceiveBytes});
  if (count < 0) {
    if (errno == EINTR) {
      read_again(entry, id);
      return false;
    }
    entry.readable = false;
    if (would_block(errno)) return false;
    entry.receiving = false;
    current_ = {.event = Event::received, .error = errno, .id = id};
    return true;
  }
  const auto size = static_cast<std::size_t>(count);
  if (size == 0) {
    entry.receiving = entry.readable = false;
  } else if (size == kReceiveBytes || entry.hangup) {
    read_again(entry, id);
  } else {
    // A short read has emptied the socket (epoll(7)); what comes now makes a new edge.
    entry.readable = false;
  }
  current_ = {.event = Event::received, .id = id, .bytes = {buffer_.get(), size}};
  return true;
}

}  // namespace httpdyno::io
