#include "loadgen/commands/run_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "loadgen/base/identity.h"
#include "loadgen/base/limits.h"
#include "loadgen/commands/habits.h"

namespace httpdyno::loadgen {

namespace {

constexpr const char* kFooter =
    R"(Durations are seconds, or have a unit: 0.5, 2s, 500ms, 300us, 1m. FILE may be '-', the standard output, for one of the results.

Without --rate the loop is closed: each connection sends --pipeline requests at once and the next ones when all are answered,
so a slow server is asked less. With --rate it is open: requests are due by the clock, whatever the server does, and their
response time counts from then.

A --mix is {"requests": [{"name": "trivial", "weight": 95, "path": "/plaintext"},
                         {"name": "waiting", "weight": 5, "path": "/sleep/5"}]}
where each may also have "method", "headers" (an object), "body" (text) or "body_bytes", and "expect_status".

Exit codes: 0 fine, 1 failed (or no knee found), 2 bad command line, 3 the run is void: its figures would mislead.

Examples:
  loadgen http://127.0.0.1:8080/ -c 64 -d 10s --warmup 1s
  loadgen http://127.0.0.1:8080/ -c 64 -R 20k --arrivals poisson -d 30s --warmup 1s
  loadgen http://127.0.0.1:8080/ -c 64 --find-knee --slo 'p99<2ms,p50<300us'
  loadgen http://[::1]:8080/echo --body-bytes 4096 -c 64 --json result.json
  loadgen http://127.0.0.1:8080/ -c 64 --pipeline 16 --stats-path /stats
  loadgen http://127.0.0.1:8080/ -c 8 --mix mix.json --seed 7
  loadgen --unix-socket /run/site.sock http://localhost/ -c 64
  loadgen versus http://127.0.0.1:8001/ http://127.0.0.1:8002/ --pid-a 101 --pid-b 102
  source <(loadgen --completion bash)
All of it at length: man loadgen)";

}  // namespace

RunLine::RunLine(CommandLine& out)
    : app("Load generator for HTTP/1.1 servers, closed or open loop. Compare two servers: loadgen versus "
          "--help. "
          "Add up logs of runs: loadgen merge --help.",
          "loadgen"),
      out_(out),
      run_(out.run) {
  app.footer(kFooter);
  app.add_option("URL", url_, "http://HOST[:PORT][/PATH]");
  add_load_options(app, run_.load, raw_);
  app.add_option("--seed", run_.load.seed,
                 "of the draws from --mix and of poisson arrivals: the same seed, the same requests")
      ->capture_default_str();
  begin_group(app, "Connections");
  add_socket_option(app, "--unix-socket", run_.url,
                    "connect to this path; the URL gives the Host field and the target");
  add_run_options();
  add_open_loop_options();
  add_knee_options();
  add_result_options();
  add_habits(app);
  add_program_options(app);
  app.add_flag("-v,--version", show_version_, "print the version");
  app.add_flag("--identity", show_identity_, "print how this program was built, as JSON");
  app.add_option("--completion", out_.completion, "print a script that makes the shell complete all this")
      ->check(CLI::IsMember({"bash"}));
}

void RunLine::add_run_options() {
  begin_group(app, "Run");
  app.add_option("-t,--threads", run_.threads, "threads; connections are spread evenly")
      ->check(CLI::Range(1U, kThreadsMax))
      ->capture_default_str();
  app.add_option("-d,--duration", duration_, "of the measured part (of each step of --find-knee: 2s)")
      ->type_name("DURATION")
      ->capture_default_str();
  app.add_option("--warmup", warmup_, "load before it that is not measured (of each step: 500ms)")
      ->type_name("DURATION")
      ->capture_default_str();
  app.add_flag(
      "--kernel-timestamps", run_.kernel_timestamps,
      "also tell by the kernel's stamps how long requests took to leave, and how long answers waited to be "
      "read (TCP)");
  app.add_flag("-L,--latency", latency_, "for wrk's users: the latency distribution is always printed");
}

void RunLine::add_open_loop_options() {
  add_arrival_options(app, raw_arrivals_);
  app.add_option("--rate-to", rate_to_, "a ramp: from --rate to this rate, linear over warm-up and duration")
      ->type_name("RATE")
      ->needs(app.get_option("--rate"));
  app.add_option(
         "--queue-limit", run_.queue_limit,
         "end the run as overloaded when more due requests than this wait for a connection (0: never)")
      ->capture_default_str();
  app.add_option("--drain", drain_,
                 "how long outstanding answers are waited for at the end (default: as long as --timeout)")
      ->type_name("DURATION");
}

