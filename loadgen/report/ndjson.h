// A run second by second as one object of JSON in each line, for programs that follow it.
#pragma once

#include <string>

#include "loadgen/figures/second.h"

namespace httpdyno::loadgen {

// One line. The keys of the latencies are those of the report (report_json.cc); "at_least" names the
// percentiles that are only lower bounds.
std::string second_ndjson(const SecondFigures& second);

}  // namespace httpdyno::loadgen
