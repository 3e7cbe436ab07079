#include "server/stats.h"

#include <fmt/format.h>

#include <iterator>

namespace httpdyno {

namespace {

// OpenMetrics wants the unit last, and said once more in a line of its own.
void add_metric(std::string& text, std::string_view name, std::string_view type, std::string_view help,
                std::uint64_t value) {
  constexpr std::string_view kBytes = "bytes_";
  const bool bytes = name.starts_with(kBytes);
  const std::string family =
      bytes ? fmt::format("httpdyno_{}_bytes", name.substr(kBytes.size())) : fmt::format("httpdyno_{}", name);
  auto out = std::back_inserter(text);
  fmt::format_to(out, "# TYPE {} {}\n", family, type);
  if (bytes) fmt::format_to(out, "# UNIT {} bytes\n", family);
  fmt::format_to(out, "# HELP {} {}\n", family, help);
  fmt::format_to(out, "{}{} {}\n", family, type == "counter" ? "_total" : "", value);
}

}  // namespace

StatsTotal& StatsTotal::operator+=(const Stats& stats) {
#define COUNTER(name, help) name += stats.name.value();
#include "server/counters.def"
#undef COUNTER
  active += stats.active();
  return *this;
}

std::string StatsTotal::json() const {
  std::string text = "{";
#define COUNTER(name, help) text.append("\"" #name "\":").append(std::to_string(name)).append(",");
#include "server/counters.def"
#undef COUNTER
  return text.append("\"active\":").append(std::to_string(active)).append("}");
}

std::string StatsTotal::openmetrics() const {
  std::string text;
#define COUNTER(name, help) add_metric(text, #name, "counter", help, name);
#include "server/counters.def"
#undef COUNTER
  add_metric(text, "active", "gauge", "connections that are open", active);
  text.append("# EOF\n");
  return text;
}

}  // namespace httpdyno
