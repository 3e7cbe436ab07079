#include "net/io/sim/sim_net.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/base/assert.h"
#include "net/io/sim/sim_io.h"

namespace httpdyno::io {

namespace {

// Nobody waits longer at once: a run in which nothing is to happen any more must still come to its bound.
constexpr Duration kLongestWait = 1h;

}  // namespace

void SimNet::push(const Occurrence& occurrence) {
  occurrences_.push_back(occurrence);
  std::push_heap(occurrences_.begin(), occurrences_.end());
}

void SimNet::schedule(Kind kind, SimEnd& end, Time when, std::size_t value) {
  push({when, sequence_++, &end, value, kind});
}

void SimNet::at(Time when, std::function<void()> call) {
  calls_.push_back(std::move(call));
  push({when, sequence_++, nullptr, calls_.size() - 1, Kind::call});
}

void SimNet::advance(Duration limit) {
  Time target = now_ + std::clamp(limit, Duration::zero(), kLongestWait);
  if (!occurrences_.empty()) target = std::min(target, std::max(now_, occurrences_.front().at));
  now_ = target;
  while (!occurrences_.empty() && occurrences_.front().at <= now_) {
    std::pop_heap(occurrences_.begin(), occurrences_.end());
    const Occurrence due = occurrences_.back();
    occurrences_.pop_back();
    happen(due);
  }
}

void SimNet::happen(const Occurrence& due) {
  switch (due.kind) {
    case Kind::arrival: return arrive(*due.end, due.value);
    case Kind::end: due.end->peer_ended = true; return SimIo::notify(*due.end);
    case Kind::reset: return die(*due.end);
    case Kind::fault:
      if (due.end->closing && due.end->peer->closing) return;
      ++counts_.faulty_resets;
      due.end->faulty = due.end->peer->faulty = true;
      reset_peer(*due.end);
      return reset_peer(*due.end->peer);
    case Kind::connect: return connect(*due.end, static_cast<std::uint16_t>(due.value));
    case Kind::connected: due.end->connected = true; return SimIo::notify(*due.end);
    case Kind::send:
      if (!due.end->closing) SimIo::take(*due.end);
      return;
    case Kind::closed: due.end->closed = true; return SimIo::notify(*due.end);
    case Kind::look: return SimIo::notify(*due.end);
    case Kind::call: {
      const std::function<void()> call = std::move(calls_[due.value]);
      return call();
    }
  }
}

SimNet::Stream& SimNet::new_stream() {
  Stream& stream = *streams_.emplace_back(std::make_unique<Stream>());
  const auto number = static_cast<std::uint32_t>(streams_.size() - 1);
  stream.client.peer = &stream.server;
  stream.server.peer = &stream.client;
  for (SimEnd* end : {&stream.client, &stream.server}) {
    end->number = number;
    end->last_arrival = end->opened_at = end->read_at = end->taken_at = now_;
    end->loses_unread = coin();
  }
  return stream;
}

SimEnd& SimNet::end(Socket socket) { return streams_.at(static_cast<std::size_t>(socket.handle))->server; }

void SimNet::listen(std::uint16_t port, SimIo* host) {
  std::erase_if(listeners_, [port](const Listener& one) { return one.port == port; });
  if (host != nullptr) listeners_.push_back({port, host});
}

SimIo* SimNet::listener(std::uint16_t port) const {
  for (const Listener& one : listeners_) {
    if (one.port == port) return one.host;
  }
  return nullptr;
}

void SimNet::connect(SimEnd& end, std::uint16_t port) {
  if (end.closing) return;
  SimIo* const host = listener(port);
  if (host == nullptr) {
    ++counts_.refusals;
    end.error = ECONNREFUSED;
  } else {
    ++counts_.streams;
    host->queue(*end.peer);
    if (strikes(faults_.resets)) {
      if (coin()) {
        schedule(Kind::fault, end, now_ + up_to(faults_.reset_within));
      } else {
        // In the middle of what is said rather than in the silence between.
        (coin() ? end : *end.peer).reset_countdown = 1 + below(2000);
      }
    }
  }
  schedule(Kind::connected, end, now_ + latency());
}

// Pieces do not overtake each other, nor does the end of the stream.
Time SimNet::next_arrival(SimEnd& end) {
  Time when = now_ + latency();
  if (strikes(faults_.stalls)) {
    ++counts_.stalls;
    when += up_to(faults_.stall_max);
  }
  return end.last_arrival = std::max(end.last_arrival, when);
}

void SimNet::carry(SimEnd& end, std::size_t count) {
  SimEnd& to = *end.peer;
  to.in.append(end.sending.substr(0, count));
  counts_.octets += count;
  end.taken_total += count;
  end.taken_at = now_;
  schedule(Kind::arrival, to, next_arrival(to), count);
  if (end.reset_countdown > 0) {
    if (count >= end.reset_countdown) schedule(Kind::fault, end, now_ + latency());
    end.reset_countdown = count >= end.reset_countdown ? 0 : end.reset_countdown - count;
  }
}

void SimNet::arrive(SimEnd& end, std::size_t count) {
  if (end.reset) return;  // what was under way is lost
  if (end.closing) {
    // RFC 9293 3.10.7.1: nobody is there to read it.
    end.hit_after_close = true;
    end.in.clear();
    return reset_peer(end);
  }
  end.arrived += count;
  end.arrived_total += count;
  end.peer->moved += count;
  SimIo::notify(end);
}

void SimNet::shut(SimEnd& end) {
  if (end.shut || end.reset) return;
  end.shut = true;
  schedule(Kind::end, *end.peer, next_arrival(*end.peer));
}

void SimNet::hang_up(SimEnd& end) {
  end.closing = true;
  end.closed_at = now_;
  end.closed_unread = end.arrived;
  end.closed_sending = !end.sending.empty() || end.sent;
  end.receiving = false;
  end.sending = {};
  end.stuck = false;
  if (end.reset) return;
  if (end.arrived > 0) {
    // RFC 2525 2.17: what the other has sent is not even looked at; it must learn that.
    ++counts_.rude_closes;
    end.in.clear();
    end.arrived = 0;
    return reset_peer(end);
  }
  shut(end);
}

void SimNet::reset_peer(SimEnd& end) { schedule(Kind::reset, *end.peer, now_ + latency()); }

void SimNet::die(SimEnd& end) {
  if (end.reset || end.closing) return;
  end.reset = true;
  const std::size_t kept = end.loses_unread ? 0 : end.arrived;
  counts_.lost_octets += end.in.size() - kept;
  end.in.truncate(kept);
  end.arrived = kept;
  if (!end.sending.empty()) SimIo::take(end);
  SimIo::notify(end);
}

}  // namespace httpdyno::io
