#include "net/io/sim/sim_io.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <utility>

#include "net/base/assert.h"

namespace httpdyno::io {

static_assert(Backend<SimIo>);

namespace {

constexpr Duration kRetryMax = 200us;      // until a stream that was not ready is looked at again
constexpr Duration kLatenessMax = 500us;   // of a send or a close that does not complete at once
constexpr Duration kShortestWait = 100ns;  // time passes with every wait, or a loop could spin without an end

}  // namespace

SimIo::~SimIo() {
  close_listener();
  for (SimEnd* end : ends_) {
    if (end == nullptr) continue;
    if (!end->closing) net_->hang_up(*end);
    end->host = nullptr;
  }
}

void SimIo::listen(std::uint16_t port) {
  port_ = port;
  listening_ = true;
  net_->listen(port, this);
}

void SimIo::close_listener() {
  if (!listening_) return;
  listening_ = accepting_ = false;
  net_->listen(port_, nullptr);
  for (SimEnd* end : backlog_) {
    end->closing = true;
    net_->reset_peer(*end);
  }
  backlog_.clear();
}

Error SimIo::wait(Duration limit) {
  ASSERT(drained_);  // rule 2
  drained_ = false;
  ready_.insert(ready_.end(), later_.begin(), later_.end());
  later_.clear();
  const auto has_news = [this] {
    return !ready_.empty() || woken_.load() || (accepting_ && !backlog_.empty());
  };
  if (has_news()) {
    net_->advance(kShortestWait + net_->up_to(net_->faults().turn_max));
  } else {
    const Time begin = net_->now();
    do {
      net_->advance(std::max(limit - (net_->now() - begin), kShortestWait));
    } while (!has_news() && net_->now() - begin < limit && meanwhile_ && meanwhile_() && !has_news());
  }
  now_ = net_->now();
  const bool small = net_->strikes(net_->faults().small_batches);
  budget_ = small ? 1 + net_->below(3) : SIZE_MAX;
  return {};
}

const Completion* SimIo::next() {
  // What was lent is gone: whoever still looks at it shall see that.
  std::fill(lent_.begin(), lent_.end(), '\xee');
  if (woken_.exchange(false)) {
    current_ = {.event = Event::woken};
    return &current_;
  }
  while (budget_ > 0) {
    const bool may_accept = accepting_ && !backlog_.empty();
    const std::size_t choices = ready_.size() + (may_accept ? 1 : 0);
    if (choices == 0) break;
    const std::size_t choice = net_->below(choices);
    bool told = false;
    if (choice == ready_.size()) {
      told = accept_one();
    } else {
      SimEnd& end = *ready_[choice];
      ready_[choice] = ready_.back();
      ready_.pop_back();
      end.in_ready = false;
      told = tell(end);
    }
    if (!told) continue;
    if (--budget_ == 0 && !ready_.empty()) ++net_->counts().small_batches;
    return &current_;
  }
  drained_ = true;
  return nullptr;
}

bool SimIo::has_news(const SimEnd& end) {
  if (end.closing) return end.closed;
  return end.connected || end.sent ||
         (end.receiving && (end.arrived > 0 || ((end.peer_ended || end.reset) && !end.end_told)));
}

void SimIo::notify(SimEnd& end) {
  if (end.host == nullptr || end.in_ready || !has_news(end)) return;
  end.in_ready = true;
  end.host->ready_.push_back(&end);
}

bool SimIo::tell(SimEnd& end) {
  if (!has_news(end)) return false;
  if (end.closed) {
    current_ = {.event = Event::closed, .id = end.id};
    ends_[end.id.index] = nullptr;
    end.host = nullptr;
    return true;
  }
  if (net_->strikes(net_->faults().would_blocks)) {
    ++net_->counts().would_blocks;
    net_->schedule(SimNet::Kind::look, end, net_->now() + net_->up_to(kRetryMax));
    return false;
  }
  if (end.connected) {
    end.connected = false;
    end.receiving = end.error == 0;
    current_ = {.event = Event::connected, .error = std::exchange(end.error, 0), .id = end.id};
    notify(end);
    return true;
  }
  if (end.sent) {
    end.sent = false;
    end.told_total += end.sent_count;
    current_ = {.event = Event::sent,
                .error = std::exchange(end.error, 0),
                .id = end.id,
                .count = std::exchange(end.sent_count, 0)};
    notify(end);
    return true;
  }
  return tell_received(end);
}

bool SimIo::tell_received(SimEnd& end) {
  if (end.arrived == 0) {
    end.end_told = true;
    current_ = {.event = Event::received, .error = end.reset ? ECONNRESET : 0, .id = end.id};
    return true;
  }
  std::size_t count = std::min(end.arrived, net_->faults().read_bytes);
  if (count > 1 && net_->strikes(net_->faults().short_reads)) {
    count = 1 + net_->below(count - 1);
    ++net_->counts().short_reads;
  }
  lent_.assign(end.in.data(), count);
  end.in.consume(count);
  end.arrived -= count;
  end.read_total += count;
  end.read_at = now_;
  end.peer->moved += count;
  // A kernel reports room when a good part is free, not with every octet.
  SimEnd& from = *end.peer;
  const std::size_t room = net_->faults().pipe_bytes - std::min(net_->faults().pipe_bytes, end.in.size());
  if (from.stuck && room * 3 >= net_->faults().pipe_bytes) {
    from.stuck = false;
    net_->schedule(SimNet::Kind::send, from, net_->now() + net_->latency());
  }
  current_ = {.event = Event::received, .id = end.id, .bytes = {lent_.data(), count}};
  if (has_news(end)) {
    end.in_ready = true;
    later_.push_back(&end);
  }
  return true;
}

// --- accepting ---

bool SimIo::accept_one() {
  const SimFaults& faults = net_->faults();
  if (net_->strikes(faults.accept_errors)) {
    constexpr int kErrors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    ++net_->counts().accept_errors;
    accepting_ = false;
    current_ = {.event = Event::accepted, .error = kErrors[net_->below(std::size(kErrors))]};
    return true;
  }
  SimEnd& end = *backlog_.front();
  backlog_.erase(backlog_.begin());
  if (net_->strikes(faults.accept_aborts)) {
    ++net_->counts().accept_aborts;
    end.faulty = end.peer->faulty = end.closing = true;
    net_->reset_peer(end);
    return false;
  }
  current_ = {.event = Event::accepted, .socket = {static_cast<int>(end.number)}};
  return true;
}

Error SimIo::attach(ConnId id, Socket socket) {
  SimEnd& end = net_->end(socket);
  if (net_->strikes(net_->faults().attach_errors)) {
    ++net_->counts().attach_errors;
    end.faulty = end.peer->faulty = true;
    net_->hang_up(end);
    return {ENOSPC, "attach"};
  }
  end.opened_at = end.read_at = end.taken_at = net_->now();
  end.accepted = true;
  end.receiving = true;
  own(end, id);
  notify(end);
  return {};
}

void SimIo::discard(Socket socket) { net_->hang_up(net_->end(socket)); }

Error SimIo::connect(ConnId id, const Address& address) {
  SimEnd& end = net_->new_stream().client;
  own(end, id);
  net_->schedule(SimNet::Kind::connect, end, net_->now() + net_->latency(), address.port());
  return {};
}

// --- connections ---

void SimIo::own(SimEnd& end, ConnId id) {
  end.host = this;
  end.id = id;
  if (id.index >= ends_.size()) ends_.resize(id.index + 1);
  ASSERT(ends_[id.index] == nullptr);  // rule 5: not before its last completion
  ends_[id.index] = &end;
}

const SimEnd* SimIo::find(ConnId id) const {
  const SimEnd* end = id.index < ends_.size() ? ends_[id.index] : nullptr;
  return end != nullptr && end->id == id ? end : nullptr;
}

SimEnd& SimIo::expect(ConnId id) {
  ASSERT(find(id) != nullptr);
  SimEnd& end = *ends_[id.index];
  ASSERT(!end.closing);
  return end;
}

void SimIo::recv_start(ConnId id) {
  SimEnd& end = expect(id);
  end.receiving = true;
  notify(end);
}

void SimIo::send(ConnId id, std::string_view bytes) {
  SimEnd& end = expect(id);
  ASSERT(end.sending.empty() && !end.sent && !bytes.empty() && !end.shut);  // rule 4
  end.sending = bytes;
  if (net_->strikes(net_->faults().late_sends)) {
    ++net_->counts().late_sends;
    net_->schedule(SimNet::Kind::send, end, net_->now() + net_->up_to(kLatenessMax));
  } else {
    take(end);
  }
}

void SimIo::take(SimEnd& end) {
  if (end.sending.empty()) return;
  SimNet& net = *end.host->net_;
  if (end.reset) {
    end.error = std::exchange(end.reset_is_told, true) ? EPIPE : ECONNRESET;
  } else {
    const std::size_t waiting = end.peer->in.size();
    const std::size_t room = net.faults().pipe_bytes - std::min(net.faults().pipe_bytes, waiting);
    if (room == 0) {
      ++net.counts().full_pipes;
      end.stuck = true;
      end.moved_asked = end.moved;
      return;
    }
    std::size_t count = std::min(room, end.sending.size());
    if (count > 1 && net.strikes(net.faults().short_writes)) {
      count = 1 + net.below(count - 1);
      ++net.counts().short_writes;
    }
    net.carry(end, count);
    end.sent_count = count;
  }
  end.sending = {};
  end.stuck = false;
  end.sent = true;
  notify(end);
}

void SimIo::shutdown_send(ConnId id) {
  SimEnd& end = expect(id);
  ASSERT(end.sending.empty());
  ++net_->counts().half_closes;
  end.shut_at = net_->now();
  net_->shut(end);
}

void SimIo::close(ConnId id) {
  SimEnd& end = expect(id);
  net_->hang_up(end);
  finish_close(end);
}

void SimIo::abort(ConnId id) {
  SimEnd& end = expect(id);
  net_->reset_peer(end);
  net_->hang_up(end);
  finish_close(end);
}

void SimIo::finish_close(SimEnd& end) {
  end.connected = end.sent = false;
  if (net_->strikes(net_->faults().late_closes)) {
    ++net_->counts().late_closes;
    net_->schedule(SimNet::Kind::closed, end, net_->now() + net_->up_to(kLatenessMax));
  } else {
    end.closed = true;
    notify(end);
  }
}

std::size_t SimIo::unsent(ConnId id) {
  const SimEnd& end = expect(id);
  return end.reset ? 0 : end.peer->in.size() - end.peer->arrived;
}

bool SimIo::progress(ConnId id) {
  SimEnd& end = expect(id);
  return std::exchange(end.moved_asked, end.moved) != end.moved;
}

}  // namespace httpdyno::io
