// The verdict of a run as people and as scripts read it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "loadgen/verdict/verdict.h"

namespace httpdyno::loadgen {

// {"level", "reasons": [{"key", "level", "text", "value", "limit"}], "values": {key: number or null}, "not_known": [key]}
nlohmann::ordered_json verdict_json(const Verdict& verdict);

// Lines of the summary, each with its line end: the level, each reason, and what the machine did not tell.
std::string verdict_lines(const Verdict& verdict);

// One line for stderr, without a line end: "the run is suspect: ...". Empty for a valid one.
std::string verdict_complaint(const Verdict& verdict);

}  // namespace httpdyno::loadgen
