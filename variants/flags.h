// Number flags that say what is wrong: CLI11 alone takes -1 for a large unsigned number, and an empty text
// for 0.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <limits>
#include <string>

namespace httpdyno::variants {

// A whole number in decimal, no sign unless T has one, from T's smallest to its largest.
template <class T>
CLI::Option* add_number(CLI::App& app, const std::string& flag, T& value, const std::string& help,
                        const std::string& unit) {
  return app
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            const char* end = text.data() + text.size();
            T parsed{};
            const auto [rest, error] = std::from_chars(text.data(), end, parsed);
            if (text.empty() || error != std::errc() || rest != end) {
              throw CLI::ValidationError(fmt::format("{} is '{}'; it must be a whole number from {} to {}",
                                                     flag, text, std::numeric_limits<T>::min(),
                                                     std::numeric_limits<T>::max()));
            }
            value = parsed;
          },
          help)
      ->type_name(unit)
      ->default_str(std::to_string(value));
}

}  // namespace httpdyno::variants
