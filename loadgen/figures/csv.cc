#include "loadgen/figures/csv.h"

#include <fmt/format.h>

namespace httpdyno::loadgen {

std::string csv_header(const SecondFigures& second) {
  std::string line = "second_s,length_s,sent,answered,errors";
  second.each_latency([&](std::string_view name, const Latency&) {
    for (const SecondPercentile& each : kSecondPercentiles) line += fmt::format(",{}_{}_ns", name, each.key);
    line += fmt::format(",{0}_censored,{0}_least_censored_ns", name);
  });
  return line + "\n";
}

std::string csv_row(const SecondFigures& second) {
  std::string line = fmt::format("{:.3f},{:.3f},{},{},{}", second.begin_s, second.length_s, second.sent,
                                 second.answered, second.errors);
  second.each_latency([&](std::string_view, const Latency& latency) {
    for (const SecondPercentile& each : kSecondPercentiles) {
      line += ',';
      if (latency.values().total() != 0) line += fmt::to_string(latency.values().percentile(each.percent));
    }
    line += fmt::format(",{},", latency.censored());
    if (latency.censored() != 0) line += fmt::to_string(latency.least_censored());
  });
  return line + "\n";
}

}  // namespace httpdyno::loadgen
