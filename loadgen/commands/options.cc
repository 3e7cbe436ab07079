#include "loadgen/commands/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "loadgen/base/duration.h"
#include "loadgen/base/identity.h"
#include "loadgen/base/input_file.h"
#include "loadgen/base/limits.h"
#include "loadgen/base/rate.h"
#include "loadgen/work/mix.h"
#include "net/http/chars.h"

namespace httpdyno::loadgen {

namespace {

constexpr const char* kExamples =
    R"(Durations are seconds, or have a unit: 0.5, 2s, 500ms, 1m. With keep-alive each connection sends --pipeline requests at
once and the next ones when all are answered: a closed loop, which a slow server slows down. With --rate the loop is open:
requests are due by the clock, whatever the server does, and their response time counts from then. Exit codes: 0 fine, 1 failed run, 2 bad command line.

A --mix is {"requests": [{"name": "trivial", "weight": 95, "path": "/plaintext"},
                         {"name": "waiting", "weight": 5, "path": "/sleep/5"}]}
where each may also have "method", "headers" (an object), "body" (text) or "body_bytes", and "expect_status".

Examples:
  loadgen http://127.0.0.1:8080/ -c 64 -d 10s --warmup 1s
  loadgen http://127.0.0.1:8080/ -c 64 -R 20k --arrivals poisson -d 30s
  loadgen http://[::1]:8080/echo -m POST --body-bytes 4096 -c 64 --json result.json
  loadgen http://127.0.0.1:8080/ -c 64 --pipeline 16 --stats-path /stats
  loadgen http://127.0.0.1:8080/ -c 8 --mix mix.json --seed 7
  loadgen --unix-socket /run/site.sock http://localhost/ -c 64
  loadgen versus http://127.0.0.1:8001/ http://127.0.0.1:8002/ --pid-a 101 --pid-b 102 -c 64)";

// What CLI11 fills before it is checked and converted.
struct Raw {
  std::string duration = "10s";
  std::string warmup = "0";
  std::string timeout = "2s";
  std::string drain;
  std::string rate;
  std::string rate_to;
  std::string arrivals = "constant";
  std::vector<std::string> fields;
  std::string method;
  std::string body_file;
  std::size_t body_bytes = 0;
  int expected_status = 0;
  bool no_keepalive = false;
  bool latency = false;
  std::vector<std::string> urls;
  double slice_ms = 25;
};

void add_load_options(CLI::App& app, LoadOptions& load, Raw& raw) {
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
  auto* method = app.add_option("-m,--method", raw.method, "request method (default: GET, with a body POST)");
  app.add_option("-H,--header", raw.fields, "a header line, as 'Name: value'; may be repeated")
      ->allow_extra_args(false);
  auto* file = app.add_option("--body-file", raw.body_file, "the file that holds the request's body");
  auto* size = app.add_option("--body-bytes", raw.body_bytes, "a body of this many octets 'x'")
                   ->check(CLI::Range(std::size_t{0}, kBodyBytesMax))
                   ->excludes(file);
  app.add_option("--timeout", raw.timeout, "for a connect, and for an answer")->capture_default_str();
  auto* status =
      app.add_option("--expect-status", raw.expected_status,
                     "the status that every answer must have (default: the first answer's, if below 400)")
          ->check(CLI::Range(200, 999));
  app.add_flag("--any-length", load.any_length, "bodies may differ from the first, also in length");
  app.add_flag("--any-body", load.any_body, "bodies may differ from the first, but not in length");
  app.add_option("--mix", load.mix_path,
                 "a JSON file of kinds of requests, drawn by weight; each kind has its own latencies")
      ->excludes(method)
      ->excludes(file)
      ->excludes(size)
      ->excludes(status);
}

// A path that a script has left empty must not end as a connection to the URL's host.
void add_socket_option(CLI::App& app, const char* flag, Url& url, const char* text) {
  app.add_option(flag, url.unix_socket, text)->check([](const std::string& path) {
    return std::string(path.empty() ? "a path is required" : "");
  });
}

Failure read_duration(const char* flag, const std::string& text, bool may_be_zero, Duration& out) {
  if (!parse_duration(text, out)) {
    return usage_failure(fmt::format("{} '{}' is no duration: expected as 0.5, 2s, 500ms or 1m", flag, text));
  }
  if (out > Duration::zero() || may_be_zero) return {};
  return usage_failure(fmt::format("{} must be more than 0", flag));
}

void add_arrival_options(CLI::App& app, RunOptions& run, Raw& raw) {
  auto* rate = app.add_option("-R,--rate", raw.rate,
                              "open loop: requests per second over all connections (20000, 20k, 0.5)");
  app.add_option("--arrivals", raw.arrivals,
                 "how they come: constant gaps, or poisson (independent of each other)")
      ->check(CLI::IsMember({"constant", "poisson"}))
      ->needs(rate)
      ->capture_default_str();
  app.add_option("--rate-to", raw.rate_to,
                 "a ramp: from --rate to this rate, linear over warm-up and duration")
      ->needs(rate);
  app.add_option(
         "--queue-limit", run.queue_limit,
         "end the run as overloaded when more due requests than this wait for a connection (0: never)")
      ->needs(rate)
      ->capture_default_str();
  app.add_option("--drain", raw.drain,
                 "how long outstanding answers are waited for at the end (default: as long as --timeout)");
}

Failure read_rate(const char* flag, const std::string& text, Rate& out) {
  const std::string_view fault = parse_rate(text, out);
  if (fault.empty()) return {};
  return usage_failure(
      fmt::format("{} '{}' {}: expected requests per second, as 20000, 20k or 0.5", flag, text, fault));
}

Failure finish_arrivals(const Raw& raw, RunOptions& run) {
  run.drain = drain_limit(run.load.timeout, run.load.connections);
  if (!raw.drain.empty()) {
    if (Failure failure = read_duration("--drain", raw.drain, true, run.drain)) return failure;
  }
  if (raw.rate.empty()) return {};
  Arrivals& arrivals = run.arrivals;
  arrivals.seed = run.load.seed;
  arrivals.kind = raw.arrivals == "poisson" ? Arrivals::Kind::poisson : Arrivals::Kind::constant;
  if (Failure failure = read_rate("-R", raw.rate, arrivals.rate)) return failure;
  if (raw.rate_to.empty()) return {};
  if (arrivals.kind == Arrivals::Kind::poisson) {
    return usage_failure("--rate-to and --arrivals poisson exclude each other: a ramp has constant gaps");
  }
  arrivals.kind = Arrivals::Kind::ramp;
  return read_rate("--rate-to", raw.rate_to, arrivals.rate_to);
}

Failure read_url(const std::string& text, Url& out) {
  const std::string_view wrong = parse_url(text, out);
  if (wrong.empty()) return {};
  return usage_failure(fmt::format("URL '{}' {}", text, wrong));
}

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

Failure finish_load(const CLI::App& app, const Raw& raw, LoadOptions& load) {
  RequestSpec& request = load.requests.front();
  request.expected_status = raw.expected_status;
  if (raw.no_keepalive) load.requests_per_connection = 1;
  request.has_body = !raw.body_file.empty() || app.count("--body-bytes") != 0;
  request.method = app.count("--method") != 0 ? raw.method : default_method(request.has_body);
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

// CLI11 says what is wrong in one or more lines; the first is enough beside "--help".
Failure parse_with(CLI::App& app, int argc, const char* const* argv, CommandLine& out) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out.mode = CommandLine::Mode::print;
    out.text = app.help();
    return {};
  } catch (const CLI::ParseError& error) {
    std::string what = error.what();
    what = what.substr(0, what.find('\n'));
    return usage_failure(fmt::format("{} (see loadgen --help)", what));
  }
  return {};
}

Failure parse_run(int argc, const char* const* argv, CommandLine& out) {
  RunOptions& run = out.run;
  Raw raw;
  bool show_version = false;
  bool show_identity = false;
  std::string url;
  CLI::App app(
      "Load generator for HTTP/1.1 servers, closed or open loop. Compare two servers: loadgen versus --help. "
      "Add up logs of runs: loadgen merge --help.",
      "loadgen");
  app.footer(kExamples);
  app.add_option("URL", url, "http://HOST[:PORT][/PATH]");
  add_load_options(app, run.load, raw);
  add_socket_option(app, "--unix-socket", run.url,
                    "connect to this path; the URL gives the Host field and the target");
  app.add_option("-t,--threads", run.threads, "threads; connections are spread evenly")
      ->check(CLI::Range(1U, kThreadsMax))
      ->capture_default_str();
  app.add_option("--seed", run.load.seed,
                 "of the draws from --mix and of poisson arrivals: the same seed, the same requests")
      ->capture_default_str();
  add_arrival_options(app, run, raw);
  app.add_option("-d,--duration", raw.duration, "of the measured part")->capture_default_str();
  app.add_option("--warmup", raw.warmup, "load before it that is not measured")->capture_default_str();
  app.add_option("--json", run.json_path, "write the result as JSON to this file ('-': standard output)");
  app.add_option("--hgrm", run.hgrm_path,
                 "write the latency distribution, in ms, to this file ('-': standard output)");
  app.add_option(
      "--hlog", run.hlog_path,
      "write a log of histograms, one of each latency for each second, to this file (HdrHistogram's .hlog)");
  app.add_option("--csv", run.csv_path, "write the percentiles of each second as CSV to this file");
  app.add_option("--ndjson", run.ndjson_path, "write each second as a line of JSON to this file");
  app.add_flag("--live", run.live, "print a line for each second on stderr");
  app.add_option(
      "--stats-path", run.stats_path,
      "read the server's own count (\"requests\" in JSON) there before and after: it must be equal");
  app.add_flag("--latency", raw.latency, "for wrk's users: the latency distribution is always printed");
  app.add_flag("-v,--version", show_version, "print the version");
  app.add_flag("--identity", show_identity, "print how this program was built, as JSON");
  if (Failure failure = parse_with(app, argc, argv, out)) return failure;
  if (!out.text.empty()) return {};
  if (show_version || show_identity) {
    out.text = show_identity ? identity_json() + "\n" : fmt::format("loadgen {}\n", version());
    return {};
  }

  out.mode = CommandLine::Mode::run;
  if (url.empty()) return usage_failure("a URL is required (see loadgen --help)");
  if (Failure failure = read_url(url, run.url)) return failure;
  if (Failure failure = finish_load(app, raw, run.load)) return failure;
  if (Failure failure = read_duration("-d", raw.duration, false, run.duration)) return failure;
  if (Failure failure = read_duration("--warmup", raw.warmup, true, run.warmup)) return failure;
  if (Failure failure = finish_arrivals(raw, run)) return failure;
  if (run.threads > run.load.connections) {
    return usage_failure(fmt::format("-t {} threads need at least as many connections, not -c {}",
                                     run.threads, run.load.connections));
  }
  const auto to_stdout = {&run.json_path, &run.hgrm_path, &run.hlog_path, &run.csv_path, &run.ndjson_path};
  if (std::count_if(to_stdout.begin(), to_stdout.end(),
                    [](const std::string* path) { return *path == "-"; }) > 1) {
    return usage_failure(
        "only one of --json, --hgrm, --hlog, --csv and --ndjson can go to the standard output");
  }
  if (!run.stats_path.empty() && run.stats_path.front() != '/') {
    return usage_failure(fmt::format("--stats-path '{}' must begin with '/'", run.stats_path));
  }
  return {};
}

Failure parse_versus(int argc, const char* const* argv, CommandLine& out) {
  VersusOptions& versus = out.versus;
  Raw raw;
  CLI::App app(
      "Drives two servers in turn, in short slices, and compares their CPU per request. Server B over server "
      "A.",
      "loadgen versus");
  app.add_option("URLS", raw.urls, "the URLs of server A and of server B");
  add_load_options(app, versus.load, raw);
  add_socket_option(app, "--unix-socket-a", versus.url_a, "connect to server A at this path");
  add_socket_option(app, "--unix-socket-b", versus.url_b, "connect to server B at this path");
  app.add_option("--pid-a", versus.pid_a, "process of server A, whose CPU clock is read")
      ->check(CLI::PositiveNumber);
  app.add_option("--pid-b", versus.pid_b, "process of server B")->check(CLI::PositiveNumber);
  app.add_option("--slice-ms", raw.slice_ms, "length of a slice in ms")
      ->check(CLI::Range(1.0, 10'000.0))
      ->capture_default_str();
  app.add_option("--pairs", versus.pairs, "pairs of slices that count")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--settle-pairs", versus.settle_pairs, "pairs before them that do not")
      ->check(CLI::Range(0U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--seed", versus.load.seed,
                 "of the coin that says which server comes first in a pair, and of the draws from --mix")
      ->capture_default_str();
  app.add_option(
      "--ndjson", versus.ndjson_path,
      "write a line of JSON for each slice and one with the totals to this file ('-': standard output)");
  if (Failure failure = parse_with(app, argc, argv, out)) return failure;
  if (!out.text.empty()) return {};

  out.mode = CommandLine::Mode::versus;
  if (raw.urls.size() != 2) {
    return usage_failure(
        fmt::format("versus needs two URLs, not {} (see loadgen versus --help)", raw.urls.size()));
  }
  if (versus.pid_a == 0 || versus.pid_b == 0) {
    return usage_failure("versus needs --pid-a and --pid-b: their CPU clocks are what is compared");
  }
  if (Failure failure = read_url(raw.urls[0], versus.url_a)) return failure;
  if (Failure failure = read_url(raw.urls[1], versus.url_b)) return failure;
  versus.slice = Duration(static_cast<Duration::rep>(raw.slice_ms * 1e6));
  return finish_load(app, raw, versus.load);
}

Failure parse_merge(int argc, const char* const* argv, CommandLine& out) {
  MergeOptions& merge = out.merge;
  CLI::App app(
      "Adds up the logs of several runs, as --hlog writes them: counts are added, and percentiles "
      "come from the sums.",
      "loadgen merge");
  app.footer("Example:\n  loadgen merge agent-*.hlog --hlog all.hlog --hgrm all.hgrm");
  app.add_option("FILES", merge.paths, "the logs (.hlog)");
  app.add_option(
      "--hlog", merge.hlog_path,
      "write them as one log, with intervals that begin at the same time added, to this file ('-': standard "
      "output)");
  app.add_option("--hgrm", merge.hgrm_path,
                 "write the latency distribution, in ms, to this file ('-': standard output)");
  app.add_option("--tag", merge.tag, "whose distribution that is (default: response, else service)");
  if (Failure failure = parse_with(app, argc, argv, out)) return failure;
  if (!out.text.empty()) return {};

  out.mode = CommandLine::Mode::merge;
  if (merge.paths.empty()) return usage_failure("merge needs the logs to add (see loadgen merge --help)");
  if (merge.hlog_path == "-" && merge.hgrm_path == "-") {
    return usage_failure("--hlog and --hgrm cannot both go to the standard output");
  }
  return {};
}

}  // namespace

Failure parse_command_line(int argc, const char* const* argv, CommandLine& out) {
  if (argc > 1 && std::string_view(argv[1]) == "versus") return parse_versus(argc - 1, argv + 1, out);
  if (argc > 1 && std::string_view(argv[1]) == "merge") return parse_merge(argc - 1, argv + 1, out);
  return parse_run(argc, argv, out);
}

}  // namespace httpdyno::loadgen
