#include "loadgen/commands/slices.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace httpdyno::loadgen {

std::string_view name_of(SideName side) { return side == SideName::a ? "a" : "b"; }

LogRatio log_ratio(const std::vector<Slice>& slices) {
  std::vector<double> values;
  for (std::size_t i = 0; i + 1 < slices.size(); i += 2) {
    double logarithm = 0;
    bool usable = true;
    for (const Slice* slice : {&slices[i], &slices[i + 1]}) {
      usable = usable && slice->requests != 0 && slice->cpu > Duration::zero();
      const double value =
          std::log(static_cast<double>(slice->cpu.count()) / static_cast<double>(slice->requests));
      logarithm += slice->side == SideName::b ? value : -value;
    }
    if (usable) values.push_back(logarithm);
  }
  LogRatio out;
  out.pairs = static_cast<std::uint32_t>(values.size());
  const auto count = static_cast<double>(values.size());
  for (double value : values) out.mean += value / count;
  double squares = 0;
  for (double value : values) squares += (value - out.mean) * (value - out.mean);
  if (values.size() > 1) out.standard_error = std::sqrt(squares / (count - 1) / count);
  return out;
}

std::string slice_ndjson(const Slice& slice, bool open_loop, const Latency& latency) {
  nlohmann::ordered_json json = {
      {"pair", slice.pair},         {"side", name_of(slice.side)}, {"position", slice.position},
      {"requests", slice.requests}, {"cpu_ns", slice.cpu.count()}, {"wall_ns", slice.wall.count()},
      {"errors", slice.errors},     {"sent", slice.sent},
  };
  if (open_loop) json["due"] = slice.due;
  json["censored"] = latency.censored();
  nlohmann::ordered_json& histogram = json[open_loop ? "response_ns" : "service_ns"];
  histogram = nlohmann::ordered_json::array();
  latency.values().each_recorded([&](std::int64_t /*lowest*/, std::int64_t highest, std::int64_t count) {
    histogram.push_back({highest, count});
  });
  return json.dump() + "\n";
}

}  // namespace httpdyno::loadgen
