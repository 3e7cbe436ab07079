#include "loadgen/work/knee_search.h"

#include <algorithm>
#include <cmath>

#include "net/base/assert.h"

namespace httpdyno::loadgen {

namespace {

double ratio(Rate low, Rate high) { return high.per_second() / low.per_second(); }

}  // namespace

void KneeSearch::record(Outcome outcome) {
  ASSERT(!done());
  --steps_left_;
  const bool decided = outcome == Outcome::holds || outcome == Outcome::fails;
  if (!decided && repeats_ < kRepeatsMax) {
    ++repeats_;
    return;
  }
  repeats_ = 0;
  if (outcome == Outcome::undecided) {
    unsure_low_ = unsure_low_ ? std::min(*unsure_low_, next_) : next_;
    unsure_high_ = unsure_high_ ? std::max(*unsure_high_, next_) : next_;
  } else {
    // What was unsure below a rate that holds, or above one that does not, no longer matters.
    const bool settled =
        unsure_low_ && (outcome == Outcome::holds ? *unsure_high_ < next_ : next_ < *unsure_low_);
    if (settled) unsure_low_ = unsure_high_ = std::nullopt;
    if (outcome == Outcome::holds) holds_ = next_;
    if (outcome == Outcome::fails) {
      fails_ = next_;
      unmeasured_ = std::nullopt;
    }
    if (outcome == Outcome::unmeasured) unmeasured_ = next_;
  }
  choose();
}

std::optional<Rate> KneeSearch::limit() const {
  if (fails_ && unmeasured_) return std::min(*fails_, *unmeasured_);
  return fails_ ? fails_ : unmeasured_;
}

void KneeSearch::choose() {
  const std::optional<Rate> high = limit();
  std::optional<Rate> chosen;
  if (!high) {
    if (next_ < kRateMax) chosen = std::min(Rate{2 * next_.micro}, kRateMax);
  } else if (holds_) {
    if (!unsure_low_) {
      chosen = between(*holds_, *high);
    } else if (ratio(*holds_, *unsure_low_) >= ratio(*unsure_high_, *high)) {
      chosen = between(*holds_, *unsure_low_);
    } else {
      chosen = between(*unsure_high_, *high);
    }
  }
  if (chosen) {
    next_ = *chosen;
  } else {
    done_ = true;
  }
}

std::optional<Rate> KneeSearch::between(Rate low, Rate high) {
  if (ratio(low, high) <= kPrecision) return std::nullopt;
  const double middle = std::sqrt(low.per_second() * high.per_second());
  // Where that does not matter, a number that is easily typed again.
  if (middle >= 1000) return Rate::of(static_cast<std::uint64_t>(std::llround(middle)));
  const Rate exact{static_cast<std::uint64_t>(std::llround(middle * Rate::kMicro))};
  // Rates of a few millionths have nothing between them.
  if (exact <= low || exact >= high) return std::nullopt;
  return exact;
}

}  // namespace httpdyno::loadgen
