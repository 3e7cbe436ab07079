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
    const auto inline_only = [](std::string name, auto value) {
      return name + " is " + std::to_string(value) + "; this server runs its handlers inline: it may be 0";
    };
    if (config.thread_pool_count > 0) return inline_only("thread-pool-count", config.thread_pool_count);
    // Nobody is there who could answer in a handler's place.
    if (config.timeout_handler.count() > 0)
      return inline_only("timeout-handler-ms", config.timeout_handler.count());
    return {};
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
