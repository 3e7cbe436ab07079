#include "loadgen/verdict/watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "loadgen/base/clocks.h"
#include "loadgen/base/duration.h"

namespace httpdyno::loadgen {

namespace {

// A second is over when so much of it is: looks come a little early or late. What is left at the end is none.
constexpr Duration kSecond = 900ms;

// A single segment sent again is no share of a few.
constexpr double kSegmentsMin = 10'000;

template <class Reading>
std::optional<double> difference(const std::optional<Reading>& first, const std::optional<Reading>& last) {
  if (!first || !last || *last < *first) return {};
  if constexpr (std::is_same_v<Reading, Duration>) {
    return to_seconds(*last - *first);
  } else {
    return static_cast<double>(*last - *first);
  }
}

std::optional<double> ratio(std::optional<double> part, double whole) {
  if (!part || whole <= 0) return {};
  return *part / whole;
}

void keep_largest(std::optional<double>& largest, std::optional<double> value) {
  if (value && (!largest || *value > *largest)) largest = value;
}

std::optional<std::string> read_of_thread(pid_t id, const char* file) {
  return read_text(fmt::format("/proc/self/task/{}/{}", id, file));
}

template <class Parse>
auto parsed(const std::optional<std::string>& text, Parse parse) -> decltype(parse(*text)) {
  if (!text) return {};
  return parse(*text);
}

}  // namespace

Watch::Watch(std::span<const pid_t> threads) {
  CPU_ZERO(&cores_);
  // Where there are more cores than the set holds, none is in it: steal is not known.
  if (::sched_getaffinity(0, sizeof cores_, &cores_) != 0) CPU_ZERO(&cores_);
  const auto cgroup = read_text("/proc/self/cgroup");
  const auto mountinfo = read_text("/proc/self/mountinfo");
  if (cgroup && mountinfo) cpu_stat_paths_ = cpu_stat_paths(*cgroup, *mountinfo);
  for (const pid_t id : threads) threads_.push_back({.id = id, .first = {}, .last = {}, .second = {}});
}

void Watch::look(Time now, std::span<const Duration> spun) {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Thread& thread = threads_[i];
    Duration cpu{};
    if (thread_cpu_of(thread.id, cpu)) continue;  // it has ended
    const ThreadReading reading{
        .at = now,
        .worked = cpu - (i < spun.size() ? spun[i] : Duration::zero()),
        .run_queue_delay = parsed(read_of_thread(thread.id, "schedstat"), parse_run_queue_delay),
        .involuntary_switches = parsed(read_of_thread(thread.id, "status"), parse_involuntary_switches),
    };
    if (!began_) thread.first = thread.second = reading;
    if (now - thread.second.at >= kSecond) {
      keep_largest(busiest_second_,
                   to_seconds(reading.worked - thread.second.worked) / to_seconds(now - thread.second.at));
      thread.second = reading;
    }
    thread.last = reading;
  }
  last_ = read_machine(now);
  if (!began_) first_ = last_;
  began_ = true;
}

MachineEvidence Watch::evidence() const {
  MachineEvidence evidence;
  evidence.busiest_second = busiest_second_;
  for (const auto& [id, first, last, second] : threads_) {
    const double seconds = to_seconds(last.at - first.at);
    // Shorter than a second: the whole stands for it.
    if (!busiest_second_) {
      keep_largest(evidence.busiest_second, ratio(to_seconds(last.worked - first.worked), seconds));
    }
    keep_largest(evidence.run_queue, ratio(difference(first.run_queue_delay, last.run_queue_delay), seconds));
    keep_largest(evidence.involuntary_per_second,
                 ratio(difference(first.involuntary_switches, last.involuntary_switches), seconds));
  }
  evidence.steal = ratio(difference(first_.steal_ticks, last_.steal_ticks),
                         difference(first_.ticks, last_.ticks).value_or(0));
  evidence.throttled = ratio(difference(first_.throttled, last_.throttled), to_seconds(last_.at - first_.at));
  if (const auto sent = difference(first_.segments_sent, last_.segments_sent)) {
    evidence.retransmitted = ratio(difference(first_.segments_sent_again, last_.segments_sent_again),
                                   std::max(*sent, kSegmentsMin));
  }
  evidence.listen_dropped = difference(first_.listen_drops, last_.listen_drops);
  return evidence;
}

Watch::MachineReading Watch::read_machine(Time now) const {
  const auto net_counter = [](const std::optional<std::string>& text, const char* protocol,
                              const char* name) {
    return parsed(text, [&](auto& known) { return parse_net_counter(known, protocol, name); });
  };
  const auto snmp = read_text("/proc/self/net/snmp");
  const auto netstat = read_text("/proc/self/net/netstat");
  const auto ticks = parsed(read_text("/proc/stat"), [this](auto& text) { return parse_stat(text, cores_); });
  return {
      .at = now,
      .ticks = ticks ? std::optional(ticks->total) : std::nullopt,
      .steal_ticks = ticks ? std::optional(ticks->steal) : std::nullopt,
      .throttled = read_throttled(),
      .segments_sent = net_counter(snmp, "Tcp", "OutSegs"),
      .segments_sent_again = net_counter(snmp, "Tcp", "RetransSegs"),
      .listen_drops = net_counter(netstat, "TcpExt", "ListenDrops"),  // those by overflow are among them
  };
}

// The sum over the groups that tell: a group counts what its own quota took.
std::optional<Duration> Watch::read_throttled() const {
  std::optional<Duration> sum;
  for (const std::string& path : cpu_stat_paths_) {
    const auto throttled = parsed(read_text(path), parse_throttled);
    if (throttled) sum = sum.value_or(Duration::zero()) + *throttled;
  }
  return sum;
}

}  // namespace httpdyno::loadgen
