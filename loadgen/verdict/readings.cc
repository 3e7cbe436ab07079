#include "loadgen/verdict/readings.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "net/io/socket.h"

namespace httpdyno::loadgen {

namespace {

// What is before the next `separator`, which is taken off `rest`, too.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return piece;
}

// The next word between blanks; empty at the end.
std::string_view take_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  return word;
}

std::optional<std::uint64_t> to_number(std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return {};
  return number;
}

// The number that follows `name` on a line of its own.
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    if (take_word(line) == name) return to_number(take_word(line));
  }
  return {};
}

// "cpu" among "cpu,cpuacct".
bool lists(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    if (take_until(names, ',') == name) return true;
  }
  return false;
}

struct Mount {
  std::string_view root;  // what of the hierarchy is mounted
  std::string_view point;
  std::string_view type;
  std::string_view options;
};

// proc(5): id, parent, device, root, point, options, optional fields, "-", type, source, options of the super block.
Mount parse_mount(std::string_view line) {
  Mount mount;
  for (int i = 0; i < 3; ++i) take_word(line);
  mount.root = take_word(line);
  mount.point = take_word(line);
  std::string_view word = take_word(line);
  while (!word.empty() && word != "-") word = take_word(line);
  mount.type = take_word(line);
  take_word(line);
  mount.options = take_word(line);
  return mount;
}

// From the group `path` up to what is mounted.
void add_paths(const Mount& mount, std::string_view path, std::vector<std::string>& out) {
  if (mount.root != "/") {
    if (!path.starts_with(mount.root)) return;
    path.remove_prefix(mount.root.size());
  }
  if (path.starts_with("/..")) return;  // of another name space
  while (!path.empty()) {
    if (path != "/") out.push_back(std::string(mount.point).append(path).append("/cpu.stat"));
    path = path.substr(0, path.rfind('/'));
  }
  out.push_back(std::string(mount.point).append("/cpu.stat"));
}

}  // namespace

std::optional<CpuTicks> parse_stat(std::string_view text, const cpu_set_t& cores) {
  constexpr std::size_t kSteal =
      7;  // after user, nice, system, idle, iowait, irq, softirq; guests are within user
  CpuTicks ticks;
  bool known = false;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view name = take_word(line);
    if (!name.starts_with("cpu")) continue;
    const auto core = to_number(name.substr(3));
    if (!core || *core >= CPU_SETSIZE || !CPU_ISSET(*core, &cores)) continue;
    for (std::size_t i = 0; i <= kSteal; ++i) {
      const auto value = to_number(take_word(line));
      if (!value) return {};
      ticks.total += *value;
      if (i == kSteal) ticks.steal += *value;
    }
    known = true;
  }
  if (!known) return {};
  return ticks;
}

std::optional<Duration> parse_run_queue_delay(std::string_view text) {
  std::string_view line = take_until(text, '\n');
  const auto ran = to_number(take_word(line));
  const auto delay = to_number(take_word(line));
  const auto slices = to_number(take_word(line));
  if (!ran || !delay || !slices || (*ran == 0 && *slices == 0)) return {};
  return Duration(*delay);
}

std::optional<std::uint64_t> parse_involuntary_switches(std::string_view text) {
  return number_after(text, "nonvoluntary_ctxt_switches:");
}

std::optional<Duration> parse_throttled(std::string_view text) {
  if (const auto us = number_after(text, "throttled_usec")) return std::chrono::microseconds(*us);
  if (const auto ns = number_after(text, "throttled_time")) return Duration(*ns);
  return {};
}

std::vector<std::string> cpu_stat_paths(std::string_view cgroup, std::string_view mountinfo) {
  std::vector<std::string> paths;
  while (!mountinfo.empty()) {
    const Mount mount = parse_mount(take_until(mountinfo, '\n'));
    const bool unified = mount.type == "cgroup2";
    if (!unified && !(mount.type == "cgroup" && lists(mount.options, "cpu"))) continue;
    for (std::string_view rest = cgroup; !rest.empty();) {
      std::string_view path = take_until(rest, '\n');  // "4:cpu,cpuacct:/user", or "0::/user" of version 2
      const std::string_view hierarchy = take_until(path, ':');
      const std::string_view controllers = take_until(path, ':');
      if (unified ? hierarchy == "0" && controllers.empty() : lists(controllers, "cpu")) {
        add_paths(mount, path, paths);
      }
    }
  }
  return paths;
}

std::optional<std::uint64_t> parse_net_counter(std::string_view text, std::string_view protocol,
                                               std::string_view name) {
  while (!text.empty()) {
    std::string_view names = take_until(text, '\n');
    std::string_view values = take_until(text, '\n');
    if (take_until(names, ':') != protocol || take_until(values, ':') != protocol) continue;
    while (!names.empty()) {
      const std::string_view value = take_word(values);
      if (take_word(names) == name) return to_number(value);
    }
  }
  return {};
}

std::optional<std::string> read_text(const std::string& path) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string text;
  char piece[16 * 1024];
  ssize_t count = 0;
  while ((count = ::read(fd.get(), piece, sizeof piece)) > 0)
    text.append(piece, static_cast<std::size_t>(count));
  if (count < 0) return {};
  return text;
}

}  // namespace httpdyno::loadgen
