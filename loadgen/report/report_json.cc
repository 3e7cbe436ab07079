// The machine's report of a run. Keys are stable: scripts and records are made of them.
#include <nlohmann/json.hpp>

#include "loadgen/base/duration.h"
#include "loadgen/base/identity.h"
#include "loadgen/report/result.h"

namespace httpdyno::loadgen {

namespace {

using Json = nlohmann::ordered_json;

Json errors_json(const ErrorCounts& errors) {
  Json json = {{"total", errors.total()}};
  for (const ErrorRow& row : kErrorRows) json[std::string(row.key)] = errors.of(row.kind);
  return json;
}

// Without a request there is no latency: null, so that nobody takes 0 for one.
Json latency_json(const Histogram& latency) {
  if (latency.total() == 0) {
    return {{"mean", nullptr}, {"min", nullptr},   {"p50", nullptr}, {"p90", nullptr},
            {"p99", nullptr},  {"p99_9", nullptr}, {"max", nullptr}};
  }
  return {
      {"mean", latency.mean()},        {"min", latency.min()},          {"p50", latency.percentile(50)},
      {"p90", latency.percentile(90)}, {"p99", latency.percentile(99)}, {"p99_9", latency.percentile(99.9)},
      {"max", latency.max()},
  };
}

Json kinds_json(const Tally& tally, const LoadOptions& load) {
  Json json = Json::array();
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const RequestSpec& request = load.requests[i];
    const KindTally& kind = tally.kinds[i];
    json.push_back({
        {"name", request.name},
        {"weight", request.weight},
        {"method", request.method},
        {"path", request.target},
        {"request_body_bytes", request.body.size()},
        {"requests", kind.answered},
        {"measured_requests", kind.measured()},
        {"answers_in_window", kind.answered_in_window},
        {"unanswered", kind.unanswered},
        {"errors", errors_json(kind.errors)},
        {"latency_ns", latency_json(kind.latency)},
        {"latency_overflow", kind.latency.overflow()},
    });
  }
  return json;
}

}  // namespace

std::string json_report(const RunResult& result, const RunOptions& options) {
  const RequestSpec& request = options.load.requests.front();
  const KindTally whole = result.tally.whole();
  Json json = {
      {"version", version()},
      {"url", options.url.text()},
      {"method", request.method},
      {"request_body_bytes", request.body.size()},
      {"connections", options.load.connections},
      {"threads", options.threads},
      {"pipeline", options.load.pipeline},
      {"keepalive", request.keep_alive},
      {"warmup_seconds", to_seconds(options.warmup)},
      {"duration_seconds", to_seconds(result.measured)},
      {"interrupted", result.signal != 0},
      {"requests", whole.answered},
      {"measured_requests", whole.measured()},
      {"answers_in_window", whole.answered_in_window},
      {"unanswered", whole.unanswered},
      {"errors", errors_json(whole.errors)},
      {"requests_per_second", result.requests_per_second()},
      {"latency_ns", latency_json(whole.latency)},
      {"latency_overflow", whole.latency.overflow()},
      {"bytes_received", result.tally.bytes_received},
      {"reconnects", result.tally.reconnects},
      {"cpu_ns_per_request", result.cpu_ns_per_request()},
      {"generator_cpu_share", result.cpu_share(options.threads)},
  };
  if (!options.url.unix_socket.empty()) json["unix_socket"] = options.url.unix_socket;
  if (!options.load.mix_path.empty()) {
    // What is the command line's for one request is the kinds' for a mix.
    json.erase("method");
    json.erase("request_body_bytes");
    json["mix"] = options.load.mix_path;
    json["seed"] = options.load.seed;
    json["kinds"] = kinds_json(result.tally, options.load);
  }
  if (result.server_requests) json["server_requests"] = *result.server_requests;
  return json.dump(2) + "\n";
}

}  // namespace httpdyno::loadgen
