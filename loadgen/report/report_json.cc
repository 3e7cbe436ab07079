// The machine's report of a run. Keys are stable: scripts and records are made of them.
#include <nlohmann/json.hpp>

#include "loadgen/base/duration.h"
#include "loadgen/base/identity.h"
#include "loadgen/report/levels.h"
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
Json latency_json(const Latency& latency) {
  const Histogram& values = latency.values();
  Json json = {{"count", values.total()}, {"censored", latency.censored()}, {"overflow", values.overflow()}};
  const auto put = [&](const char* key, auto value) {
    json[key] = values.total() == 0 ? Json() : Json(value);
  };
  put("mean", values.mean());
  put("min", values.min());
  Json at_least = Json::array();
  for (const Level& level : kLevels) {
    const std::int64_t value = values.percentile(level.percent);
    put(level.key, value);
    if (latency.is_bound(value)) at_least.push_back(level.key);
  }
  put("max", values.max());
  json["at_least"] = at_least;
  return json;
}

void put_latencies(Json& json, const Latencies& latencies, bool open_loop) {
  if (open_loop) json["queue_ns"] = latency_json(latencies.queue);
  json["service_ns"] = latency_json(latencies.service);
  json["first_byte_ns"] = latency_json(latencies.first_byte);
  if (open_loop) json["response_ns"] = latency_json(latencies.response);
}

Json kinds_json(const Tally& tally, const LoadOptions& load, bool open_loop) {
  Json json = Json::array();
  for (std::size_t i = 0; i < load.requests.size(); ++i) {
    const RequestSpec& request = load.requests[i];
    const KindTally& kind = tally.kinds[i];
    Json one = {
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
    };
    put_latencies(one, kind.latencies, open_loop);
    json.push_back(std::move(one));
  }
  return json;
}

Json arrivals_json(const Arrivals& arrivals) {
  switch (arrivals.kind) {
    case Arrivals::Kind::closed: break;
    case Arrivals::Kind::constant: return {{"kind", "constant"}, {"rate", arrivals.rate.per_second()}};
    case Arrivals::Kind::poisson:
      return {{"kind", "poisson"}, {"rate", arrivals.rate.per_second()}, {"seed", arrivals.seed}};
    case Arrivals::Kind::ramp:
      return {
          {"kind", "ramp"}, {"rate", arrivals.rate.per_second()}, {"rate_to", arrivals.rate_to.per_second()}};
  }
  return nullptr;
}

}  // namespace

std::string json_report(const RunResult& result, const RunOptions& options) {
  const RequestSpec& request = options.load.requests.front();
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
      {"requests", result.tally.answered()},
      {"measured_requests", result.tally.measured()},
      {"answers_in_window", result.tally.answered_in_window()},
      {"unanswered", result.tally.unanswered()},
      {"errors", errors_json(result.tally.errors())},
      {"requests_per_second", result.requests_per_second()},
      {"bytes_received", result.tally.bytes_received},
      {"reconnects", result.tally.reconnects},
      {"cpu_ns_per_request", result.cpu_ns_per_request()},
      {"generator_cpu_share", result.cpu_share(options.threads)},
  };
  if (!options.url.unix_socket.empty()) json["unix_socket"] = options.url.unix_socket;
  put_latencies(json, result.latencies, options.arrivals.open());
  if (options.arrivals.open()) {
    json["arrivals"] = arrivals_json(options.arrivals);
    json["due"] = result.due;
    json["sent"] = result.due - result.tally.queued - result.tally.shed;
    json["queued"] = result.tally.queued;
    json["shed"] = result.tally.shed;
  }
  if (!options.load.mix_path.empty()) {
    // What is the command line's for one request is the kinds' for a mix.
    json.erase("method");
    json.erase("request_body_bytes");
    json["mix"] = options.load.mix_path;
    json["seed"] = options.load.seed;
    json["kinds"] = kinds_json(result.tally, options.load, options.arrivals.open());
  }
  if (result.server_requests) json["server_requests"] = *result.server_requests;
  return json.dump(2) + "\n";
}

}  // namespace httpdyno::loadgen
