// The requests of one worker and the kernel's stamps of them: which stamp is whose, and what comes of it.
//
// Invariant: of each connection the first `stamped` of the `count` requests that wait for an answer have the stamp of
// their sending. Octets are counted modulo 2^32, as the kernel counts them; less than half of that waits.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "loadgen/drive/kernel_clock.h"
#include "loadgen/drive/stamped_io.h"
#include "loadgen/figures/kernel_latency.h"
#include "loadgen/figures/tally.h"
#include "net/base/assert.h"
#include "net/base/time.h"
#include "net/io/io.h"

namespace httpdyno::loadgen {

// A backend that says when the kernel sent and received (StampedIo tells what each of these means).
template <class B>
concept StampingBackend = requires(B backend, io::ConnId id) {
  { backend.stamp(id) } -> std::same_as<Error>;
  { backend.next_sent(id) } -> std::same_as<std::optional<SentStamp>>;
  { backend.received_at() } -> std::convertible_to<std::optional<RealTime>>;
  { backend.real_time() } -> std::same_as<RealTime>;
};

// In place of KernelTimes where nothing is stamped.
struct NoKernelTimes {
  NoKernelTimes(std::uint32_t, std::uint32_t) {}
};

class KernelTimes {
 public:
  KernelTimes(std::uint32_t connections, std::uint32_t pipeline)
      : pipeline_(pipeline), lines_(connections), asked_(std::size_t{connections} * pipeline) {}

  KernelClock& clock() { return clock_; }

  // It has been made: its octets are counted from here.
  void on_connected(std::uint32_t connection) { lines_[connection] = {}; }
  // So many requests more, in one batch of `octets`. They are told apart by no stamp: it is of the last octet.
  void on_batch(std::uint32_t connection, std::uint32_t requests, std::size_t octets) {
    Line& line = lines_[connection];
    DASSERT(line.count + requests <= pipeline_);
    line.octets += static_cast<std::uint32_t>(octets);
    for (; requests > 0; --requests) asked(connection, line.count++) = {.end = line.octets, .sent = {}};
  }
  // Whether there is a request that may have left and has no stamp yet.
  bool awaits(std::uint32_t connection) const {
    return lines_[connection].stamped < lines_[connection].count;
  }
  // An octet leaves after those before it. A stamp that comes again (the kernel sent the octets once more) is of
  // requests that have theirs.
  void on_sent(std::uint32_t connection, const SentStamp& stamp) {
    Line& line = lines_[connection];
    while (line.stamped < line.count) {
      Asked& next = asked(connection, line.stamped);
      if (static_cast<std::int32_t>(stamp.last + 1 - next.end) < 0) return;
      next.sent = stamp.at;
      ++line.stamped;
    }
  }
  // The oldest request has been answered; `now`: when the answer had been read.
  void on_answered(std::uint32_t connection, const Stamps& own, std::optional<RealTime> received, Time now,
                   const Window& window, KernelLatencies& out) {
    Line& line = lines_[connection];
    DASSERT(line.count > 0);
    const bool stamped = line.stamped > 0;
    if (window.holds(own.due)) {
      if (!stamped || !received || !record(own, asked(connection, 0).sent, *received, now, out))
        ++out.unstamped;
    }
    if (++line.head == pipeline_) line.head = 0;
    --line.count;
    if (stamped) --line.stamped;
  }

 private:
  struct Line {
    std::uint32_t octets = 0;  // that have been handed to the backend
    std::uint32_t head = 0;
    std::uint32_t count = 0;
    std::uint32_t stamped = 0;
  };
  struct Asked {
    std::uint32_t end = 0;  // which octet follows its batch
    RealTime sent;
  };

  Asked& asked(std::uint32_t connection, std::uint32_t behind_head) {
    const std::uint32_t at = lines_[connection].head + behind_head;
    return asked_[std::size_t{connection} * pipeline_ + (at < pipeline_ ? at : at - pipeline_)];
  }
  // False: the stamps cannot be of this request and this clock.
  bool record(const Stamps& own, RealTime sent_stamp, RealTime received_stamp, Time now,
              KernelLatencies& out) const {
    if (own.sent < clock_.steady_since()) return false;
    const Time sent = clock_.monotonic(sent_stamp);
    const Time received = clock_.monotonic(received_stamp);
    if (own.sent > sent || sent > received || received > now) return false;
    out.transmit_delay.record((sent - own.sent).count());
    out.kernel_service.record((received - sent).count());
    out.receive_delay.record((now - received).count());
    return true;
  }

  std::uint32_t pipeline_;
  KernelClock clock_;
  std::vector<Line> lines_;
  std::vector<Asked> asked_;  // pipeline_ of them for each connection
};

}  // namespace httpdyno::loadgen
