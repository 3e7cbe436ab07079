// Status codes and their reason phrases (RFC 9110 section 15).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace httpdyno::http {

inline constexpr std::size_t kPaddedStatusLine = 64;

namespace detail {

struct StatusLine {
  int status;
  std::uint32_t bytes;
  char text[kPaddedStatusLine];
};
// The first row is that of codes without a phrase.
inline constexpr StatusLine kStatusLines[] = {
    {0, 0, ""},
#define STATUS(code, phrase) \
  {code, sizeof("HTTP/1.1 " #code " " phrase "\r\n") - 1, "HTTP/1.1 " #code " " phrase "\r\n"},
#include "net/http/statuses.def"
#undef STATUS
};

// Which row a code has.
inline constexpr auto kStatusRows = [] {
  std::array<std::uint8_t, 600> rows{};
  for (std::size_t i = 1; i < std::size(kStatusLines); ++i) {
    rows[static_cast<std::size_t>(kStatusLines[i].status)] = static_cast<std::uint8_t>(i);
  }
  return rows;
}();

}  // namespace detail

// "HTTP/1.1 404 Not Found\r\n" for a code with a phrase; empty otherwise. Static, and padded:
// kPaddedStatusLine octets may be read from its beginning.
inline std::string_view status_line(int status) {
  const auto code = static_cast<std::size_t>(status);
  const detail::StatusLine& line =
      detail::kStatusLines[code < detail::kStatusRows.size() ? detail::kStatusRows[code] : 0];
  return {line.text, line.bytes};
}

// "Not Found" for 404; empty for a code that has no phrase here.
inline std::string_view reason_phrase(int status) {
  std::string_view line = status_line(status);
  if (line.empty()) return {};
  line.remove_prefix(std::string_view("HTTP/1.1 200 ").size());
  line.remove_suffix(2);
  return line;
}

// RFC 9110 6.4.1, 15.3.5, 15.4.5: these never have content, whatever a handler says.
constexpr bool status_has_content(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace httpdyno::http
