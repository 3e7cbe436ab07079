#include "loadgen/work/target.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include "loadgen/work/resolve.h"

namespace httpdyno::loadgen {

namespace {

// Asks for this kind once; its answer makes the rule.
Failure ask(const Target& target, const RequestSpec& spec, const LoadOptions& load, RequestKind& kind,
            Answer& answer) {
  const std::string& octets = target.script.keep_alive() ? kind.octets : kind.last_octets;
  if (Failure failure = exchange(target.address, octets, kind.to_head, load.timeout, answer)) return failure;
  const bool good = spec.expected_status != 0 ? answer.status == spec.expected_status : answer.status < 400;
  if (!good) {
    return run_failure(fmt::format(
        "{} answered the first request with status {}{}", spec.url_on(target.url).text(), answer.status,
        spec.expected_status != 0
            ? fmt::format(", not {}", spec.expected_status)
            : fmt::format(" (if that is meant: {} {})",
                          load.mix_path.empty() ? "--expect-status" : "\"expect_status\":", answer.status)));
  }
  kind.expected = expect_like(answer, spec.body, load.any_length, load.any_body);
  return {};
}

}  // namespace

Failure Target::prepare(const Url& target_url, const LoadOptions& load) {
  url = target_url;
  script = make_script(url, load.requests, load.pipeline, load.requests_per_connection);
  return find_server(url, load.timeout, address);
}

Failure Target::ask_once(const LoadOptions& load) {
  first.resize(script.kinds.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (Failure failure = ask(*this, load.requests[i], load, script.kinds[i], first[i])) return failure;
  }
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
