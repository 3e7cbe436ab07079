// Follows a run tick by tick: its totals, its seconds, and its latencies by time, in memory that does not grow
// with its length.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "loadgen/figures/tally.h"
#include "loadgen/report/measured.h"
#include "loadgen/report/progress.h"
#include "loadgen/report/second_files.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// Belongs to the thread that watches. `files` and `progress` outlive it.
class Recorder {
 public:
  Recorder(bool open_loop, SecondFiles& files, Progress& progress)
      : open_loop_(open_loop), files_(files), progress_(progress) {}

  // Before the first tick: the measured part of the run.
  void begin(const Window& window);
  // What has been counted since the last one, about every kTick; `now` is when it was handed over.
  void add(const Tally& tick, Time now);
  // After the last tick, which was added: the rest is a second, too.
  void finish(Time now);

  const Tally& total() const { return total_; }
  Measured whole() const { return {total_.latencies(), series_}; }
  // Of each kind of a mix.
  std::vector<Measured> kinds() const;
  // Empty where the kernel's stamps were not asked for.
  std::optional<KernelMeasured> kernel() const;
  // Of each second: in an open loop of the response times, else of the service times. Seconds in which nothing
  // came to an end have none.
  const std::vector<std::int64_t>& medians() const { return medians_; }

 private:
  void end_second(Time now);

  bool open_loop_;
  SecondFiles& files_;
  Progress& progress_;
  Window window_;
  Tally total_;
  Tally second_;
  Time second_began_;
  Latencies tick_;  // of the present one; here because its memory is worth keeping
  Series series_;
  std::vector<Series> kinds_;
  KernelSeries kernel_;
  std::vector<std::int64_t> medians_;
};

}  // namespace httpdyno::loadgen
