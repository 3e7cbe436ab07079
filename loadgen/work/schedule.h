// When requests are due: the arrivals of an open loop, dealt out to threads.
//
// Due times depend on the clock and on nothing else: not on answers, not on connections, not on how late the
// last request went out. A schedule is a cursor over them, so what is due and not yet sent needs no memory.
#pragma once

#include <cstdint>

#include "loadgen/base/rate.h"
#include "net/base/prng.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

struct Arrivals {
  enum class Kind : std::uint8_t {
    closed,    // nothing is due: an answer makes room for the next request
    constant,  // request k of the whole run at floor(k / rate), in ns
    poisson,   // independent exponential gaps: arrivals that nobody co-ordinates
    ramp,      // from rate to rate_to, linear over the schedule's length
  };
  Kind kind = Kind::closed;
  Rate rate;     // of all threads together
  Rate rate_to;  // of a ramp
  std::uint64_t seed = 1;

  bool open() const { return kind != Kind::closed; }
};

// The due times of thread `thread` of `threads`. Constant and ramp: it has every threads-th request of one
// series for the whole run, so the union is that series however many threads there are. Poisson: it has a
// stream of its own at rate / threads, whose superposition is again Poisson at the whole rate.
//
// Invariant: due_ is begin_ <= due_ < until_, or kNever; taken_ requests were due before it.
class Schedule {
 public:
  Schedule(const Arrivals& arrivals, Time begin, Time until, std::uint32_t thread, std::uint32_t threads);

  // The next request's time; kNever when nothing more is due before `until`.
  Time due() const { return due_; }
  // Takes that request; due() is not kNever.
  void advance();
  // How many have been taken.
  std::uint64_t taken() const { return taken_; }

 private:
  __extension__ using Wide = unsigned __int128;

  // The index of the next request in the series of all threads.
  std::uint64_t index() const { return thread_ + taken_ * threads_; }
  void move_by(std::uint64_t gap_ns);
  void place_by_ramp();
  void draw_gap();

  Arrivals arrivals_;
  Time begin_;
  Time until_;
  Time due_ = kNever;
  std::uint64_t thread_;
  std::uint64_t threads_;
  std::uint64_t taken_ = 0;
  // Constant: from one request to the next are step_ ns and step_rest_ / rate; rest_ / rate is what due_
  // leaves out.
  std::uint64_t step_ns_ = 0;
  std::uint64_t step_rest_ = 0;
  std::uint64_t rest_ = 0;
  // Poisson.
  Prng draws_;
  double mean_gap_ns_ = 0;
  double fraction_ns_ = 0;  // what due_ leaves out
};

}  // namespace httpdyno::loadgen
