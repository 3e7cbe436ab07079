#include "loadgen/commands/run.h"

#include <unistd.h>

#include "loadgen/base/output_file.h"
#include "loadgen/commands/measure.h"
#include "loadgen/figures/hgrm.h"
#include "loadgen/report/result.h"
#include "loadgen/report/second_files.h"
#include "loadgen/report/verdict_report.h"
#include "loadgen/work/target.h"

namespace httpdyno::loadgen {

namespace {

struct Outputs {
  OutputFile json;
  OutputFile hgrm;
  SecondFiles seconds;

  Failure open(const RunOptions& options) {
    if (Failure failure = json.open(options.json_path)) return failure;
    if (Failure failure = hgrm.open(options.hgrm_path)) return failure;
    return seconds.open(options.csv_path, options.ndjson_path, options.hlog_path);
  }
  // Of a void run only the JSON appears, which then says why and has no figures.
  Failure commit(const RunResult& result, const RunOptions& options) {
    if (json.wanted()) {
      if (Failure failure = json.commit(json_report(result, options))) return failure;
    }
    if (result.is_void()) return {};
    if (Failure failure = seconds.commit()) return failure;
    if (!hgrm.wanted()) return {};
    const Latencies& latencies = result.whole.latencies;
    return hgrm.commit(
        percentile_distribution((options.arrivals.open() ? latencies.response : latencies.service).values()));
  }
  bool to_stdout() const { return json.to_stdout() || hgrm.to_stdout() || seconds.to_stdout(); }
};

}  // namespace

int run(const RunOptions& options, Failure& failure) {
  Outputs outputs;
  RunResult result;
  if ((failure = allow_connections(options.load.connections))) return failure.exit_code;
  if ((failure = outputs.open(options))) return failure.exit_code;
  if ((failure = measure(options, outputs.seconds, result))) return failure.exit_code;

  const std::string summary = text_report(result, options);
  if ((failure = outputs.commit(result, options))) return failure.exit_code;
  const int summary_fd = outputs.to_stdout() ? STDERR_FILENO : STDOUT_FILENO;
  if ((failure = print_summary(summary_fd, summary))) return failure.exit_code;
  const std::string doubt = verdict_complaint(result.verdict);
  std::string wrong = complaint(result, options);
  const int code = exit_code(result, wrong);
  if (!wrong.empty() || result.is_void()) {
    failure = {code, wrong.empty() ? doubt : result.is_void() ? wrong + "; " + doubt : wrong};
  } else if (!doubt.empty()) {
    write_all(STDERR_FILENO, "loadgen: " + doubt + "\n");
  }
  return code;
}

}  // namespace httpdyno::loadgen
