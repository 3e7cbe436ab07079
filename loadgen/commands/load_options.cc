#include "loadgen/commands/load_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "loadgen/base/duration.h"
#include "loadgen/base/input_file.h"
#include "loadgen/base/limits.h"
#include "loadgen/work/mix.h"
#include "net/http/chars.h"

namespace httpdyno::loadgen {

namespace {

Failure read_field(const std::string& line, RequestSpec& request) {
  const std::size_t colon = line.find(':');
  const bool has_colon = colon != std::string::npos;
  // Without a colon there is no name, which is what is wrong then.
  const std::string_view name = std::string_view(line).substr(0, has_colon ? colon : 0);
  const std::string_view value = http::trim_blanks(std::string_view(line).substr(has_colon ? colon + 1 : 0));
  if (const std::string_view fault = field_fault(name, value); !fault.empty()) {
    return usage_failure(fmt::format("-H '{}' {}", line, fault));
  }
  request.fields.emplace_back(name, value);
  return {};
}

Failure read_mix(LoadOptions& load) {
  std::string text;
  if (Failure failure = read_input_file("--mix", load.mix_path, kMixFileBytesMax, text)) return failure;
  const RequestSpec base = load.requests.front();
  return parse_mix(load.mix_path, text, base, load.requests);
}

// Whether there is room for what is sent at once: one batch for all, or, in a mix, one for each connection.
Failure check_batches(const LoadOptions& load) {
  std::size_t largest = 0;
  for (const RequestSpec& request : load.requests) largest = std::max(largest, request.body.size());
  const std::size_t batch = largest * load.pipeline;
  if (batch > kBatchBytesMax) {
    return usage_failure(
        fmt::format("a body of {} octets times --pipeline {} is too much at once", largest, load.pipeline));
  }
  if (load.requests.size() == 1 || load.pipeline == 1 || batch * load.connections <= kMixedBatchesBytesMax) {
    return {};
  }
  return usage_failure(
      fmt::format("--mix {}: a body of {} octets times --pipeline {} on each of {} connections is too much: "
                  "less of one of them",
                  load.mix_path, largest, load.pipeline, load.connections));
}

}  // namespace

void begin_group(CLI::App& app, const char* heading) { app.option_defaults()->group(heading); }

void add_program_options(CLI::App& app) {
  begin_group(app, "Program");
  app.set_help_flag("-h,--help", "print this");
}

void add_load_options(CLI::App& app, LoadOptions& load, RawLoad& raw) {
  begin_group(app, "Connections");
  app.add_option("-c,--connections", load.connections, "connections held open, over all threads")
      ->check(CLI::Range(1U, kConnectionsMax))
      ->capture_default_str();
  app.add_option("--pipeline", load.pipeline, "requests sent at once on a connection")
      ->check(CLI::Range(1U, kPipelineMax))
      ->capture_default_str();
  auto* churn = app.add_option("--requests-per-connection", load.requests_per_connection,
                               "the last of so many says Connection: close, and another connection is made "
                               "(default: no end)")
                    ->check(CLI::Range(std::uint64_t{1}, Script::kUnlimited - 1));
  app.add_flag("--no-keepalive", raw.no_keepalive,
               "a new connection for each request: --requests-per-connection 1")
      ->excludes(churn);
  app.add_option("--timeout", raw.timeout, "for a connect, and for an answer")
      ->type_name("DURATION")
      ->capture_default_str();

  begin_group(app, "Requests");
  auto* method = app.add_option("-m,--method", raw.method, "request method (default: GET, with a body POST)");
  app.add_option("-H,--header", raw.fields, "a header line, as 'Name: value'; may be repeated")
      ->allow_extra_args(false);
  auto* file = app.add_option("--body-file", raw.body_file, "the file that holds the request's body")
                   ->type_name("FILE");
  auto* size = app.add_option("--body-bytes", raw.body_bytes, "a body of this many octets 'x'")
                   ->check(CLI::Range(std::size_t{0}, kBodyBytesMax))
                   ->excludes(file);
  auto* status =
      app.add_option("--expect-status", raw.expected_status,
                     "the status that every answer must have (default: the first answer's, if below 400)")
          ->check(CLI::Range(200, 999));
  app.add_flag("--any-length", load.any_length, "bodies may differ from the first, also in length");
  app.add_flag("--any-body", load.any_body, "bodies may differ from the first, but not in length");
  app.add_option("--mix", load.mix_path,
                 "a JSON file of kinds of requests, drawn by weight; each kind has its own latencies")
      ->type_name("FILE")
      ->excludes(method)
      ->excludes(file)
      ->excludes(size)
      ->excludes(status);
}

void add_arrival_options(CLI::App& app, RawArrivals& raw) {
  begin_group(app, "Open loop");
  app.add_option("-R,--rate", raw.rate,
                 "requests per second over all connections (20000, 20k, 0.5), due by the clock")
      ->type_name("RATE");
  app.add_option("--arrivals", raw.kind,
                 "how they come: constant gaps, or poisson (independent of each other)")
      ->check(CLI::IsMember({"constant", "poisson"}))
      ->capture_default_str();
}

// A path that a script has left empty must not end as a connection to the URL's host.
void add_socket_option(CLI::App& app, const char* flag, Url& url, const char* text) {
  app.add_option(flag, url.unix_socket, text)->type_name("PATH")->check([](const std::string& path) {
    return std::string(path.empty() ? "a path is required" : "");
  });
}

// CLI11 says what is wrong in one or more lines; the first is enough beside "--help".
Failure parse_with(CLI::App& app, int argc, const char* const* argv, CommandLine& out) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out.mode = CommandLine::Mode::print;
    out.text = app.help();
    // CLI11 ends a group with two empty lines.
    for (std::size_t at = 0; (at = out.text.find("\n\n\n", at)) != std::string::npos;) out.text.erase(at, 1);
    return {};
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    what = what.substr(0, what.find('\n'));
    return usage_failure(fmt::format("{} (see loadgen --help)", what));
  }
  return {};
}

