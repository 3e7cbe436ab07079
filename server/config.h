// Every knob of a server, from the table in knobs.def, and every bound that is no knob.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/base/time.h"
#include "net/http/request_parser.h"

namespace httpdyno {

using std::chrono::milliseconds;

inline constexpr std::size_t kRequestBytesMaxMax = 4000UL << 20;  // the parser's offsets have 32 bits
inline constexpr std::size_t kTrailerBytesMaxMax = 64UL << 20;    // which count for nothing else
inline constexpr std::int64_t kLongestMs =
    std::chrono::duration_cast<milliseconds>(std::chrono::hours(24 * 365)).count();

// Values out of a knob's range are a problem(), not undefined behaviour. With workers, a response is allocated
// by one of them and freed by the loop: every malloc can do that; a handler's own allocator must, too.
struct Config {
  std::string bind = "127.0.0.1";  // numeric IPv4 or IPv6 address, or "unix:" and a path
#define KNOB(name, type, initial, low, high, unit, help) type name{initial};
#include "server/knobs.def"
#undef KNOB

  http::ParseLimits parse_limits() const {
    http::ParseLimits limits;
    limits.request_bytes_max = read_buf_cap;
    limits.head_bytes_max = head_bytes_max;
    limits.body_bytes_max = body_bytes_max;
    limits.target_bytes_max = target_bytes_max;
    limits.field_bytes_max = field_bytes_max;
    limits.fields_max = fields_max;
    limits.trailer_bytes_max = trailer_bytes_max;
    limits.chunk_extension_bytes_max = chunk_extension_bytes_max;
    limits.chunk_overhead_bytes_max = chunk_overhead_bytes_max;
    return limits;
  }

  // Empty when all is well; otherwise one line that names the knob, the value and what it may be.
  std::string problem() const;
};

// A knob's value as a plain number.
template <std::integral T>
constexpr T count_of(T value) {
  return value;
}
constexpr milliseconds::rep count_of(milliseconds value) { return value.count(); }

// "timeout_request", "-ms" -> "timeout-request-ms"
std::string flag_name(std::string_view knob, std::string_view suffix);
// A knob of type T as it is written on the command line.
template <class T>
std::string flag_name(std::string_view knob) {
  return flag_name(knob, std::same_as<T, milliseconds> ? "-ms" : "");
}

// Bounds that no user needs to turn.
inline constexpr std::size_t kFirstBufferBytes =
    16 * 1024;  // what an unfinished request gets first; doubled when full
inline constexpr std::size_t kStreamBlockBytes = 32 * 1024;  // of a streamed body, pulled at a time
inline constexpr std::uint32_t kTurnsBehindMax = 128;        // before deadlines count although input waits
inline constexpr std::size_t kHeldBytesMax =
    16 * 1024;  // of answers that wait for their connection's next one
inline constexpr Duration kHoldMax = std::chrono::milliseconds(1);  // that they do
inline constexpr Duration kDoze = std::chrono::microseconds(50);  // of a loop, while workers have more to do
inline constexpr milliseconds kAcceptRetry{100};  // after the descriptors or the memory ran out

static_assert(kFirstBufferBytes >= 4096, "a browser's head must fit without growing");
static_assert(kRequestBytesMaxMax + kTrailerBytesMaxMax + (1UL << 24) <= UINT32_MAX,
              "a request, its trailers and one read behind it");

}  // namespace httpdyno
