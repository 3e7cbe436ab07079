// The end of every response head: Date, Connection and the empty line, rendered once a second.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace httpdyno::http {

// Writes "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7): 29 octets. `unix_seconds` from year
// 1970 to 9999.
void write_imf_fixdate(std::int64_t unix_seconds, char* out);
inline constexpr std::size_t kImfFixdateBytes = 29;

// Owned by one loop. Views are valid until the next refresh().
class DateCache {
 public:
  // Cheap when the second has not changed.
  void refresh(std::int64_t unix_seconds) {
    if (unix_seconds != second_) [[unlikely]]
      render(unix_seconds);
  }
  // Writes "Date: ...\r\nConnection: keep-alive\r\n\r\n", or the same with "close"; at most kHeadEndBytesMax
  // octets. Returns the end of what it wrote.
  char* write_head_end(bool keep_alive, char* out) const {
    // Constant sizes, so that the compiler copies without a call.
    if (keep_alive) {
      std::memcpy(out, keep_alive_.data(), keep_alive_.size());
      return out + keep_alive_.size();
    }
    std::memcpy(out, close_.data(), close_.size());
    return out + close_.size();
  }

 private:
  void render(std::int64_t unix_seconds);

  static constexpr std::string_view kKeepAlive = "\r\nConnection: keep-alive\r\n\r\n";
  static constexpr std::string_view kClose = "\r\nConnection: close\r\n\r\n";
  static constexpr std::string_view kName = "Date: ";

 public:
  static constexpr std::size_t kHeadEndBytesMax = kName.size() + kImfFixdateBytes + kKeepAlive.size();

 private:
  std::int64_t second_ = -1;
  std::array<char, kName.size() + kImfFixdateBytes + kKeepAlive.size()> keep_alive_;
  std::array<char, kName.size() + kImfFixdateBytes + kClose.size()> close_;
};

}  // namespace httpdyno::http