void RunLine::add_knee_options() {
  begin_group(app, "Knee");
  auto* knee =
      app.add_flag("--find-knee", find_knee_,
                   "find the highest rate at which --slo holds, in runs of rising rate, from --rate on "
                   "(default: 1000)");
  app.add_option("--slo", slo_, "percentiles of the response time below limits, as 'p99<2ms,p50<300us'")
      ->type_name("OBJECTIVES")
      ->needs(knee);
  app.add_option("--knee-steps", out_.knee.steps_max, "runs at most")
      ->check(CLI::Range(1U, kKneeStepsMax))
      ->needs(knee)
      ->capture_default_str();
}

void RunLine::add_result_options() {
  begin_group(app, "Results");
  app.add_option("--json", run_.json_path, "write the result as JSON to this file ('-': standard output)")
      ->type_name("FILE");
  app.add_option("--hgrm", run_.hgrm_path,
                 "write the latency distribution, in ms, to this file ('-': standard output)")
      ->type_name("FILE");
  app.add_option("--hlog", run_.hlog_path,
                 "write a log of histograms, one of each latency for each second, to this file "
                 "(HdrHistogram's .hlog)")
      ->type_name("FILE");
  app.add_option("--csv", run_.csv_path, "write the percentiles of each second as CSV to this file")
      ->type_name("FILE");
  app.add_option("--ndjson", run_.ndjson_path, "write each second as a line of JSON to this file")
      ->type_name("FILE");
  app.add_flag("--live", run_.live, "print a line for each second on stderr");
  app.add_option(
         "--stats-path", run_.stats_path,
         "read the server's own count (\"requests\" in JSON) there before and after: it must be equal")
      ->type_name("TARGET");
}

Failure RunLine::finish() {
  if (show_version_ || show_identity_) {
    out_.text = show_identity_ ? identity_json() + "\n" : fmt::format("loadgen {}\n", version());
    return {};
  }
  if (!out_.completion.empty()) return {};
  out_.mode = find_knee_ ? CommandLine::Mode::knee : CommandLine::Mode::run;
  if (Failure failure = refuse_habits(app)) return failure;
  if (url_.empty()) return usage_failure("a URL is required (see loadgen --help)");
  if (Failure failure = read_url(url_, run_.url)) return failure;
  if (Failure failure = finish_load(app, raw_, run_.load)) return failure;
  if (Failure failure = finish_duration()) return failure;
  if (Failure failure = finish_arrivals()) return failure;
  if (Failure failure = finish_knee()) return failure;
  return finish_results();
}

Failure RunLine::finish_duration() {
  if (find_knee_) {
    if (app.count("--duration") == 0) duration_ = "2s";
    if (app.count("--warmup") == 0) warmup_ = "500ms";
  }
  if (Failure failure = read_duration("-d", duration_, false, run_.duration)) return failure;
  return read_duration("--warmup", warmup_, true, run_.warmup);
}

Failure RunLine::finish_arrivals() {
  run_.drain = drain_limit(run_.load.timeout, run_.load.connections);
  if (!drain_.empty()) {
    if (Failure failure = read_duration("--drain", drain_, true, run_.drain)) return failure;
  }
  if (find_knee_ && raw_arrivals_.rate.empty()) raw_arrivals_.rate = "1000";
  if (raw_arrivals_.rate.empty()) {
    for (const char* flag : {"--arrivals", "--queue-limit"}) {
      if (app.count(flag) != 0) return usage_failure(fmt::format("{} requires --rate or --find-knee", flag));
    }
    return {};
  }
  Arrivals& arrivals = run_.arrivals;
  if (Failure failure = loadgen::finish_arrivals(raw_arrivals_, run_.load.seed, arrivals)) return failure;
  if (rate_to_.empty()) return {};
  if (arrivals.kind == Arrivals::Kind::poisson) {
    return usage_failure("--rate-to and --arrivals poisson exclude each other: a ramp has constant gaps");
  }
  arrivals.kind = Arrivals::Kind::ramp;
  return read_rate("--rate-to", rate_to_, arrivals.rate_to);
}

Failure RunLine::finish_knee() {
  if (!find_knee_) return {};
  for (const char* flag :
       {"--rate-to", "--hgrm", "--hlog", "--csv", "--ndjson", "--live", "--kernel-timestamps"}) {
    if (app.count(flag) != 0) {
      return usage_failure(fmt::format("--find-knee and {} exclude each other: it is of one run", flag));
    }
  }
  if (slo_.empty()) return usage_failure("--find-knee requires --slo, as --slo 'p99<2ms'");
  const std::string fault = parse_objectives(slo_, out_.knee.objectives);
  return fault.empty() ? Failure() : usage_failure("--slo: " + fault);
}

Failure RunLine::finish_results() const {
  const RunOptions& run = run_;
  if (run.kernel_timestamps && !run.url.unix_socket.empty()) {
    return usage_failure(
        "--kernel-timestamps and --unix-socket exclude each other: the kernel stamps TCP alone");
  }
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

}  // namespace httpdyno::loadgen
