// A run second by second as comma-separated values (RFC 4180, with LF), for spreadsheets and plots.
#pragma once

#include <string>

#include "loadgen/figures/second.h"

namespace httpdyno::loadgen {

// The names of the columns, units last. For each latency that `second` has: percentiles, maximum, how many of
// the values are lower bounds (censored), and the least of those: a percentile from there on is a bound, too.
std::string csv_header(const SecondFigures& second);
// One line. What there is no value for is empty.
std::string csv_row(const SecondFigures& second);

}  // namespace httpdyno::loadgen
