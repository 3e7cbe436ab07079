#include "server/config.h"

#include <fmt/format.h>

#include <concepts>
#include <string_view>
#include <utility>

namespace httpdyno {

namespace {

template <class T, std::integral Low, std::integral High>
std::string out_of_range(std::string_view name, T value, Low low, High high, std::string_view unit) {
  const auto count = count_of(value);
  if (std::cmp_greater_equal(count, low) && std::cmp_less_equal(count, high)) return {};
  return fmt::format("{} is {}; it may be from {} to {} {}", flag_name<T>(name), count, low, high, unit);
}

}  // namespace

std::string flag_name(std::string_view knob, std::string_view suffix) {
  std::string flag(knob);
  for (char& c : flag) {
    if (c == '_') c = '-';
  }
  return flag.append(suffix);
}

std::string Config::problem() const {
  std::string found;
#define KNOB(name, type, initial, low, high, unit, help) \
  if (found.empty()) found = out_of_range(#name, name, low, high, unit);
#include "server/knobs.def"
#undef KNOB
  return found;
}

}  // namespace httpdyno
