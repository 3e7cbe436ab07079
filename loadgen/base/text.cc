#include "loadgen/base/text.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace httpdyno::loadgen {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string with_unit_of_time(double ns) {
  constexpr std::array<std::pair<double, const char*>, 4> kUnits = {
      {{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}}};
  std::size_t unit = 0;
  // 999.5 of a unit would be printed as a thousand of it.
  while (unit + 1 < kUnits.size() && ns >= 999.5 * kUnits[unit].first) ++unit;
  const double value = ns / kUnits[unit].first;
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit].second);
}

std::string with_unit_of_size(double bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; unit + 1 < kUnits.size() && bytes >= 1024; ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

}  // namespace httpdyno::loadgen
