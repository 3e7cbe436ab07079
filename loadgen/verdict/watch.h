// Watches the machine while a load runs, and gives what speaks for or against the run as evidence.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loadgen/verdict/readings.h"
#include "loadgen/verdict/verdict.h"
#include "net/base/time.h"

namespace httpdyno::loadgen {

// Belongs to one thread.
class Watch {
 public:
  // `threads` are the kernel's ids (gettid) of the generator's threads.
  explicit Watch(std::span<const pid_t> threads);

  // At the begin of the measured part, about each second of it, and at its end. `spun` is how long each thread
  // has spun for the next due time since it began, in the order of the threads; empty: none ever did.
  void look(Time now, std::span<const Duration> spun = {});

  // From the first look to the last; of a thread that ended before, to the last look that found it.
  MachineEvidence evidence() const;

 private:
  struct ThreadReading {
    Time at;
    Duration worked{};  // CPU time less the spinning
    std::optional<Duration> run_queue_delay;
    std::optional<std::uint64_t> involuntary_switches;
  };
  struct Thread {
    pid_t id = 0;
    ThreadReading first;
    ThreadReading last;
    ThreadReading second;  // where the present second began
  };
  struct MachineReading {
    Time at;
    std::optional<std::uint64_t> ticks;
    std::optional<std::uint64_t> steal_ticks;
    std::optional<Duration> throttled;
    std::optional<std::uint64_t> segments_sent;
    std::optional<std::uint64_t> segments_sent_again;
    std::optional<std::uint64_t> listen_drops;
  };

  MachineReading read_machine(Time now) const;
  std::optional<Duration> read_throttled() const;

  cpu_set_t cores_;  // that this process may use
  std::vector<std::string> cpu_stat_paths_;
  std::vector<Thread> threads_;
  bool began_ = false;
  MachineReading first_;
  MachineReading last_;
  std::optional<double> busiest_second_;
};

}  // namespace httpdyno::loadgen
