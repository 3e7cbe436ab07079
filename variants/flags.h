// Number flags that say what is wrong: CLI11 alone takes -1 for a large unsigned number, and an empty text
// for 0.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <concepts>
#include <limits>
#include <string>

#include "server/config.h"

namespace httpdyno::variants {

// A whole number in decimal, no sign unless T has one, from T's smallest to its largest.
template <std::integral T>
T parse_number(const std::string& flag, const std::string& text) {
  const char* end = text.data() + text.size();
  T parsed{};
  const auto [rest, error] = std::from_chars(text.data(), end, parsed);
  if (text.empty() || error != std::errc() || rest != end) {
    throw CLI::ValidationError(fmt::format("{} is '{}'; it must be a whole number from {} to {}", flag, text,
                                           std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }
  return parsed;
}

template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& flag, T& value, const std::string& help,
                        const std::string& unit) {
  using Count = decltype(count_of(value));
  return app
      .add_option_function<std::string>(
          flag, [&value, flag](const std::string& text) { value = T(parse_number<Count>(flag, text)); }, help)
      ->type_name(unit)
      ->default_str(std::to_string(count_of(value)));
}

inline std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// A knob of server/knobs.def: --request-count, --timeout-head-ms.
template <class T>
void add_knob(CLI::App& app, std::string_view name, T& value, const std::string& unit,
              const std::string& help) {
  add_number(app, "--" + flag_name<T>(name), value, help, upper(unit));
}

}  // namespace httpdyno::variants
