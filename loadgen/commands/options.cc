#include "loadgen/commands/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <vector>

#include "loadgen/commands/completion.h"
#include "loadgen/commands/load_options.h"
#include "loadgen/commands/run_line.h"

namespace httpdyno::loadgen {

namespace {

void add_pids_option(CLI::App& app, const char* flag, std::vector<int>& pids, const char* text) {
  app.add_option(flag, pids, text)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::PositiveNumber)
      ->type_name("PIDS");
}

Failure check_pids(const char* flag, std::vector<int> pids) {
  std::ranges::sort(pids);
  const auto twice = std::ranges::adjacent_find(pids);
  if (twice == pids.end()) return {};
  return usage_failure(fmt::format("{} names {} twice: its time would count twice", flag, *twice));
}

// As RunLine.
class VersusLine {
 public:
  explicit VersusLine(CommandLine& out);
  Failure finish();

  CLI::App app{
      "Drives two servers in turn, in short slices, and compares their CPU per request. Server B over server "
      "A.",
      "loadgen versus"};

 private:
  CommandLine& out_;
  VersusOptions& versus_;
  RawLoad raw_;
  RawArrivals raw_arrivals_;
  std::vector<std::string> urls_;
  double slice_ms_ = 25;
};

VersusLine::VersusLine(CommandLine& out) : out_(out), versus_(out.versus) {
  app.add_option("URLS", urls_, "the URLs of server A and of server B");
  add_load_options(app, versus_.load, raw_);
  add_arrival_options(app, raw_arrivals_);
  begin_group(app, "Comparison");
  add_socket_option(app, "--unix-socket-a", versus_.url_a, "connect to server A at this path");
  add_socket_option(app, "--unix-socket-b", versus_.url_b, "connect to server B at this path");
  add_pids_option(app, "--pid-a", versus_.pids_a,
                  "process of server A, whose CPU clock is read; several, as 101,102: their sum");
  add_pids_option(app, "--pid-b", versus_.pids_b, "process, or processes, of server B");
  app.add_option("--slice-ms", slice_ms_, "length of a slice in ms")
      ->check(CLI::Range(1.0, 10'000.0))
      ->capture_default_str();
  app.add_option("--pairs", versus_.pairs, "pairs of slices that count")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--settle-pairs", versus_.settle_pairs, "pairs before them that do not")
      ->check(CLI::Range(0U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--seed", versus_.load.seed,
                 "of the coin that says which server comes first in a pair, of the draws from --mix, and of "
                 "poisson arrivals")
      ->capture_default_str();
  app.add_option(
         "--ndjson", versus_.ndjson_path,
         "write a line of JSON for each slice and one with the totals to this file ('-': standard output)")
      ->type_name("FILE");
  add_program_options(app);
}

Failure VersusLine::finish() {
  out_.mode = CommandLine::Mode::versus;
  if (urls_.size() != 2) {
    return usage_failure(
        fmt::format("versus needs two URLs, not {} (see loadgen versus --help)", urls_.size()));
  }
  if (versus_.pids_a.empty() || versus_.pids_b.empty()) {
    return usage_failure("versus needs --pid-a and --pid-b: their CPU clocks are what is compared");
  }
  if (Failure failure = check_pids("--pid-a", versus_.pids_a)) return failure;
  if (Failure failure = check_pids("--pid-b", versus_.pids_b)) return failure;
  if (Failure failure = read_url(urls_[0], versus_.url_a)) return failure;
  if (Failure failure = read_url(urls_[1], versus_.url_b)) return failure;
  versus_.slice = Duration(static_cast<Duration::rep>(slice_ms_ * 1e6));
  if (raw_arrivals_.rate.empty() && app.count("--arrivals") != 0) {
    return usage_failure("--arrivals requires --rate");
  }
  if (Failure failure = finish_arrivals(raw_arrivals_, versus_.load.seed, versus_.arrivals)) return failure;
  return finish_load(app, raw_, versus_.load);
}

class MergeLine {
 public:
  explicit MergeLine(CommandLine& out);
  Failure finish();

  CLI::App app{
      "Adds up the logs of several runs, as --hlog writes them: counts are added, and percentiles "
      "come from the sums.",
      "loadgen merge"};

 private:
  CommandLine& out_;
  MergeOptions& merge_;
};

MergeLine::MergeLine(CommandLine& out) : out_(out), merge_(out.merge) {
  app.footer("Example:\n  loadgen merge agent-*.hlog --hlog all.hlog --hgrm all.hgrm");
  app.add_option("FILES", merge_.paths, "the logs (.hlog)")->type_name("FILE");
  begin_group(app, "Results");
  app.add_option("--hlog", merge_.hlog_path,
                 "write them as one log, with intervals that begin at the same time added, to this file "
                 "('-': standard "
                 "output)")
      ->type_name("FILE");
  app.add_option("--hgrm", merge_.hgrm_path,
                 "write the latency distribution, in ms, to this file ('-': standard output)")
      ->type_name("FILE");
  app.add_option("--tag", merge_.tag, "whose distribution that is (default: response, else service)");
  add_program_options(app);
}

Failure MergeLine::finish() {
  out_.mode = CommandLine::Mode::merge;
  if (merge_.paths.empty()) return usage_failure("merge needs the logs to add (see loadgen merge --help)");
  if (merge_.hlog_path == "-" && merge_.hgrm_path == "-") {
    return usage_failure("--hlog and --hgrm cannot both go to the standard output");
  }
  return {};
}

template <class Line>
Failure parse(int argc, const char* const* argv, CommandLine& out) {
  Line line(out);
  if (Failure failure = parse_with(line.app, argc, argv, out)) return failure;
  return out.text.empty() ? line.finish() : Failure();
}

std::string completion_of_all() {
  CommandLine scratch;
  const RunLine run(scratch);
  const VersusLine versus(scratch);
  const MergeLine merge(scratch);
  const CLI::App* const apps[] = {&run.app, &versus.app, &merge.app};
  return bash_completion(apps);
}

}  // namespace

Failure parse_command_line(int argc, const char* const* argv, CommandLine& out) {
  if (argc > 1 && std::string_view(argv[1]) == "versus") return parse<VersusLine>(argc - 1, argv + 1, out);
  if (argc > 1 && std::string_view(argv[1]) == "merge") return parse<MergeLine>(argc - 1, argv + 1, out);
  Failure failure = parse<RunLine>(argc, argv, out);
  if (!failure && !out.completion.empty()) out.text = completion_of_all();
  return failure;
}

}  // namespace httpdyno::loadgen
