// What the connections of one worker share and write into, and how it gets to the thread that watches.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "loadgen/drive/head_memo.h"
#include "loadgen/figures/tally.h"
#include "loadgen/work/script.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// The memo is the kind's own: a mix would make it forget, and a head that answers a HEAD means something else
// than the same octets after a GET.
struct KindState {
  const RequestKind* request;
  KindTally* tally;  // where the ledger is written at present
  HeadMemo memo;
};

// Two tallies: one is written by the worker's thread, the other is the watcher's or empty. Whoever has one
// gives it up by a store to `handed_`: nobody waits, nothing is locked, and a watcher that is late finds a
// longer stretch, not a lost one.
class Ledger {
 public:
  // `script` outlives the ledger. In an open loop requests have a due time of their own.
  Ledger(const Script& script, bool open_loop) : open_loop_(open_loop) {
    for (Tally& tally : tallies_) tally.kinds.resize(script.kinds.size());
    kinds_.reserve(script.kinds.size());
    for (std::size_t i = 0; i < script.kinds.size(); ++i) {
      kinds_.push_back({.request = &script.kinds[i], .tally = &tallies_[0].kinds[i], .memo = {}});
    }
  }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Before all else, where the kernel's stamps are asked for: the memory is there before it is needed.
  void expect_kernel_stamps() {
    for (Tally& tally : tallies_) tally.kernel.emplace();
  }

  // The worker's thread.
  bool open_loop() const { return open_loop_; }
  Tally& tally() { return tallies_[active_]; }
  std::vector<KindState>& kinds() { return kinds_; }
  const Window& window() const { return window_; }
  void set_window(const Window& window) { window_ = window; }
  // How many answers have been counted since the last offer().
  std::uint64_t answered() const { return tallies_[active_].answered(); }
  void end_window(Time until) { window_.until = std::min(window_.until, until); }
  // Hands over what has been written, if the watcher is done with what it got last.
  void offer();

  // A request has been answered in full.
  void answer_well(const KindState& kind, const Stamps& stamps, Time now) {
    KindTally& tally = *kind.tally;
    count_answer(tally, now);
    if (!window_.holds(stamps.due) || now > window_.until) [[unlikely]]
      count_apart(stamps, now);
    if (!window_.holds(stamps.due)) [[unlikely]]
      return;
    tally.latencies.service.record((now - stamps.sent).count());
    tally.latencies.first_byte.record((stamps.first_byte - stamps.sent).count());
    if (!open_loop_) return;
    tally.latencies.queue.record((stamps.sent - stamps.due).count());
    tally.latencies.response.record((now - stamps.due).count());
  }
  void answer_badly(const KindState& kind, const Stamps& stamps, ErrorKind error, int detail, Time now) {
    count_answer(*kind.tally, now);
    kind.tally->errors.add({error, AnswerProgress::whole, detail});
    tally().in_flight_apart += window_.part_of(stamps.sent, now);
  }
  // It will not be answered. `begun`, here and below: the first octet of its answer has come.
  void lose(const KindState& kind, const Stamps& stamps, ErrorKind error, int detail, bool begun, Time now) {
    kind.tally->errors.add({error, progress(begun), detail});
    tally().in_flight_apart += window_.part_of(stamps.sent, now);
  }
  // It has not been answered within the timeout, or when the run ended, and is waited for no longer: all its
  // latencies are at least as long as they are now.
  void time_out(const KindState& kind, const Stamps& stamps, bool begun, Time now) {
    kind.tally->errors.add({ErrorKind::timeout, progress(begun)});
    censor(kind, stamps, begun, now);
  }
  void abandon(const KindState& kind, const Stamps& stamps, bool begun, Time now) {
    ++kind.tally->unanswered;
    censor(kind, stamps, begun, now);
  }
  // It was due, and has not been sent.
  void leave_unsent(Time due, bool shed, Time now);

  // The watcher's thread, or any when the worker does not run: adds what has been handed over to `out`.
  // False: nothing was.
  bool take(Tally& out);
  // When the worker does not run: adds all that there is.
  void take_all(Tally& out);

 private:
  static AnswerProgress progress(bool begun) {
    return begun ? AnswerProgress::mid_response : AnswerProgress::before_first_byte;
  }
  void count_answer(KindTally& tally, Time now) const {
    ++tally.answered;
    if (window_.holds(now)) ++tally.answered_in_window;
  }
  void count_apart(const Stamps& stamps, Time now);
  void censor(const KindState& kind, const Stamps& stamps, bool begun, Time now);

  const bool open_loop_;
  Window window_;
  std::size_t active_ = 0;
  std::vector<KindState> kinds_;
  Tally tallies_[2];
  std::atomic<bool> handed_ = false;  // the tally that is not active is the watcher's
};

}  // namespace httpdyno::loadgen
