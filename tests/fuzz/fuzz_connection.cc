// The whole server over a backend without a kernel: clients that send, pause, stop reading, end and vanish.
//
// An input is what the clients send, as it is; 0xff and a letter between the octets is something that happens
// (see World::happen). It runs once with handlers inline and once with a worker that answers when the input says so.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/base/assert.h"
#include "server/inline_dispatch.h"
#include "server/loop.h"
#include "tests/fuzz/connection_model.h"
#include "tests/fuzz/fuzz.h"
#include "tests/server/fake_io.h"
#include "tests/server/manual_dispatch.h"

namespace httpdyno::fuzz {
namespace {

constexpr char kEscape = '\xff';
constexpr std::size_t kClientsMax = 4;

// Small enough for an input to reach each of them.
Config make_config(bool pooled) {
  Config config;
  if (pooled) config.timeout_handler = 1s;
  config.max_conn = 3;
  config.read_buf_cap = 2048;
  config.head_bytes_max = 1024;
  config.body_bytes_max = 1500;
  config.field_bytes_max = 512;
  config.output_bytes_max = 4096;
  config.pipeline_depth_max = 8;
  config.requests_per_turn = 4;
  config.linger_bytes_max = 4096;
  config.buffer_retain_bytes_max = 64 * 1024;
  config.fields_max = 8;
  config.target_bytes_max = 128;
  config.request_count = 20;
  return config;
}

struct Client {
  std::shared_ptr<FakePeer> peer;
  std::string sent;
  bool ended = false;
};

template <class Dispatch>
class World {
 public:
  template <class... Args>
  explicit World(Args&&... args) : dispatch_(std::forward<Args>(args)...), loop_(config_, io_, dispatch_) {
    connect();
  }

  void play(std::string_view script) {
    for (std::size_t i = 0; i < script.size(); ++i) {
      if (script[i] != kEscape || i + 1 == script.size()) {
        segment_.push_back(script[i]);
        continue;
      }
      deliver();
      const char argument = i + 2 < script.size() ? script[i + 2] : '\0';
      i += 1 + happen(script[i + 1], static_cast<unsigned char>(argument));
    }
    deliver();
  }

  // What was asked is answered, what is open is closed, and nothing is left.
  void finish() {
    for (Client& client : clients_) client.peer->take = SIZE_MAX;
    if (accept_failed_) advance(kAcceptRetry + 10ms);
    settle();
    for (const Client& client : clients_) check(client, in_order());
    for (Client& client : clients_) client.peer->end = true;
    settle();
    const Stats& stats = loop_.stats();
    // Who connected in vain is accepted when there is room again.
    const auto some_left = [&] {
      return stats.active() > 0 || (!loop_stopped_ && stats.accepted.value() < clients_.size());
    };
    for (int i = 0; i < kSecondsMax && some_left(); ++i) {
      advance(1s);
      settle();
    }
    ASSERT(stats.active() == 0 && "every connection ends");
    std::uint64_t written = 0;
    std::uint64_t sent = 0;
    for (const Client& client : clients_) {
      check(client, false);
      ASSERT((client.peer->server_closed || loop_stopped_) && "every socket is closed");
      written += client.peer->written.size();
      sent += client.sent.size();
    }
    ASSERT(stats.bytes_sent.value() == written && stats.bytes_received.value() <= sent);
    ASSERT(!loop_stopped_ || loop_.stopped());
  }

 private:
  static constexpr int kSecondsMax = 64;

  // Returns 1 when the argument was used.
  std::size_t happen(char letter, unsigned char argument) {
    FakePeer& peer = *clients_[current_].peer;
    switch (letter) {
      case 's': return 0;  // the segment ends: what follows is received by itself
      case 't': turn(); return 0;
      case 'a': advance(std::chrono::milliseconds(1 << (argument % 14))); return 1;
      case 'n': connect(); return 0;
      case 'c': current_ = (current_ + 1) % clients_.size(); return 0;
      case 'e':
        clients_[current_].ended = true;
        peer.end = true;
        return 0;
      case 'r':
        clients_[current_].ended = reset_ = true;
        peer.reset = ECONNRESET;
        return 0;
      case 'o': peer.take = argument; return 1;  // octets that the kernel still takes
      case 'u': peer.take = SIZE_MAX; return 0;
      case 'k': ++peer.acknowledged; return 0;
      case 'w': work(); return 0;
      case 'b': begin_work(); return 0;  // what a worker began is done with the next 'w'
      case 'f':
        io_.fail_accept(EMFILE);
        accept_failed_ = true;
        return 0;
      case 'q':
        loop_.stop();
        loop_stopped_ = true;
        return 0;
      default: segment_.append({kEscape, letter}); return 0;
    }
  }

