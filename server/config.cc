#include "server/config.h"

#include <fmt/format.h>

namespace httpdyno {

std::string Config::problem() const {
  const auto out_of = [](std::string_view knob, auto value, auto low, auto high, std::string_view unit) {
    return fmt::format("{} is {}; it may be from {} to {} {}", knob, value, low, high, unit);
  };
  if (backlog < 1) return out_of("backlog", backlog, 1, INT32_MAX, "connections");
  if (max_conn < 1 || max_conn > (1U << 24)) return out_of("max-conn", max_conn, 1, 1U << 24, "connections");
  if (read_buf_cap < 64 || read_buf_cap > kRequestBytesMaxMax) {
    return out_of("read-buf-cap", read_buf_cap, 64, kRequestBytesMaxMax, "octets");
  }
  constexpr auto kLongest = std::chrono::duration_cast<milliseconds>(std::chrono::hours(24 * 365));
  const struct {
    std::string_view knob;
    milliseconds value;
  } timeouts[] = {{"timeout-request-ms", timeout_request},
                  {"timeout-keepalive-ms", timeout_keepalive},
                  {"timeout-write-ms", timeout_write},
                  {"timeout-linger-ms", timeout_linger},
                  {"timeout-drain-ms", timeout_drain}};
  for (const auto& timeout : timeouts) {
    if (timeout.value < milliseconds(1) || timeout.value > kLongest) {
      return out_of(timeout.knob, timeout.value.count(), 1, kLongest.count(), "ms");
    }
  }
  if (thread_pool_count > 1024) return out_of("thread-pool-count", thread_pool_count, 0, 1024, "threads");
  // Without room to wait, whether a request is shed would hang on whether a worker happens to be asleep yet.
  if (thread_pool_backlog < 1 || thread_pool_backlog > (1U << 24)) {
    return out_of("thread-pool-backlog", thread_pool_backlog, 1, 1U << 24, "requests");
  }
  if (fields_max < 1 || fields_max > 10'000) return out_of("fields-max", fields_max, 1, 10'000, "fields");
  if (target_bytes_max < 1) return out_of("target-bytes-max", target_bytes_max, 1, read_buf_cap, "octets");
  if (output_bytes_max < 1) return out_of("output-bytes-max", output_bytes_max, 1, SIZE_MAX, "octets");
  return {};
}

}  // namespace httpdyno
