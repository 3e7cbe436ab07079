#include "loadgen/figures/hlog.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

#include "loadgen/base/identity.h"
#include "loadgen/figures/hdr_encoding.h"

namespace httpdyno::loadgen {

namespace {

constexpr std::string_view kVersionPrefix = "#[Histogram log format version ";
constexpr std::string_view kVersion = "1.3";
constexpr std::string_view kStartPrefix = "#[StartTime: ";
constexpr std::string_view kBasePrefix = "#[BaseTime: ";
constexpr std::string_view kLegend =
    R"("StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram")";
constexpr std::string_view kTagPrefix = "Tag=";
// Later than this no clock will be: 30,000 years.
constexpr double kSecondsMax = 1e12;

std::string seconds_text(Milliseconds time) {
  return fmt::format("{}.{:03}", time.count() / 1000, time.count() % 1000);
}

// A decimal number, not negative, with nothing behind it.
bool read_number(std::string_view text, double& out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() && out >= 0 &&
         !std::signbit(out);
}

bool read_seconds(std::string_view text, Milliseconds& out) {
  double seconds = 0;
  if (!read_number(text, seconds) || seconds > kSecondsMax) return false;
  out = Milliseconds(std::llround(seconds * 1000));
  return true;
}

// What is in front of the next comma, which goes with it.
std::string_view take_field(std::string_view& line) {
  const std::string_view field = line.substr(0, line.find(','));
  line.remove_prefix(std::min(field.size() + 1, line.size()));
  return field;
}

bool is_tag(std::string_view tag) {
  return !tag.empty() &&
         std::all_of(tag.begin(), tag.end(), [](char c) { return static_cast<unsigned char>(c) > ' '; });
}

}  // namespace

std::string hlog_header(Milliseconds base) {
  // HdrHistogram's C library reads no longer lines than 126 octets there, and no comments further down.
  const std::time_t second = base.count() / 1000;
  return fmt::format(
      "#[loadgen {}]\n{}{}]\n{}{} (seconds since epoch), {:%a %b %d %H:%M:%S} UTC {:%Y}]\n"
      "{}{} (seconds since epoch)]\n{}\n",
      version(), kVersionPrefix, kVersion, kStartPrefix, seconds_text(base), fmt::gmtime(second),
      fmt::gmtime(second), kBasePrefix, seconds_text(base), kLegend);
}

std::string hlog_line(std::string_view tag, Milliseconds begin, Milliseconds length,
                      const Histogram& histogram) {
  const std::int64_t max =
      Histogram::highest_at(Histogram::index_of(std::min(histogram.max(), Histogram::kHighest)));
  return fmt::format("{}{}{}{},{},{:.3f},{}\n", tag.empty() ? "" : kTagPrefix, tag, tag.empty() ? "" : ",",
                     seconds_text(begin), seconds_text(length), static_cast<double>(max) / 1e6,
                     encode_text(histogram));
}

std::string hlog_lines(std::string_view tag, Milliseconds begin, Milliseconds length,
                       const Latency& latency) {
  std::string lines = hlog_line(tag, begin, length, latency.values());
  if (latency.censored() == 0) return lines;
  Histogram bounds;
  bounds.record_bucket(Histogram::index_of(std::min(latency.least_censored(), Histogram::kHighest)),
                       latency.censored());
  return lines + hlog_line(fmt::format("{}{}", tag, kCensoredSuffix), begin, length, bounds);
}

HlogParser::Line HlogParser::wrong(std::string reason) {
  error_ = std::move(reason);
  return Line::wrong;
}

HlogParser::Line HlogParser::parse(std::string_view line) {
  if (line.empty() || line.starts_with('#')) return parse_comment(line);
  if (!versioned_) {
    return wrong(
        fmt::format("is no line of a .hlog: there is no '{}{}]' above it", kVersionPrefix, kVersion));
  }
  if (line.starts_with("\"StartTimestamp\"")) return Line::comment;
  return parse_interval(line);
}

bool HlogParser::finish() {
  if (versioned_) return true;
  wrong(fmt::format("is the end, and there was no '{}{}]'", kVersionPrefix, kVersion));
  return false;
}

HlogParser::Line HlogParser::parse_comment(std::string_view line) {
  const auto value_behind = [&](std::string_view prefix) {
    return line.substr(prefix.size(), line.find_first_of(" ]", prefix.size()) - prefix.size());
  };
  if (line.starts_with(kVersionPrefix)) {
    if (value_behind(kVersionPrefix) != kVersion) {
      return wrong(
          fmt::format("says that this is version '{}', not {}", value_behind(kVersionPrefix), kVersion));
    }
    versioned_ = true;
  } else if (line.starts_with(kStartPrefix)) {
    if (!read_seconds(value_behind(kStartPrefix), start_)) return wrong("has no time to start at");
  } else if (line.starts_with(kBasePrefix)) {
    if (!read_seconds(value_behind(kBasePrefix), base_)) return wrong("has no base time");
    based_ = true;
  }
  return Line::comment;
}

// As HdrHistogram's readers: without a base time the intervals count from the start, unless they are of about
// its time themselves.
void HlogParser::decide_base() {
  if (based_) return;
  if (interval_.begin < start_ - std::chrono::years(1)) base_ = start_;
  based_ = true;
}

HlogParser::Line HlogParser::parse_interval(std::string_view line) {
  interval_.tag.clear();
  if (line.starts_with(kTagPrefix)) {
    interval_.tag = take_field(line).substr(kTagPrefix.size());
    if (!is_tag(interval_.tag)) return wrong("has a tag with nothing in it, or with a blank");
  }
  double max = 0;
  if (!read_seconds(take_field(line), interval_.begin))
    return wrong("has no time at which its interval begins");
  if (!read_seconds(take_field(line), interval_.length)) return wrong("has no length of its interval");
  if (!read_number(take_field(line), max)) return wrong("has no greatest value");
  if (line.empty()) return wrong("has no histogram");
  if (std::string reason = decode_text(line, interval_.histogram); !reason.empty()) {
    return wrong("has a histogram that " + reason);
  }
  decide_base();
  return Line::interval;
}

}  // namespace httpdyno::loadgen
