// A network for simulated runs: virtual time, byte pipes between hosts, and the faults of one seed.
//
// Nothing here reads a clock or a kernel. Time moves when a host waits: to the next event or to the end of the
// wait. Every choice comes from one generator, so a seed repeats a run octet by octet. What a reset does is
// what TCP does: who closes with unread input, or gets input after it has closed, resets the stream, and what
// was on its way to the peer (in some streams also what it had not read yet) is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "net/base/byte_buffer.h"
#include "net/base/prng.h"
#include "net/base/time.h"
#include "net/io/io.h"

namespace httpdyno::io {

// What goes wrong, and how often: a chance out of 1000 for each occasion. The default is a network without
// faults and without delay.
struct SimFaults {
  std::size_t pipe_bytes = 64 * 1024;  // one direction of a stream holds so much that is sent and not read
  std::size_t read_bytes = 64 * 1024;  // the largest piece that is lent
  Duration latency_max{};              // of a piece; they do not overtake each other
  Duration turn_max = 1us;             // what a wait takes at most when there is work already
  std::uint32_t short_reads = 0;
  std::uint32_t short_writes = 0;
  std::uint32_t would_blocks = 0;   // EAGAIN although the stream was reported ready
  std::uint32_t late_sends = 0;     // the octets are read later than send() was called, as io_uring may
  std::uint32_t late_closes = 0;    // the same for close()
  std::uint32_t small_batches = 0;  // a wait hands out one to three completions and leaves the rest
  std::uint32_t stalls = 0;         // a piece, and so all behind it, is held up for up to stall_max
  std::uint32_t resets = 0;         // of a stream: at some moment of its life
  std::uint32_t accept_errors = 0;  // EMFILE, ENFILE, ENOBUFS, ENOMEM
  std::uint32_t accept_aborts = 0;  // ECONNABORTED
  std::uint32_t attach_errors = 0;  // ENOSPC: no more watches
  Duration stall_max{};
  Duration reset_within{};  // of the connect
  Time until = kNever;      // no chance is taken afterwards
};

struct SimCounts {
#define SIM_COUNT(name, help) std::uint64_t name = 0;
#include "net/io/sim/sim_counts.def"
#undef SIM_COUNT
};

class SimIo;

// One end of a stream, with the pipe that leads to it.
// Invariant: arrived <= in.size(); an end with a host has an id; `sending` is not empty from send() until the
// network has taken octets of it.
struct SimEnd {
  SimEnd* peer = nullptr;
  SimIo* host = nullptr;  // null: not accepted yet, or closed and forgotten
  ConnId id{};
  std::uint32_t number = 0;

  ByteBuffer in;            // sent by the peer and not read
  std::size_t arrived = 0;  // how many of them are here
  Time last_arrival{};
  std::string_view sending{};  // what the network is to take

  bool connected = false;  // the completion is due
  bool sent = false;       // the completion is due
  bool closed = false;     // the completion is due
  bool receiving = false;
  bool in_ready = false;
  bool stuck = false;           // `sending` waits for room
  bool shut = false;            // our side has ended
  bool peer_ended = false;      // the peer's end is here
  bool end_told = false;        // the end of the stream, or its error, has been reported
  bool reset = false;           // the stream is dead
  bool reset_is_told = false;   // a send has failed with ECONNRESET; the next fails with EPIPE
  bool closing = false;         // close() was called
  bool loses_unread = false;    // a reset destroys what has arrived, too
  int error = 0;                // of the connect or the send that is due
  std::size_t sent_count = 0;   // of the send that is due
  std::size_t moved = 0;        // octets that went from us to the peer's side or were read there
  std::size_t moved_asked = 0;  // `moved` when somebody last asked

  std::uint64_t reset_countdown =
      0;  // so many octets more, and the network resets the stream; 0: it does not

  // For whoever looks on from outside.
  std::uint64_t arrived_total = 0;
  std::uint64_t read_total = 0;
  std::uint64_t taken_total = 0;  // octets that the network took from us
  std::uint64_t told_total = 0;   // and that a completion spoke of
  Time opened_at{};
  Time read_at{};         // last
  Time taken_at{};        // last
  Time shut_at = kNever;  // by shutdown_send()
  Time closed_at = kNever;
  std::size_t closed_unread = 0;  // what had arrived and was not read then
  bool closed_sending = false;    // a send was under way then
  bool hit_after_close = false;   // the peer sent something afterwards
  bool accepted = false;
  bool faulty = false;  // the network has reset this stream
};

// One thread. Hosts (SimIo) point to it; it outlives them. Streams are kept until the network goes: a run is
// short, and who looks on may look at them after their end.
class SimNet {
 public:
  static constexpr Time kStart = Time(1000s);

  explicit SimNet(std::uint64_t seed, const SimFaults& faults = {}) : random_(seed), faults_(faults) {}
  SimNet(const SimNet&) = delete;
  SimNet& operator=(const SimNet&) = delete;

  Time now() const { return now_; }
  // Moves to the next event, at most by `limit`, and lets happen what is due.
  void advance(Duration limit);
  // `call` is called when time has come to `when`, inside some host's wait().
  void at(Time when, std::function<void()> call);

  const SimFaults& faults() const { return faults_; }
  SimCounts& counts() { return counts_; }

  // --- for the hosts ---
  enum class Kind : std::uint8_t { arrival, end, reset, fault, connect, connected, send, closed, look, call };
  struct Stream {
    SimEnd client;
    SimEnd server;
  };

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool coin() { return random_.coin(); }
  // Whether a fault with this chance happens now.
  bool strikes(std::uint32_t chance) {
    return chance > 0 && now_ < faults_.until && random_.below(1000) < chance;
  }
  Duration latency() { return up_to(faults_.latency_max); }
  Duration up_to(Duration most) {
    return Duration(static_cast<Duration::rep>(below(static_cast<std::uint64_t>(most.count()) + 1)));
  }
  void schedule(Kind kind, SimEnd& end, Time when, std::size_t value = 0);
  Stream& new_stream();
  SimEnd& end(Socket socket);
  const std::vector<std::unique_ptr<Stream>>& streams() const { return streams_; }

  // `count` of end.sending go into the pipe to its peer.
  void carry(SimEnd& end, std::size_t count);
  void shut(SimEnd& end);
  // What TCP does when a process closes its descriptor.
  void hang_up(SimEnd& end);
  // The peer of `end` learns that the stream is dead.
  void reset_peer(SimEnd& end);

  void listen(std::uint16_t port, SimIo* host);
  SimIo* listener(std::uint16_t port) const;

 private:
  struct Occurrence {
    Time at;
    std::uint64_t sequence;  // of one time: in the order in which they were scheduled
    SimEnd* end;
    std::size_t value;
    Kind kind;

    bool operator<(const Occurrence& other) const {  // for a heap with the earliest on top
      return at != other.at ? at > other.at : sequence > other.sequence;
    }
  };
  struct Listener {
    std::uint16_t port;
    SimIo* host;
  };

  void push(const Occurrence& occurrence);
  void happen(const Occurrence& occurrence);
  void arrive(SimEnd& end, std::size_t count);
  void die(SimEnd& end);
  void connect(SimEnd& end, std::uint16_t port);
  Time next_arrival(SimEnd& end);

  Prng random_;
  SimFaults faults_;
  SimCounts counts_;
  Time now_ = kStart;
  std::uint64_t sequence_ = 0;
  std::vector<Occurrence> occurrences_;
  std::vector<std::function<void()>> calls_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Listener> listeners_;
};

}  // namespace httpdyno::io
