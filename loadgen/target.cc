#include "loadgen/target.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include "loadgen/resolve.h"

namespace httpdyno::loadgen {

Failure Target::prepare(const Url& target_url, const LoadOptions& load) {
  url = target_url;
  script = make_script(url, load.request, load.pipeline);
  return find_server(url, load.timeout, address);
}

Failure Target::ask_once(const LoadOptions& load) {
  const std::string_view request = std::string_view(script.batch).substr(0, script.request_bytes);
  if (Failure failure = exchange(address, request, script.to_head, load.timeout, first)) return failure;
  if (load.expected_status != 0 ? first.status != load.expected_status : first.status >= 400) {
    return run_failure(fmt::format(
        "{} answered the first request with status {}{}", url.text(), first.status,
        load.expected_status != 0 ? fmt::format(", not {}", load.expected_status)
                                  : fmt::format(" (if that is meant: --expect-status {})", first.status)));
  }
  script.expected = expect_like(first, load.request.body, load.any_length);
  return {};
}

Failure allow_connections(std::uint32_t connections) {
  constexpr rlim_t kOthers = 64;  // standard streams, epoll, files
  const rlim_t wanted = connections + kOthers;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return {};
  if (limit.rlim_max < wanted) {
    return usage_failure(
        fmt::format("-c {} needs {} open files, and the hard limit is {}: raise it (ulimit -Hn)", connections,
                    wanted, limit.rlim_max));
  }
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

}  // namespace httpdyno::loadgen
