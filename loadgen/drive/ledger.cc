#include "loadgen/drive/ledger.h"

namespace httpdyno::loadgen {

void Ledger::offer() {
  if (handed_.load(std::memory_order_acquire)) return;
  active_ ^= 1;
  for (std::size_t i = 0; i < kinds_.size(); ++i) kinds_[i].tally = &tally().kinds[i];
  handed_.store(true, std::memory_order_release);
}

bool Ledger::take(Tally& out) {
  if (!handed_.load(std::memory_order_acquire)) return false;
  // The worker does not change active_ while the other one is handed over.
  Tally& mine = tallies_[active_ ^ 1];
  out.merge(mine);
  mine.clear();
  handed_.store(false, std::memory_order_release);
  return true;
}

void Ledger::take_all(Tally& out) {
  take(out);
  out.merge(tally());
  tally().clear();
}

// Part of the request's time in flight lies outside of the window, or all of it does not count as measured.
void Ledger::count_apart(const Stamps& stamps, Time now) {
  const Duration held = window_.holds(stamps.due) ? now - stamps.sent : Duration::zero();
  tally().in_flight_apart += window_.part_of(stamps.sent, now) - held;
}

void Ledger::censor(const KindState& kind, const Stamps& stamps, bool begun, Time now) {
  count_apart(stamps, now);
  if (!window_.holds(stamps.due)) return;
  Latencies& latencies = kind.tally->latencies;
  latencies.service.record_at_least((now - stamps.sent).count());
  if (begun) {
    latencies.first_byte.record((stamps.first_byte - stamps.sent).count());
  } else {
    latencies.first_byte.record_at_least((now - stamps.sent).count());
  }
  if (!open_loop_) return;
  latencies.queue.record((stamps.sent - stamps.due).count());
  latencies.response.record_at_least((now - stamps.due).count());
}

void Ledger::leave_unsent(Time due, bool shed, Time now) {
  Tally& into = tally();
  ++(shed ? into.shed : into.queued);
  if (window_.holds(due)) into.unsent.record_at_least((now - due).count());
}

}  // namespace httpdyno::loadgen
