// One request and its whole answer over a connection of its own: for the first answer of a run, and for the
// server's counter. Blocking; not for measuring.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "loadgen/base/failure.h"
#include "loadgen/work/script.h"
#include "net/base/time.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

struct Answer {
  int status = 0;
  std::uint64_t body_bytes = 0;
  std::uint32_t body_crc = 0;        // CRC-32 of all of the body
  std::uint64_t bytes_received = 0;  // head and body and framing
  std::string body;                  // its first kBodyKept octets (limits.h)
};

// Connects, sends `request`, reads the answer, closes. Each step may take `timeout`. The failure's line says
// what went wrong and with whom, as "cannot connect to 127.0.0.1:80: Connection refused".
Failure exchange(const io::Address& server, std::string_view request, bool to_head, Duration timeout,
                 Answer& out);

// Whether the server accepts a connection within `timeout`; it is closed at once.
bool can_connect(const io::Address& server, Duration timeout);

// What all further answers must be like: this status, this length unless `any_length`, and these octets unless
// `any_body` or `any_length`; an echo of the request's body must be one in any case.
Expectation expect_like(const Answer& first, std::string_view request_body, bool any_length, bool any_body);

}  // namespace httpdyno::loadgen
