// The simulated backend of the seam in net/io/io.h: a host of a SimNet.
//
// The hosts of one network share its time: when one waits, what happens at the others happens, too, and they
// see it at their next wait. Of several connections that have news any may come first; each keeps its own
// order.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/io/io.h"
#include "net/io/sim/sim_net.h"
#include "net/io/socket.h"

namespace httpdyno::io {

// Any thread. In a run that is to be repeatable only inside SimNet::at() or a turn.
class SimWaker {
 public:
  explicit SimWaker(std::atomic<bool>& woken) : woken_(&woken) {}
  void wake() const noexcept { woken_->store(true); }

 private:
  std::atomic<bool>* woken_;
};

// Invariant: an end that has news is in ready_ or in later_, or the network will look at it again.
class SimIo {
 public:
  explicit SimIo(SimNet& net) : net_(&net), now_(net.now()) {}
  SimIo(const SimIo&) = delete;
  SimIo& operator=(const SimIo&) = delete;
  ~SimIo();

  // Connects to this port of the network come here.
  void listen(std::uint16_t port);

  Error wait(Duration limit);
  const Completion* next();
  Time now() const { return now_; }

  void accept_start() { accepting_ = listening_; }
  void accept_stop() { accepting_ = false; }
  void close_listener();
  Error attach(ConnId id, Socket socket);
  void discard(Socket socket);

  void recv_start(ConnId id);
  void recv_stop(ConnId id) { expect(id).receiving = false; }
  void send(ConnId id, std::string_view bytes);
  void shutdown_send(ConnId id);
  void close(ConnId id);

  // Called while wait() waits, whenever something has happened in the network; false ends the wait. Without it every
  // such event does: a host that shares its thread with others cannot wait for its own news alone.
  void meanwhile(std::function<bool()> act) { meanwhile_ = std::move(act); }
  bool more() const { return !ready_.empty() || !later_.empty(); }
  std::size_t unread(ConnId id) { return expect(id).arrived; }
  std::size_t unsent(ConnId id);
  bool progress(ConnId id);

  // For clients: only the address's port counts. The completion is `connected`; receiving is on from then.
  Error connect(ConnId id, const Address& address);

  SimWaker waker() { return SimWaker(woken_); }

  // close(), but with a reset, as after SO_LINGER with no time.
  void abort(ConnId id);

  // For whoever looks on from outside. Null when the id is stale.
  const SimEnd* find(ConnId id) const;

 private:
  friend class SimNet;

  // The network's side: something may have happened to an end; a stream waits to be accepted; an end's octets
  // are to be taken.
  static void notify(SimEnd& end);
  void queue(SimEnd& end) { backlog_.push_back(&end); }
  static void take(SimEnd& end);

  SimEnd& expect(ConnId id);
  void own(SimEnd& end, ConnId id);
  void finish_close(SimEnd& end);
  static bool has_news(const SimEnd& end);
  bool tell(SimEnd& end);
  bool tell_received(SimEnd& end);
  bool accept_one();

  SimNet* net_;
  Time now_;
  std::uint16_t port_ = 0;
  bool listening_ = false;
  bool accepting_ = false;
  bool drained_ = true;
  std::size_t budget_ = 0;  // completions that this wait still hands out
  std::atomic<bool> woken_{false};
  Completion current_;
  std::string lent_;
  std::function<bool()> meanwhile_;
  std::vector<SimEnd*> ready_;
  std::vector<SimEnd*> later_;  // have more, which is for the next wait: everybody is to have a turn
  std::vector<SimEnd*> backlog_;
  std::vector<SimEnd*> ends_;  // by the index of their id
};

}  // namespace httpdyno::io
