// The summary that a person reads.
#include <fmt/format.h>

#include "loadgen/base/duration.h"
#include "loadgen/base/text.h"
#include "loadgen/report/levels.h"
#include "loadgen/report/result.h"

namespace httpdyno::loadgen {

namespace {

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

// "p99 >= 2.00 s": what was not answered may have taken any time beyond that.
std::string latency_line(const Latency& latency) {
  const Histogram& values = latency.values();
  if (values.total() == 0) return "nothing was measured";
  const auto ns = [](auto value) { return with_unit_of_time(static_cast<double>(value)); };
  std::string text = fmt::format("mean {}, min {}", ns(values.mean()), ns(values.min()));
  for (const Level& level : kLevels) {
    const std::int64_t value = values.percentile(level.percent);
    text += fmt::format(", {} {}{}", level.text, latency.is_bound(value) ? ">= " : "", ns(value));
  }
  return text + fmt::format(", max {}{}", latency.censored() != 0 ? ">= " : "", ns(values.max()));
}

// Each kind's own, under the whole.
std::string kind_lines(const Tally& tally, const std::vector<RequestSpec>& requests) {
  std::string text;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const KindTally& kind = tally.kinds[i];
    const std::uint64_t errors = kind.errors.total();
    text +=
        fmt::format("    {}: {} measured of {} answered{}; {}\n", requests[i].name, grouped(kind.measured()),
                    grouped(kind.answered), errors == 0 ? "" : ", " + plural(errors, "error"),
                    latency_line(kind.latencies.service));
  }
  return text;
}

}  // namespace

std::string text_report(const RunResult& result, const RunOptions& options) {
  const LoadOptions& load = options.load;
  const RequestSpec& request = load.requests.front();
  const Tally& tally = result.tally;
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
                      grouped(tally.measured()), grouped(tally.answered()),
                      with_unit_of_size(static_cast<double>(result.tally.bytes_received)));
  if (options.arrivals.open()) {
    text += fmt::format("  due        {}; {} were sent, {} waited at the end, {} were shed\n",
                        grouped(result.due), grouped(result.due - tally.queued - tally.shed),
                        grouped(tally.queued), grouped(tally.shed));
    text += fmt::format("  response   {}\n", latency_line(result.latencies.response));
    text += fmt::format("  queue      {}\n", latency_line(result.latencies.queue));
  }
  text += fmt::format("  service    {}\n", latency_line(result.latencies.service));
  text += fmt::format("  first byte {}\n", latency_line(result.latencies.first_byte));
  if (mixed) text += kind_lines(result.tally, load.requests);
  text += fmt::format("  generator  {} of CPU per request, {:.0f} % of {}\n",
                      with_unit_of_time(result.cpu_ns_per_request()), 100 * result.cpu_share(options.threads),
                      plural(options.threads, "core"));
  text += fmt::format("  errors     {}\n",
                      tally.errors().total() == 0 ? std::string("none") : describe_errors(result.tally));
  if (tally.unanswered() != 0) text += fmt::format("  unanswered {}\n", grouped(tally.unanswered()));
  if (result.server_requests) {
    text += fmt::format(
        "  server     counted {}{}\n", plural(*result.server_requests, "request"),
        *result.server_requests == tally.answered() ? ", as many as were answered" : ", NOT as many");
  }
  return text;
}

}  // namespace httpdyno::loadgen
