// A server as a run sees it before its first measured request: found, asked once, and its answer made the
// rule.
#pragma once

#include <vector>

#include "loadgen/base/failure.h"
#include "loadgen/base/url.h"
#include "loadgen/commands/options.h"
#include "loadgen/work/exchange.h"
#include "loadgen/work/script.h"
#include "net/io/socket.h"

namespace httpdyno::loadgen {

struct Target {
  Url url;
  io::Address address;
  Script script;              // its expectations are set by ask_once()
  std::vector<Answer> first;  // of each kind

  // Looks the host up and prepares the octets.
  Failure prepare(const Url& target_url, const LoadOptions& load);
  // Sends one request of each kind, on connections of their own. A failure also when a status is not the
  // expected one.
  Failure ask_once(const LoadOptions& load);
};

// Makes room for the descriptors that `connections` need. A usage failure when the hard limit is too low.
Failure allow_connections(std::uint32_t connections);

}  // namespace httpdyno::loadgen
