#include "loadgen/report/ndjson.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace httpdyno::loadgen {

namespace {

using Json = nlohmann::ordered_json;

Json latency_json(const Latency& latency) {
  const Histogram& values = latency.values();
  Json json = {{"count", values.total()}, {"censored", latency.censored()}};
  Json bounds = Json::array();
  for (const SecondPercentile& each : kSecondPercentiles) {
    const std::string key(each.key);
    const std::int64_t value = values.percentile(each.percent);
    json[key] = values.total() == 0 ? Json() : Json(value);
    if (values.total() != 0 && latency.is_bound(value)) bounds.push_back(key);
  }
  json["at_least"] = std::move(bounds);
  return json;
}

}  // namespace

std::string second_ndjson(const SecondFigures& second) {
  Json json = {{"begin_s", second.begin_s},
               {"length_s", second.length_s},
               {"sent", second.sent},
               {"answered", second.answered},
               {"errors", second.errors}};
  second.each_latency([&](std::string_view name, const Latency& latency) {
    json[fmt::format("{}_ns", name)] = latency_json(latency);
  });
  return json.dump() + "\n";
}

}  // namespace httpdyno::loadgen
