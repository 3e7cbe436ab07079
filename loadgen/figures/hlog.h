// A log of histograms, interval by interval (.hlog, version 1.3), as HdrHistogram's libraries and their tools
// read it: as lines, without a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/figures/histogram.h"
#include "loadgen/figures/latency.h"

namespace httpdyno::loadgen {

// The log counts time in thousandths of a second.
using Milliseconds = std::chrono::milliseconds;

// What was recorded within one interval under one tag.
struct HlogInterval {
  std::string tag;       // without blanks and commas; empty: none
  Milliseconds begin{};  // since the log's base time
  Milliseconds length{};
  Histogram histogram;  // of ns
};

// Of values that are lower bounds there is a second line for the interval: how many, at the least bound, under
// the tag with this behind it. Other readers take it for one more tag.
inline constexpr std::string_view kCensoredSuffix = "_censored";

// The first lines. `base`, since the Unix epoch, is what the intervals count from.
std::string hlog_header(Milliseconds base);
// The greatest value stands in the line in ms, and is what HdrHistogram gives: the highest that its bucket
// cannot tell from it.
std::string hlog_line(std::string_view tag, Milliseconds begin, Milliseconds length,
                      const Histogram& histogram);
// One line, or two.
std::string hlog_lines(std::string_view tag, Milliseconds begin, Milliseconds length, const Latency& latency);

// Reads a log line by line, strictly: what is no comment is a whole interval or wrong.
class HlogParser {
 public:
  enum class Line : std::uint8_t { comment, interval, wrong };

  // The next line, without its end. After `interval` it is in interval(); after `wrong` error() says why
  // ("has no histogram"), and nothing more is to be parsed.
  Line parse(std::string_view line);
  // At the log's end: whether there was at least the header. Else as `wrong`.
  bool finish();

  const HlogInterval& interval() const { return interval_; }
  const std::string& error() const { return error_; }
  // Since the Unix epoch; known with the first interval.
  Milliseconds base() const { return base_; }

 private:
  Line parse_comment(std::string_view line);
  Line parse_interval(std::string_view line);
  void decide_base();
  Line wrong(std::string reason);

  HlogInterval interval_;
  std::string error_;
  Milliseconds start_{};
  Milliseconds base_{};
  bool versioned_ = false;
  bool based_ = false;
};

}  // namespace httpdyno::loadgen
