// When a worker stood still: SIGSTOP, a suspended machine, a core that somebody else has.
#pragma once

#include <algorithm>

#include "net/base/time.h"

namespace httpdyno::loadgen {

// Shorter ones are everyday: a scheduler's slice or two. Those that matter show as send lag.
inline constexpr Duration kPauseFrom = 20ms;

struct Pauses {
  Duration longest{};
  Duration sum{};  // of those from kPauseFrom on

  // `late` is by how much one turn of a worker's loop, its wait and its work, took longer than it meant to wait.
  void saw(Duration late) {
    if (late < kPauseFrom) [[likely]]
      return;
    longest = std::max(longest, late);
    sum += late;
  }
  // Of another thread: the one that stood still most speaks for all. To add them up would call one stop of the
  // whole process many.
  void merge(const Pauses& other) {
    longest = std::max(longest, other.longest);
    sum = std::max(sum, other.sum);
  }
};

}  // namespace httpdyno::loadgen
