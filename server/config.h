// Every knob of a server, with its unit and default, and every bound that is no knob.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "net/http/request_parser.h"

namespace httpdyno {

using std::chrono::milliseconds;

// The names of the first seven, and of the pool's two, are the seed's (docs/decisions/0002 says why some
// defaults differ).
struct Config {
  std::string bind = "127.0.0.1";  // numeric IPv4 or IPv6 address to listen on
  std::uint16_t port = 8080;       // 0: the kernel chooses
  int backlog = 4096;              // connections that wait to be accepted; the kernel's somaxconn caps it
  std::uint32_t max_conn = 65536;  // connections at a time; further ones wait in the backlog
  std::size_t read_buf_cap =
      1 << 20;  // octets a request may have, head and body together: a limit, not a preallocation
  milliseconds timeout_request{
      5000};  // from a request's first octet to its last; progress does not extend it
  milliseconds timeout_keepalive{5000};  // idle between two requests
  milliseconds timeout_write{5000};      // without the client taking a single octet of its answer
  milliseconds timeout_linger{5000};     // how long a client may take to read a final answer and close
  milliseconds timeout_drain{5000};      // from stop() until what is still open is cut
  std::uint64_t request_count = 0;       // requests a connection is served before it is closed; 0: no cap

  std::uint32_t thread_pool_count = 0;  // workers that run handlers; 0: handlers run on the loop's own thread
  std::uint32_t thread_pool_backlog = 1024;  // requests that may wait for a worker; one more is answered 503
  // With workers, a response is allocated by a worker and freed by the loop: the allocator must be
  // thread-safe. Every malloc is; a handler's own must be, too.

  std::size_t output_bytes_max =
      256 * 1024;  // unsent answers of a connection, above which its next request waits
  std::size_t buffer_retain_bytes_max =
      64 << 20;                    // idle request and answer buffers that a loop keeps for reuse, altogether
  std::uint32_t fields_max = 100;  // header fields of a request
  std::size_t target_bytes_max = 8192;  // octets of a request target

  http::ParseLimits parse_limits() const {
    http::ParseLimits limits;
    limits.request_bytes_max = read_buf_cap;
    limits.fields_max = fields_max;
    limits.target_bytes_max = target_bytes_max;
    return limits;
  }

  // Empty when all is well; otherwise one line that names the knob, the value and what it may be.
  std::string problem() const;
};

// Bounds that no user needs to turn.
inline constexpr std::size_t kFirstBufferBytes =
    16 * 1024;  // what an unfinished request gets first; doubled when full
inline constexpr std::uint32_t kRequestsPerTurn = 256;  // of one connection, before the others have theirs
inline constexpr std::size_t kLingerBytesMax =
    256UL << 20;  // discarded of a client that sends on after its final answer
inline constexpr std::size_t kRequestBytesMaxMax = 4000UL << 20;  // the parser's offsets have 32 bits
inline constexpr std::uint32_t kTurnsBehindMax = 128;  // before deadlines count although input waits
inline constexpr milliseconds kAcceptRetry{100};       // after the descriptors or the memory ran out

static_assert(kFirstBufferBytes >= 4096, "a browser's head must fit without growing");
static_assert(kRequestBytesMaxMax + (1UL << 24) <= UINT32_MAX, "a request and one read behind it");

}  // namespace httpdyno
