#include "net/http/date.h"

#include <chrono>
#include <cstring>

namespace httpdyno::http {

namespace {

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_digits(char* out, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + width;
}

}  // namespace

void write_imf_fixdate(std::int64_t unix_seconds, char* out) {
  constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds when{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(when);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(when - day);

  out = put(out, kDays[std::chrono::weekday(day).c_encoding()]);
  out = put(out, ", ");
  out = put_digits(out, static_cast<unsigned>(date.day()), 2);
  out = put(out, " ");
  out = put(out, kMonths[static_cast<unsigned>(date.month()) - 1]);
  out = put(out, " ");
  out = put_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out = put(out, " ");
  out = put_digits(out, static_cast<unsigned>(time.hours().count()), 2);
  out = put(out, ":");
  out = put_digits(out, static_cast<unsigned>(time.minutes().count()), 2);
  out = put(out, ":");
  out = put_digits(out, static_cast<unsigned>(time.seconds().count()), 2);
  put(out, " GMT");
}

void DateCache::render(std::int64_t unix_seconds) {
  second_ = unix_seconds;
  char date[kImfFixdateBytes];
  write_imf_fixdate(unix_seconds, date);
  const std::string_view view(date, sizeof date);
  put(put(put(keep_alive_.data(), kName), view), kKeepAlive);
  put(put(put(close_.data(), kName), view), kClose);
}

}  // namespace httpdyno::http
