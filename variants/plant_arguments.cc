#include "variants/plant_arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace httpdyno::variants {

namespace {

template <class T>
bool parse(std::string_view text, T& value) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return !text.empty() && error == std::errc() && rest == end;
}

}  // namespace

PlantArguments::PlantArguments(std::string_view text) {
  if (!text.empty()) rest_ = text.substr(1);
}

std::optional<std::string_view> PlantArguments::take() {
  if (!rest_) return {};
  const std::size_t comma = rest_->find(',');
  const std::string_view taken = rest_->substr(0, comma);
  if (comma == std::string_view::npos) {
    rest_.reset();
  } else {
    rest_->remove_prefix(comma + 1);
  }
  return taken;
}

std::string_view PlantArguments::need(std::string_view what) {
  const std::optional<std::string_view> taken = take();
  if (!taken) throw BadPlant{fmt::format("{} is missing", what)};
  return *taken;
}

bool PlantArguments::next_is_share() const {
  return rest_ && rest_->substr(0, rest_->find(',')).ends_with('%');
}

std::uint64_t PlantArguments::number(std::string_view what, std::uint64_t low, std::uint64_t high,
                                     std::optional<std::uint64_t> otherwise) {
  if (!rest_ && otherwise) return *otherwise;
  const std::string_view text = need(what);
  std::uint64_t value = 0;
  if (!parse(text, value) || value < low || value > high)
    throw BadPlant{fmt::format("{} must be a whole number from {} to {}", what, low, high)};
  return value;
}

double PlantArguments::share(double most) {
  std::string_view text = need("the share");
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double value = 0;
  if (!percent || !parse(text, value) || !(value >= 0.0001 && value <= 100 * most))
    throw BadPlant{fmt::format("the share must be from 0.0001% to {:g}%", 100 * most)};
  return value / 100;
}

std::uint64_t PlantArguments::period(std::optional<std::uint64_t> otherwise) {
  if (!rest_ && otherwise) return *otherwise;
  return static_cast<std::uint64_t>(std::llround(1 / share(1)));
}

Duration PlantArguments::duration() {
  const std::string_view text = need("the time");
  const std::size_t digits = text.find_first_not_of("0123456789");
  std::uint64_t value = 0;
  std::uint64_t unit_ns = 0;
  if (digits != std::string_view::npos && parse(text.substr(0, digits), value)) {
    const std::string_view unit = text.substr(digits);
    unit_ns = unit == "us" ? 1'000 : unit == "ms" ? 1'000'000 : unit == "s" ? 1'000'000'000 : 0;
  }
  constexpr std::uint64_t kMostNs = 10'000'000'000;
  if (unit_ns == 0 || value == 0 || value > kMostNs / unit_ns)
    throw BadPlant{"the time must be like 200us, 5ms or 1s, and at most 10s"};
  return Duration(value * unit_ns);
}

void PlantArguments::expect_end() const {
  if (rest_) throw BadPlant{fmt::format("'{}' is too much", *rest_)};
}

}  // namespace httpdyno::variants
