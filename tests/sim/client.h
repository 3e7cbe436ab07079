// A simulated client: sends its script as its plan says, and holds what comes back against the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/prng.h"
#include "net/http/response_parser.h"
#include "net/io/sim/sim_io.h"
#include "tests/sim/scene.h"

namespace httpdyno::sim {

// One connection. Invariant: answers 0 to answered_ - 1 have been received whole and were right.
class Client {
 public:
  Client(Scene& scene, io::SimIo& io, std::uint32_t index);

  void begin();
  void on_completion(const io::Completion& completion);
  // Looks at what no completion tells: that the server has closed a connection that nobody reads.
  void look();
  bool done() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t { waiting, connecting, open, closing, done };

  const Exchange& exchange(std::size_t index) const { return script_[index]; }
  io::ConnId id() const { return {index_, 0}; }
  bool reads() const { return plan_.manner != Manner::deaf || answered_ < plan_.hears; }

  // sending
  std::size_t may_send_up_to() const;
  void pump();
  bool breaks_here();
  void on_sent(std::size_t count);

  // receiving
  void on_bytes(std::string_view bytes);
  void count_interim();
  void on_answer();
  void on_end(int error);
  void close(bool rude);

  // the model
  void judge_answer(const Exchange& asked, const http::ResponseHead& head);
  void judge_timeout(bool keep_alive);
  void judge_shedding(bool keep_alive);
  void judge_late_handler(const Exchange& asked, bool keep_alive);
  void judge_end(int error);
  void judge_eviction();
  bool was_drained() const;
  void stamp_arrivals();
  template <class... Args>
  void complain(fmt::format_string<Args...> text, Args&&... args) {
    std::string line = fmt::format(text, std::forward<Args>(args)...);
    scene_->log("client {}: WRONG: {}", index_, line);
    scene_->witness.complain(fmt::format("client {}, answer {}: {}", index_, answered_, line));
  }

  Scene* scene_;
  io::SimIo* io_;
  std::uint32_t index_;
  const ClientPlan& plan_;
  const std::vector<Exchange>& script_;
  Prng random_;
  State state_ = State::waiting;

  // What is sent: all requests, one behind the other.
  std::string stream_;
  std::vector<std::size_t> ends_;  // of each request in stream_
  std::size_t sent_ = 0;           // octets that the network has taken
  bool sending_ = false;
  bool paused_ = false;
  bool quiet_ = false;  // sends nothing more
  bool ended_ = false;  // has ended its side
  std::vector<Time> first_sent_;
  std::vector<Time> arrived_;

  // What comes back.
  http::ResponseParser parser_;
  std::string head_;  // of the present answer, with the interim ones before it
  std::string body_;
  bool head_complete_ = false;
  bool deaf_ = false;  // has stopped reading
  std::size_t answered_ = 0;
  Time answered_at_{};       // the last of them
  std::size_t interim_ = 0;  // of the present answer
  bool last_answer_seen_ = false;
  bool was_refused_early_ = false;      // 408 or 503: what follows is not answered
  const io::SimEnd* server_ = nullptr;  // the other end, for the model's eyes only
};

}  // namespace httpdyno::sim
