// One line on a terminal that says how far a run is; silent where nobody watches.
#pragma once

#include <cstdint>
#include <string>

#include "loadgen/figures/second.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

class Progress {
 public:
  static constexpr Duration kEvery = 250ms;

  // Shows only if stderr is a terminal. `live`: a line for each second stays, wherever stderr goes.
  explicit Progress(bool live = false);
  // Leaves the line empty.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool shown() const { return shown_; }
  // A line of its own; only with `live`.
  void second(const SecondFigures& second);
  // `phase` is a word for what is going on; `answered` counts since the start.
  void show(const char* phase, Duration elapsed, Duration total, std::uint64_t answered);

 private:
  bool live_ = false;
  bool shown_ = false;
  bool dirty_ = false;
  Duration last_elapsed_{};
  std::uint64_t last_answered_ = 0;
};

}  // namespace httpdyno::loadgen
