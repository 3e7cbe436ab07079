// Handlers on the loop's own thread: nothing is copied, nobody is woken, and a handler that waits stops
// everybody.
#pragma once

#include <utility>

#include "server/config.h"
#include "server/handler.h"

namespace httpdyno {

template <Handler H>
class InlineDispatch {
 public:
  static constexpr bool kPooled = false;

  InlineDispatch(const Config&, H handler) : handler_(std::move(handler)) {}

  // One problem() line, or empty: what this dispatch asks of the configuration.
  static std::string problem(const Config& config) {
    if (config.thread_pool_count == 0) return {};
    return "thread-pool-count is " + std::to_string(config.thread_pool_count) +
           "; this server runs its handlers inline: it may be 0";
  }

  // The response is valid until the next call. False: the handler threw.
  bool run(const http::Request& request) {
    response_.reset();
    return run_handler(handler_, request, response_);
  }
  http::Response& response() { return response_; }

 private:
  H handler_;
  http::Response response_;
};

}  // namespace httpdyno
