// Where to look next for the knee: the highest rate at which an objective holds. Knows no clock and no server.
//
// Up by doubling until a rate is too high, then by halves on the logarithm between the highest rate that holds
// and the lowest that does not. A rate that stays undecided after its repetitions lies too near to the knee for
// steps of this length: what is below it and what is above it are still searched.
//
// Invariant: holds() < unsure_low_ <= unsure_high_ < limit(), as far as each is known.
#pragma once

#include <cstdint>
#include <optional>

#include "loadgen/base/rate.h"
#include "loadgen/work/objective.h"

namespace httpdyno::loadgen {

class KneeSearch {
 public:
  // The bracket is narrow enough at this ratio of its ends.
  static constexpr double kPrecision = 1.05;
  // A step that decides nothing is repeated, each time twice as long.
  static constexpr std::uint32_t kRepeatsMax = 2;

  KneeSearch(Rate first, std::uint32_t steps_max) : next_(first), steps_left_(steps_max) {}

  bool done() const { return done_ || steps_left_ == 0; }
  // What to measure next, while not done: this rate, for so many times the usual length.
  Rate rate() const { return next_; }
  std::uint32_t length() const { return 1U << repeats_; }
  // How it went.
  void record(Outcome outcome);

  // The knee lies between these two, each of them measured.
  std::optional<Rate> holds() const { return holds_; }
  std::optional<Rate> fails() const { return fails_; }
  // The lowest rate that could not be measured, if that is what ended the way up.
  std::optional<Rate> unmeasured() const { return unmeasured_; }

 private:
  std::optional<Rate> limit() const;
  void choose();
  // The middle of two rates on the logarithm; none when they are near enough.
  static std::optional<Rate> between(Rate low, Rate high);

  Rate next_;
  std::uint32_t steps_left_;
  std::uint32_t repeats_ = 0;
  bool done_ = false;
  std::optional<Rate> holds_;
  std::optional<Rate> unsure_low_;
  std::optional<Rate> unsure_high_;
  std::optional<Rate> fails_;
  std::optional<Rate> unmeasured_;
};

}  // namespace httpdyno::loadgen
