#include "loadgen/base/rate.h"

#include <charconv>

namespace httpdyno::loadgen {

namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number as it is written: digits * 10^exponent. No double comes between the text and the rate.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
  bool too_long = false;

  void append(char digit) {
    if (digits > (UINT64_MAX - 9) / 10) {
      too_long = true;
    } else {
      digits = digits * 10 + static_cast<std::uint64_t>(digit - '0');
    }
  }
};

// Takes the number off the front of `text`; false when none is there.
bool take_decimal(std::string_view& text, Decimal& out) {
  bool any = false;
  bool behind_point = false;
  while (!text.empty() && (is_digit(text.front()) || (text.front() == '.' && !behind_point))) {
    if (text.front() == '.') {
      behind_point = true;
    } else {
      any = true;
      out.append(text.front());
      if (behind_point) --out.exponent;
    }
    text.remove_prefix(1);
  }
  if (!any) return false;
  if (text.empty() || (text.front() != 'e' && text.front() != 'E')) return true;
  text.remove_prefix(1);
  if (text.size() >= 2 && text[0] == '+' && is_digit(text[1])) text.remove_prefix(1);
  int exponent = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc() || exponent < -99 || exponent > 99) return false;
  out.exponent += exponent;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return true;
}

}  // namespace

std::string_view parse_rate(std::string_view text, Rate& out) {
  constexpr std::string_view kNone = "is no rate: expected requests per second, as 20000, 0.5, 1e6 or 50k";
  constexpr std::string_view kTooFine = "is finer than a millionth of a request per second";
  constexpr std::string_view kTooHigh = "is more than 100000000 requests per second";
  Decimal number;
  if (!take_decimal(text, number)) return kNone;
  if (text == "k") {
    number.exponent += 3;
  } else if (text == "M") {
    number.exponent += 6;
  } else if (!text.empty()) {
    return kNone;
  }
  if (number.too_long) return "has more digits than a rate can have";
  if (number.digits == 0) return "is zero: nothing would be sent";

  std::uint64_t micro = number.digits;
  int shift = number.exponent + 6;
  for (; shift > 0; --shift) {
    if (micro > kRateMax.micro) return kTooHigh;
    micro *= 10;
  }
  for (; shift < 0; ++shift) {
    if (micro % 10 != 0) return kTooFine;
    micro /= 10;
  }
  if (micro > kRateMax.micro) return kTooHigh;
  out.micro = micro;
  return {};
}

}  // namespace httpdyno::loadgen
