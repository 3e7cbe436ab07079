// The server's own count of requests, to be held against ours: to the request.
//
// What is compared: the difference of the server's JSON member "requests" between two reads, one before our
// first request and one after our last answer, less what one read adds to the counter itself (0 or 1: found
// by reading twice before), with the number of answers that we received. Nobody else may use the server
// meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "loadgen/base/failure.h"
#include "loadgen/base/url.h"
#include "net/base/time.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

class ServerCounter {
 public:
  // `path` is a target on the server of `url`, as "/stats".
  ServerCounter(const Url& url, const io::Address& server, const std::string& path, Duration timeout);

  // Before the first request.
  Failure begin();
  // After the last answer: how many requests the server has counted in between, reads of the counter apart.
  Failure end(std::uint64_t& counted);

 private:
  Failure read(std::uint64_t& count) const;

  Url url_;
  io::Address server_;
  Duration timeout_;
  std::uint64_t per_read_ = 0;
  std::uint64_t before_ = 0;
};

}  // namespace httpdyno::loadgen