  void connect() {
    if (clients_.size() == kClientsMax) return;
    current_ = clients_.size();
    clients_.emplace_back().peer = io_.connect();
  }

  void deliver() {
    Client& client = clients_[current_];
    if (!client.ended && !segment_.empty()) {
      client.sent.append(segment_);
      client.peer->to_server.push_back(segment_);
    }
    segment_.clear();
  }

  void turn() {
    const Error error = loop_.turn(Duration::zero());
    ASSERT(!error);
    loop_.check_invariants();
  }

  void advance(Duration duration) {
    io_.advance(duration);
    passed_ += duration;
    turn();
  }

  void begin_work() {
    if constexpr (Dispatch::kPooled) {
      if (!dispatch_.queued.empty()) begun_.push_back(dispatch_.begin());
    }
  }
  void work() {
    if constexpr (Dispatch::kPooled) {
      if (begun_.empty()) begin_work();
      if (begun_.empty()) return;
      for (Job* job : begun_) dispatch_.end(job);
      begun_.clear();
      io_.waker().wake();
    }
  }

  // Turns until nothing moves any more.
  void settle() {
    for (int quiet = 0; quiet < 3;) {
      const std::uint64_t before = moved();
      work();
      turn();
      quiet = moved() == before ? quiet + 1 : 0;
    }
  }
  std::uint64_t moved() const {
    const Stats& stats = loop_.stats();
    return stats.accepted.value() + stats.requests.value() + stats.bytes_received.value() +
           stats.bytes_sent.value() + stats.closed.value() + stats.accept_errors.value();
  }

  // No deadline has passed, and nothing else has happened for which a request may go without its answer.
  bool in_order() const {
    const Stats& stats = loop_.stats();
    return !reset_ && !loop_stopped_ && stats.shed.value() == 0 &&
           stats.accepted.value() == clients_.size() &&
           passed_ < std::min({config_.timeout_request, config_.timeout_keepalive, config_.timeout_write,
                               config_.timeout_linger}) &&
           (!Dispatch::kPooled || passed_ < config_.timeout_handler);
  }

  void check(const Client& client, bool all) const {
    const std::vector<Answer> expected = expected_answers(client.sent, config_);
    const std::vector<Answer> answers = parse_answers(client.peer->written, expected, !all);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const Answer& answer = answers[i];
      ASSERT((answer.keep_alive || i + 1 == answers.size()) && "nothing follows the final answer");
      if (answer.status == 408 || answer.status == 503 || answer.status == 504) {
        ASSERT(!answer.keep_alive && !all && "given up only for a reason");
        continue;
      }
      const Answer& wanted = expected[i];
      ASSERT(answer.status == wanted.status && "the right answer, in order");
      // Without a length the end of the connection is the end of the content, whatever made it end.
      const std::string_view body =
          std::string_view(wanted.body).substr(0, all ? wanted.body.npos : answer.body.size());
      ASSERT((wanted.refusal || answer.body == body) && "with the right content");
      ASSERT((answer.keep_alive == wanted.keep_alive || (loop_stopped_ && !answer.keep_alive)) &&
             "and it says whether the connection goes on");
    }
    if (!all) return;
    const bool ends_broken = !expected.empty() && expected.back().broken;
    ASSERT(answers.size() + (ends_broken ? 1 : 0) == expected.size() && "each request has its answer");
  }

  const Config config_ = make_config(Dispatch::kPooled);
  FakeIo io_;
  Dispatch dispatch_;
  Loop<FakeIo, Dispatch> loop_;
  std::vector<Client> clients_;
  std::size_t current_ = 0;
  std::vector<Job*> begun_;
  std::string segment_;
  Duration passed_{};
  bool reset_ = false;
  bool loop_stopped_ = false;
  bool accept_failed_ = false;
};

template <class Dispatch, class... Args>
void run(std::string_view script, Args&&... args) {
  World<Dispatch> world(std::forward<Args>(args)...);
  world.play(script);
  world.finish();
}

}  // namespace
}  // namespace httpdyno::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace httpdyno::fuzz;
  const std::string_view script = text_of(data, size);
  run<httpdyno::InlineDispatch<App>>(script, httpdyno::Config(), App());
  run<httpdyno::ManualDispatch<App>>(script);
  return 0;
}
