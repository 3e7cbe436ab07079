// Figures as people read them.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>

namespace httpdyno::loadgen {

std::string grouped(std::uint64_t number);  // "2,104,233"
std::string with_unit_of_time(double ns);   // three digits: "301 µs", "1.25 ms"
template <std::integral Integer>
std::string with_unit_of_time(Integer ns) {
  return with_unit_of_time(static_cast<double>(ns));
}
std::string with_unit_of_size(double bytes);  // "13.0 MiB"

}  // namespace httpdyno::loadgen
