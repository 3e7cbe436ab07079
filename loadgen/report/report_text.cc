// The summary that a person reads.
#include <fmt/format.h>

#include "loadgen/base/duration.h"
#include "loadgen/base/text.h"
#include "loadgen/report/result.h"

namespace httpdyno::loadgen {

namespace {

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

std::string latency_line(const Histogram& latency) {
  if (latency.total() == 0) return "nothing was measured";
  const auto ns = [](auto value) { return with_unit_of_time(static_cast<double>(value)); };
  return fmt::format("mean {}, min {}, p50 {}, p90 {}, p99 {}, p99.9 {}, max {}", ns(latency.mean()),
                     ns(latency.min()), ns(latency.percentile(50)), ns(latency.percentile(90)),
                     ns(latency.percentile(99)), ns(latency.percentile(99.9)), ns(latency.max()));
}

// Each kind's own, under the whole.
std::string kind_lines(const Tally& tally, const std::vector<RequestSpec>& requests) {
  std::string text;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const KindTally& kind = tally.kinds[i];
    const std::uint64_t errors = kind.errors.total();
    text += fmt::format("    {}: {} measured of {} answered{}; {}\n", requests[i].name,
                        grouped(kind.measured()), grouped(kind.answered),
                        errors == 0 ? "" : ", " + plural(errors, "error"), latency_line(kind.latency));
  }
  return text;
}

}  // namespace

std::string text_report(const RunResult& result, const RunOptions& options) {
  const LoadOptions& load = options.load;
  const RequestSpec& request = load.requests.front();
  const KindTally whole = result.tally.whole();
  const bool mixed = !load.mix_path.empty();
  std::string text = mixed ? fmt::format("{} of {} with seed {}, {}\n", load.mix_path,
                                         plural(load.requests.size(), "kind"), load.seed, options.url.text())
                           : fmt::format("{} {}\n", request.method, options.url.text());
  text += fmt::format(
      "  load       {} on {}, {}, {:.3g} s{}{}\n", plural(load.connections, "connection"),
      plural(options.threads, "thread"),
      !request.keep_alive  ? "one request each"
      : load.pipeline == 1 ? std::string("keep-alive")
                           : fmt::format("{} requests pipelined", load.pipeline),
      to_seconds(result.measured),
      options.warmup > Duration::zero() ? fmt::format(" after {:.3g} s", to_seconds(options.warmup)) : "",
      result.signal != 0 ? ", interrupted" : "");
  text += fmt::format("  requests   {} per second; {} measured of {} answered, {} received\n",
                      grouped(static_cast<std::uint64_t>(result.requests_per_second() + 0.5)),
                      grouped(whole.measured()), grouped(whole.answered),
                      with_unit_of_size(static_cast<double>(result.tally.bytes_received)));
  text += fmt::format("  latency    {}\n", latency_line(whole.latency));
  if (mixed) text += kind_lines(result.tally, load.requests);
  text += fmt::format("  generator  {} of CPU per request, {:.0f} % of {}\n",
                      with_unit_of_time(result.cpu_ns_per_request()), 100 * result.cpu_share(options.threads),
                      plural(options.threads, "core"));
  text += fmt::format("  errors     {}\n",
                      whole.errors.total() == 0 ? std::string("none") : describe_errors(result.tally));
  if (whole.unanswered != 0) text += fmt::format("  unanswered {}\n", grouped(whole.unanswered));
  if (result.server_requests) {
    text += fmt::format(
        "  server     counted {}{}\n", plural(*result.server_requests, "request"),
        *result.server_requests == whole.answered ? ", as many as were answered" : ", NOT as many");
  }
  return text;
}

}  // namespace httpdyno::loadgen
