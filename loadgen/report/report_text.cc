// The summary that a person reads.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "loadgen/base/duration.h"
#include "loadgen/base/text.h"
#include "loadgen/report/quantile_text.h"
#include "loadgen/report/result.h"
#include "loadgen/report/verdict_report.h"

namespace httpdyno::loadgen {

namespace {

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", grouped(count), noun, count == 1 ? "" : "s");
}

std::string latency_line(const Latency& latency, const Quantiles& quantiles) {
  const Histogram& values = latency.values();
  if (values.total() == 0) return "nothing was measured";
  std::string text =
      fmt::format("mean {}, min {}", with_unit_of_time(values.mean()), with_unit_of_time(values.min()));
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    text += fmt::format(", {} {}", kLevels[i].text, value_text(quantiles[i]));
  }
  return text +
         fmt::format(", max {}{}", latency.censored() != 0 ? "≥ " : "", with_unit_of_time(values.max()));
}

// The percentiles one below the other, with their 95 % intervals and bars on a logarithmic scale.
std::string latency_plot(const Latency& latency, const Quantiles& quantiles) {
  const Histogram& values = latency.values();
  if (values.total() == 0) return "";
  constexpr double kWidth = 40;
  const double low = std::log(static_cast<double>(std::max<std::int64_t>(values.min(), 1)));
  const double high = std::log(static_cast<double>(std::max<std::int64_t>(values.max(), 2)));
  std::string text;
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const Quantile& quantile = quantiles[i];
    const double at = std::log(static_cast<double>(std::max<std::int64_t>(quantile.value, 1)));
    const double share = high > low ? std::clamp((at - low) / (high - low), 0.0, 1.0) : 1.0;
    text += fmt::format(
        "    {:<8} {:>12}  {:<24} {}\n", kLevels[i].text, value_text(quantile), interval_text(quantile),
        std::string(quantile.enough ? static_cast<std::size_t>(1 + share * (kWidth - 1)) : 0, '#'));
  }
  return text;
}

// Each kind's own, under the whole.
std::string kind_lines(const RunResult& result, const RunOptions& options) {
  std::string text;
  for (std::size_t i = 0; i < result.kinds.size(); ++i) {
    const KindTally& kind = result.tally.kinds[i];
    const Measured& measured = result.kinds[i];
    const std::uint64_t errors = kind.errors.total();
    text += fmt::format("    {}: {} measured of {} answered{}; {}\n", options.load.requests[i].name,
                        grouped(kind.measured()), grouped(kind.answered),
                        errors == 0 ? "" : ", " + plural(errors, "error"),
                        options.arrivals.open() ? latency_line(measured.latencies.response, measured.response)
                                                : latency_line(measured.latencies.service, measured.service));
  }
  return text;
}

// The one that a user of the server feels first and in full, the others on a line each.
std::string latency_lines(const RunResult& result, const RunOptions& options) {
  std::string text;
  bool first = true;
  result.whole.each(options.arrivals.open(),
                    [&](std::string_view name, const Latency& latency, const Quantiles& quantiles) {
                      std::string label(name);
                      std::replace(label.begin(), label.end(), '_', ' ');
                      text += fmt::format("  {:<10} {}\n", label, latency_line(latency, quantiles));
                      if (std::exchange(first, false)) text += latency_plot(latency, quantiles);
                    });
  if (!options.load.mix_path.empty()) text += kind_lines(result, options);
  return text;
}

// Where the service time went.
std::string kernel_lines(const KernelMeasured& kernel) {
  const std::int64_t stamped = kernel.latencies.kernel_service.values().total();
  if (stamped == 0) return "  kernel     n/a: it gave no stamps\n";
  std::string text = fmt::format("  kernel     {} with stamps, {} without\n",
                                 plural(static_cast<std::uint64_t>(stamped), "request"),
                                 grouped(kernel.latencies.unstamped));
  kernel.each([&](std::string_view name, const Latency& latency, const Quantiles& quantiles) {
    std::string label(name);
    std::replace(label.begin(), label.end(), '_', ' ');
    text += fmt::format("    {:<15} {}\n", label, latency_line(latency, quantiles));
  });
  return text;
}

// How connections are used.
std::string describe_use(const LoadOptions& load) {
  if (load.requests_per_connection == 1) return "one request each";
  std::string text = load.pipeline == 1 ? "keep-alive" : fmt::format("{} requests pipelined", load.pipeline);
  if (load.requests_per_connection == Script::kUnlimited) return text;
  return text + fmt::format(", {} requests each", grouped(load.requests_per_connection));
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
      "  load       {} on {}, {}, {:g} s{}{}\n", plural(load.connections, "connection"),
      plural(options.threads, "thread"), describe_use(load), to_seconds(result.measured),
      options.warmup > Duration::zero() ? fmt::format(" after {:g} s", to_seconds(options.warmup)) : "",
      result.signal != 0 ? ", interrupted" : "");
  if (result.is_void()) {
    text += fmt::format("  requests   {} answered, {} received\n", grouped(tally.answered()),
                        with_unit_of_size(static_cast<double>(tally.bytes_received)));
  } else {
    text += fmt::format("  requests   {} per second; {} measured of {} answered, {} received\n",
                        grouped(static_cast<std::uint64_t>(result.requests_per_second() + 0.5)),
                        grouped(tally.measured()), grouped(tally.answered()),
                        with_unit_of_size(static_cast<double>(tally.bytes_received)));
  }
  if (options.arrivals.open()) {
    text += fmt::format("  due        {}; {} were sent, {} waited at the end, {} were shed\n",
                        grouped(result.due), grouped(result.due - tally.queued - tally.shed),
                        grouped(tally.queued), grouped(tally.shed));
  }
  if (!result.is_void()) {
    text += latency_lines(result, options);
    if (result.kernel) text += kernel_lines(*result.kernel);
    text += fmt::format("  in flight  {:.4g} on average\n", result.mean_in_flight());
    text += fmt::format("  generator  {} of CPU per request, {:.0f} % of {}{}\n",
                        with_unit_of_time(result.cpu_ns_per_request()),
                        100 * result.cpu_share(options.threads), plural(options.threads, "core"),
                        options.arrivals.open() ? ", awake before each due time" : "");
  }
  text += fmt::format("  errors     {}\n",
                      tally.errors().total() == 0 ? std::string("none") : describe_errors(result.tally));
  if (tally.unanswered() != 0) text += fmt::format("  unanswered {}\n", grouped(tally.unanswered()));
  if (result.server_requests) {
    text += fmt::format(
        "  server     counted {}{}\n", plural(*result.server_requests, "request"),
        *result.server_requests == tally.answered() ? ", as many as were answered" : ", NOT as many");
  }
  return text + verdict_lines(result.verdict);
}

}  // namespace httpdyno::loadgen
