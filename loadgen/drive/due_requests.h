// The due requests of one worker: a schedule, and a cursor that follows the clock as far as there is room.
//
// Nothing is stored. What waits is what lies between two cursors on the same schedule: the one that has taken
// its requests, and the one that the clock has reached.
#pragma once

#include <algorithm>
#include <cstdint>

#include "loadgen/drive/ledger.h"
#include "loadgen/work/schedule.h"
#include "net/base/assert.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

class DueRequests {
 public:
  // Nothing of `schedule` is due at `end` or later.
  DueRequests(const Schedule& schedule, Time end) : schedule_(schedule), arrived_(schedule), end_(end) {}

  // kNever when all have been taken.
  Time next() const { return schedule_.due(); }
  bool waiting(Time now) const { return next() <= now; }
  // The next one is sent now, `now` at or after its due time; returns that. Its delay is the generator's own,
  // unless it waited for room.
  Time take(Time now, Ledger& ledger) {
    const Time due = schedule_.due();
    DASSERT(due <= now);
    Tally& tally = ledger.tally();
    count(due, ledger);
    if (due > no_room_at_) {
      tally.send_lag.record((now - due).count());
      if (now >= end_) ++tally.missed;
    }
    schedule_.advance();
    return due;
  }
  // One was due and there was no connection for it.
  void note_no_room(Time now) { no_room_at_ = now; }

  // How many are due and have not been taken.
  std::uint64_t queued(Time now) {
    for (; arrived_.due() <= now; arrived_.advance()) {
    }
    return arrived_.taken() > schedule_.taken() ? arrived_.taken() - schedule_.taken() : 0;
  }
  std::uint64_t taken() const { return schedule_.taken(); }

  // The end of the run: everything that was due before `until` and has not been taken goes to the ledger, as
  // shed or as queued. `now`: until when it has waited.
  void leave(Time until, bool shed, Time now, Ledger& ledger) {
    for (; schedule_.due() < until; schedule_.advance()) {
      count(schedule_.due(), ledger);
      ledger.leave_unsent(schedule_.due(), shed, now);
    }
  }

 private:
  // Each request once, whatever becomes of it: when the cursor passes it.
  static void count(Time due, Ledger& ledger) {
    if (ledger.window().holds(due)) ++ledger.tally().due_in_window;
  }

  Schedule schedule_;
  Schedule arrived_;
  Time end_;
  Time no_room_at_;
};

}  // namespace httpdyno::loadgen