Failure finish_load(const CLI::App& app, const RawLoad& raw, LoadOptions& load) {
  RequestSpec& request = load.requests.front();
  request.expected_status = raw.expected_status;
  if (raw.no_keepalive) load.requests_per_connection = 1;
  request.has_body = !raw.body_file.empty() || app.count("--body-bytes") != 0;
  request.method = app.count("--method") != 0 ? raw.method : default_method(request.has_body);
  if (!raw.method.empty() && raw.method.find_first_not_of("0123456789") == std::string::npos) {
    return usage_failure(
        fmt::format("-m '{}' is no method: what h2load calls -m is --pipeline here", raw.method));
  }
  if (const std::string_view fault = method_fault(request.method); !fault.empty()) {
    return usage_failure(fmt::format("-m '{}' {}", request.method, fault));
  }
  for (const std::string& line : raw.fields) {
    if (Failure failure = read_field(line, request)) return failure;
  }
  if (load.requests_per_connection == 1 && load.pipeline > 1) {
    return usage_failure(
        "--pipeline and --no-keepalive (--requests-per-connection 1) exclude each other: a connection has "
        "one "
        "request");
  }
  if (!raw.body_file.empty()) {
    if (Failure failure = read_input_file("--body-file", raw.body_file, kBodyBytesMax, request.body))
      return failure;
  } else {
    request.body = deterministic_body(raw.body_bytes);
  }
  if (!load.mix_path.empty()) {
    if (Failure failure = read_mix(load)) return failure;
  }
  if (Failure failure = check_batches(load)) return failure;
  return read_duration("--timeout", raw.timeout, false, load.timeout);
}

Failure finish_arrivals(const RawArrivals& raw, std::uint64_t seed, Arrivals& out) {
  if (raw.rate.empty()) return {};
  out.seed = seed;
  out.kind = raw.kind == "poisson" ? Arrivals::Kind::poisson : Arrivals::Kind::constant;
  return read_rate("-R", raw.rate, out.rate);
}

Failure read_rate(const char* flag, const std::string& text, Rate& out) {
  const std::string_view fault = parse_rate(text, out);
  if (fault.empty()) return {};
  return usage_failure(
      fmt::format("{} '{}' {}: expected requests per second, as 20000, 20k or 0.5", flag, text, fault));
}

Failure read_duration(const char* flag, const std::string& text, bool may_be_zero, Duration& out) {
  if (!parse_duration(text, out)) {
    return usage_failure(fmt::format("{} '{}' is no duration: expected as 0.5, 2s, 500ms or 1m", flag, text));
  }
  if (out > Duration::zero() || may_be_zero) return {};
  return usage_failure(fmt::format("{} must be more than 0", flag));
}

Failure read_url(const std::string& text, Url& out) {
  const std::string_view wrong = parse_url(text, out);
  if (wrong.empty()) return {};
  return usage_failure(fmt::format("URL '{}' {}", text, wrong));
}

}  // namespace httpdyno::loadgen
