// The machine's report of a run. Keys are stable: scripts and records are made of them.
#include <nlohmann/json.hpp>

#include "loadgen/base/duration.h"
#include "loadgen/base/identity.h"
#include "loadgen/report/result.h"
#include "loadgen/report/verdict_report.h"

namespace httpdyno::loadgen {

namespace {

using Json = nlohmann::ordered_json;

Json errors_json(const ErrorCounts& errors) {
  Json json = {{"total", errors.total()}};
  for (const ErrorRow& row : kErrorRows) json[std::string(row.key)] = errors.of(row.kind);
  Json causes = Json::array();
  for (const ErrorCounts::Count& one : errors.causes()) {
    const std::string detail = detail_key(one.cause);
    causes.push_back({{"kind", row_of(one.cause.kind).key},
                      {"progress", key_of(one.cause.progress)},
                      {"detail", detail.empty() ? Json() : Json(detail)},
                      {"count", one.count}});
  }
  json["causes"] = std::move(causes);
  return json;
}

// A figure of a void run, and one that the sample is too small for, is null: nobody shall take it for a number.
Json latency_json(const Latency& latency, const Quantiles& quantiles, bool is_void) {
  const Histogram& values = latency.values();
  const bool none = is_void || values.total() == 0;
  Json json = {{"count", values.total()}, {"censored", latency.censored()}, {"overflow", values.overflow()}};
  json["mean"] = none ? Json() : Json(values.mean());
  json["min"] = none ? Json() : Json(values.min());
  Json intervals = Json::object();
  Json at_least = Json::array();
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const Quantile& quantile = quantiles[i];
    const char* key = kLevels[i].key;
    const bool given = !none && quantile.enough;
    json[key] = given ? Json(quantile.value) : Json();
    if (!given) continue;
    const auto end = [](const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(); };
    intervals[key] = {end(quantile.low), end(quantile.high)};
    if (quantile.at_least) at_least.push_back(key);
  }
  json["max"] = none ? Json() : Json(values.max());
  json["intervals"] = std::move(intervals);
  json["at_least"] = std::move(at_least);
  return json;
}

void put_latencies(Json& json, const Measured& measured, bool open_loop, bool is_void) {
  measured.each(open_loop, [&](std::string_view name, const Latency& latency, const Quantiles& quantiles) {
    json[std::string(name) + "_ns"] = latency_json(latency, quantiles, is_void);
  });
}

Json kinds_json(const RunResult& result, const RunOptions& options) {
  Json json = Json::array();
  for (std::size_t i = 0; i < options.load.requests.size(); ++i) {
    const RequestSpec& request = options.load.requests[i];
    const KindTally& kind = result.tally.kinds[i];
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
    if (i < result.kinds.size())
      put_latencies(one, result.kinds[i], options.arrivals.open(), result.is_void());
    json.push_back(std::move(one));
  }
  return json;
}

Json limit_json(std::uint64_t requests) { return requests == Script::kUnlimited ? Json() : Json(requests); }

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
  const auto rate = [&](double value) { return result.is_void() ? Json() : Json(value); };
  Json json = {
      {"version", version()},
      {"url", options.url.text()},
      {"method", request.method},
      {"request_body_bytes", request.body.size()},
      {"connections", options.load.connections},
      {"threads", options.threads},
      {"pipeline", options.load.pipeline},
      {"keepalive", options.load.requests_per_connection != 1},
      {"requests_per_connection", limit_json(options.load.requests_per_connection)},
      {"warmup_seconds", to_seconds(options.warmup)},
      {"duration_seconds", to_seconds(result.measured)},
      {"interrupted", result.signal != 0},
      {"requests", result.tally.answered()},
      {"measured_requests", result.tally.measured()},
      {"answers_in_window", result.tally.answered_in_window()},
      {"unanswered", result.tally.unanswered()},
      {"errors", errors_json(result.tally.errors())},
      {"requests_per_second", rate(result.requests_per_second())},
      {"bytes_received", result.tally.bytes_received},
      {"connections_made", result.tally.connections},
      {"reconnects", result.tally.reconnects},
      {"cpu_ns_per_request", rate(result.cpu_ns_per_request())},
      {"generator_cpu_share", result.cpu_share(options.threads)},
  };
  if (!options.url.unix_socket.empty()) json["unix_socket"] = options.url.unix_socket;
  put_latencies(json, result.whole, options.arrivals.open(), result.is_void());
  if (result.kernel) {
    result.kernel->each([&](std::string_view name, const Latency& latency, const Quantiles& quantiles) {
      json[std::string(name) + "_ns"] = latency_json(latency, quantiles, result.is_void());
    });
    json["unstamped_requests"] = result.kernel->latencies.unstamped;
  }
  json["verdict"] = verdict_json(result.verdict);
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
    json["kinds"] = kinds_json(result, options);
  }
  if (result.server_requests) json["server_requests"] = *result.server_requests;
  return json.dump(2) + "\n";
}

}  // namespace httpdyno::loadgen
