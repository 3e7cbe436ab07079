#include "loadgen/report/quantile_text.h"

#include <fmt/format.h>

#include "loadgen/base/text.h"

namespace httpdyno::loadgen {

std::string value_text(const Quantile& quantile) {
  if (!quantile.enough) return "n/a";
  return (quantile.at_least ? "≥ " : "") + with_unit_of_time(quantile.value);
}

std::string interval_text(const Quantile& quantile) {
  if (!quantile.enough || (!quantile.low && !quantile.high)) return "";
  return fmt::format("{} to {}", quantile.low ? with_unit_of_time(*quantile.low) : "?",
                     quantile.high ? with_unit_of_time(*quantile.high) : "?");
}

nlohmann::ordered_json quantile_json(const Quantile& quantile) {
  const auto known = [&](std::optional<std::int64_t> value) {
    return quantile.enough && value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  return {
      {"percent", quantile.percent}, {"value", known(quantile.value)}, {"at_least", quantile.at_least},
      {"low", known(quantile.low)},  {"high", known(quantile.high)},
  };
}

}  // namespace httpdyno::loadgen
