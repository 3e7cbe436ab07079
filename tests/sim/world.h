// The simulated world: a real server loop and real client parsing on a simulated network, held against the
// model after every step.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "net/io/sim/sim_io.h"
#include "server/inline_dispatch.h"
#include "server/loop.h"
#include "server/stats.h"
#include "tests/sim/client.h"
#include "tests/sim/scene.h"
#include "tests/sim/sim_dispatch.h"

namespace httpdyno::sim {

struct Outcome {
  std::string complaint;  // empty: all was as it should be
  std::uint64_t digest = 0;
  std::uint64_t turns = 0;
  Duration duration{};  // virtual
  Sights sights;
  io::SimCounts network;
  StatsTotal server;  // at the end
};

// `Io` is the server's backend: SimIo, or one with a planted bug. `Dispatch` and `Handler` likewise.
template <class Io, class Dispatch, class Handler = App>
class World {
 public:
  World(Plan plan, bool trace)
      : scene_(std::move(plan), trace),
        dispatch_(make_dispatch()),
        server_io_(scene_.net),
        client_io_(scene_.net) {
    server_io_.listen(kPort);
    server_io_.meanwhile([this] {
      let_clients_act();
      return right() && !done_() && !client_io_.more();
    });
    loop_ = std::make_unique<Loop<Io, Dispatch>>(scene_.plan.config, server_io_, *dispatch_);
    for (std::uint32_t i = 0; i < scene_.plan.clients.size(); ++i) {
      clients_.push_back(std::make_unique<Client>(scene_, client_io_, i));
      scene_.net.at(now() + scene_.plan.clients[i].begins_after, [this, i] { clients_[i]->begin(); });
    }
    if (scene_.plan.stops_after > Duration::zero()) {
      scene_.net.at(now() + scene_.plan.stops_after, [this] { stop(); });
    }
  }

  Outcome run() {
    // While the clients are at work, then the stop if it is still to come, then what workers still hold.
    run_until([this] { return clients_are_done() && loop_->stats().active() == 0; }, "the clients' work");
    if (scene_.stopped_at == kNever) stop();
    run_until([this] { return loop_->stopped() && jobs() == 0; }, "the stop");
    if (right()) check_books();
    return outcome();
  }

 private:
  static constexpr Duration kLongestWait = 1h;
  static constexpr std::uint64_t kTurnsMax = 1'000'000;

  Time now() const { return scene_.net.now(); }
  bool right() const { return scene_.witness.complaint.empty(); }

  std::unique_ptr<Dispatch> make_dispatch() {
    if constexpr (Dispatch::kPooled) {
      return std::make_unique<Dispatch>(scene_.plan.config, Handler(scene_.witness), scene_.net);
    } else {
      return std::make_unique<Dispatch>(scene_.plan.config, Handler(scene_.witness));
    }
  }
  std::size_t jobs() const {
    if constexpr (Dispatch::kPooled) return dispatch_->in_use();
    return 0;
  }

  void stop() {
    if (scene_.stopped_at != kNever) return;
    scene_.log("the stop");
    scene_.stopped_at = now();
    loop_->stop();
  }

  template <class Done>
  void run_until(Done done, std::string_view what) {
    const Time end = now() + longest_run(scene_.plan);
    done_ = [&] { return done() || now() > end; };
    while (right() && !done()) {
      step();
      if (turns_ > kTurnsMax) scene_.witness.complain("the loop spins");
      if (now() > end) scene_.witness.complain(fmt::format("{} did not end", what));
    }
  }

  void step() {
    ++turns_;
    // A host's wait moves the time of all: not while the clients have something to look at.
    if (loop_->turn(client_io_.more() ? Duration::zero() : kLongestWait))
      scene_.witness.complain("the loop gave up");
    loop_->check_invariants();
    let_clients_act();
  }

  void let_clients_act() {
    ASSERT(!client_io_.wait(Duration::zero()));
    while (const io::Completion* completion = client_io_.next()) {
      clients_[completion->id.index]->on_completion(*completion);
    }
    for (auto& client : clients_) client->look();
  }

  bool clients_are_done() const {
    for (const auto& client : clients_) {
      if (!client->done()) return false;
    }
    return true;
  }

  // Nothing lost, nothing twice, nothing kept.
  void check_books() {
    const Stats& stats = loop_->stats();
    std::uint64_t accepted = 0;
    std::uint64_t read = 0;
    std::uint64_t told = 0;
    for (const auto& stream : scene_.net.streams()) {
      accepted += stream->server.accepted ? 1U : 0U;
      read += stream->server.read_total;
      told += stream->server.told_total;
      check_end(stream->server);
    }
    equal("connections accepted", stats.accepted.value(), accepted);
    equal("connections closed", stats.closed.value(), accepted);
    equal("octets received", stats.bytes_received.value(), read);
    equal("octets sent", stats.bytes_sent.value(), told);
    equal("requests", stats.requests.value(),
          scene_.witness.calls + stats.shed.value() + stats.not_begun.value());
    equal("handlers that threw", stats.handler_exceptions.value(), scene_.witness.throws);
    equal("frames in use", loop_->frames_in_use(), 0);
    if constexpr (Dispatch::kPooled) {
      if (dispatch_->deadline_missed()) scene_.witness.complain("a worker was waited for after its deadline");
      if (dispatch_->fetched_late())
        scene_.witness.complain("the loop slept while a worker's answer lay there");
    }
  }
  // No connection outlives its deadlines: none is forgotten until the drain sweeps it away.
  void check_end(const io::SimEnd& end) {
    if (!end.accepted) return;
    constexpr Duration kSlack = 1s;  // handlers, completions that are late
    const Config& config = scene_.plan.config;
    const Duration longest = config.timeout_request +
                             std::max(config.timeout_keepalive, 2 * config.timeout_write) +
                             config.timeout_linger;
    const Time active = std::max({end.opened_at, end.read_at, end.taken_at});
    if (end.closed_at > active + longest + kSlack)
      scene_.witness.complain("a connection outlived its deadlines");
    if (end.shut_at != kNever && end.closed_at > end.shut_at + config.timeout_linger + kSlack) {
      scene_.witness.complain("a connection lingered for too long");
    }
  }
  void equal(std::string_view what, std::uint64_t counted, std::uint64_t expected) {
    if (counted == expected) return;
    scene_.witness.complain(fmt::format("{}: the server has {}, the world {}", what, counted, expected));
  }

  Outcome outcome() {
    Sights& sights = scene_.sights;
    sights.graceful_stops = scene_.plan.stops_after > Duration::zero() ? 1 : 0;
    sights.pooled_runs = Dispatch::kPooled ? 1 : 0;
    sights.patient_runs = scene_.plan.patient ? 1 : 0;
    Outcome result;
    result.complaint = scene_.witness.complaint;
    result.turns = turns_;
    result.duration = now() - io::SimNet::kStart;
    result.sights = sights;
    result.network = scene_.net.counts();
    result.server += loop_->stats();
#define COUNTER(name, help) scene_.note(result.server.name);
#include "server/counters.def"
#undef COUNTER
    result.digest = scene_.digest;
    return result;
  }

  static constexpr std::uint16_t kPort = 80;

  Scene scene_;
  std::function<bool()> done_;
  std::unique_ptr<Dispatch> dispatch_;
  Io server_io_;
  io::SimIo client_io_;
  std::unique_ptr<Loop<Io, Dispatch>> loop_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::uint64_t turns_ = 0;
};

}  // namespace httpdyno::sim
