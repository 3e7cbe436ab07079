// A percentile and its interval, for people and for scripts.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "loadgen/figures/quantile.h"

namespace httpdyno::loadgen {

// "≥ 2.00 s" where what was not answered may have taken any time beyond that; "n/a" for too small a sample.
std::string value_text(const Quantile& quantile);
// "300 µs to 330 µs", with "?" for an end that is not known; empty without any.
std::string interval_text(const Quantile& quantile);

// {"percent", "value", "at_least", "low", "high"}: null where not known.
nlohmann::ordered_json quantile_json(const Quantile& quantile);

}  // namespace httpdyno::loadgen
