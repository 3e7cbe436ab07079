#include "loadgen/base/duration.h"

#include <charconv>

namespace httpdyno::loadgen {

bool parse_duration(std::string_view text, Duration& out) {
  double number = 0;
  const char* const end = text.data() + text.size();
  // The fixed format takes neither a sign of plus nor an exponent, but "inf" and "nan".
  if (text.empty() || (text.front() != '.' && (text.front() < '0' || text.front() > '9'))) return false;
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc()) return false;

  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  double unit_ns = 0;
  if (unit.empty() || unit == "s") {
    unit_ns = 1e9;
  } else if (unit == "ms") {
    unit_ns = 1e6;
  } else if (unit == "us") {
    unit_ns = 1e3;
  } else if (unit == "m") {
    unit_ns = 60e9;
  } else if (unit == "h") {
    unit_ns = 3600e9;
  } else {
    return false;
  }
  const double ns = number * unit_ns;
  if (ns > static_cast<double>(kDurationMax.count())) return false;
  out = Duration(static_cast<Duration::rep>(ns + 0.5));
  return true;
}

}  // namespace httpdyno::loadgen
