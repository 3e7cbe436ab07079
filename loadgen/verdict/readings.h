// What the kernel's text files tell of the machine, of this process's control group and of a thread. Each
// parser is a function of a text alone; a field that a kernel does not have is not known, which is not 0.
#pragma once

#include <sched.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/time.h"

namespace httpdyno::loadgen {

// Of some cores together, in clock ticks since boot.
struct CpuTicks {
  std::uint64_t total = 0;
  std::uint64_t steal = 0;  // wanted by this machine, given to another by its host
};

// /proc/stat, of the cores in `cores` that it lists.
std::optional<CpuTicks> parse_stat(std::string_view text, const cpu_set_t& cores);

// /proc/PID/task/TID/schedstat: how long the thread was ready to run and waited for a core. "0 0 0" is what a
// kernel writes that does not count.
std::optional<Duration> parse_run_queue_delay(std::string_view text);

// /proc/PID/task/TID/status: how often the thread was pushed off its core.
std::optional<std::uint64_t> parse_involuntary_switches(std::string_view text);

// cpu.stat of a control group, version 1 or 2: how long its cores were taken from it because its quota was
// used up. It has no such field where no quota can be set.
std::optional<Duration> parse_throttled(std::string_view text);

// The cpu.stat files of the control group that /proc/self/cgroup names and of those above it, as far as they
// are mounted (/proc/self/mountinfo), of both versions: a quota of any of them throttles.
std::vector<std::string> cpu_stat_paths(std::string_view cgroup, std::string_view mountinfo);

// /proc/net/snmp and /proc/net/netstat: pairs of lines, names above values. `protocol` as in "Tcp".
std::optional<std::uint64_t> parse_net_counter(std::string_view text, std::string_view protocol,
                                               std::string_view name);

// Empty when there is no such file, or it cannot be read.
std::optional<std::string> read_text(const std::string& path);

}  // namespace httpdyno::loadgen
