// Writes what other readers of histograms are tested with: a log, its distributions, and what is in them.
//
// Usage: write_histograms FOLDER     There: seconds.hlog; TAG.hgrm of each tag; intervals.ndjson, a line for each of the
// log's; totals.ndjson, a line for each tag. Exit: 0, or 1 when something cannot be written.
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "loadgen/base/output_file.h"
#include "loadgen/figures/hdr_encoding.h"
#include "loadgen/figures/hgrm.h"
#include "loadgen/figures/hlog.h"
#include "net/base/assert.h"
#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

using Json = nlohmann::ordered_json;

// In (0, 1].
double uniform(Prng& prng) { return (static_cast<double>(prng.below(1U << 30)) + 1) / (1U << 30); }

std::int64_t ns(double value) { return static_cast<std::int64_t>(value); }

struct Source {
  const char* tag;
  int count;  // of values in a second
  std::function<std::int64_t(Prng&)> draw;
};

const Source kSources[] = {
    {"uniform", 20'000, [](Prng& prng) { return ns(1e7 * uniform(prng)); }},
    {"exponential", 20'000, [](Prng& prng) { return ns(-1e6 * std::log(uniform(prng))); }},
    {"pareto", 20'000, [](Prng& prng) { return ns(1e5 * std::pow(uniform(prng), -1 / 1.2)); }},
    {"bimodal", 10'000, [](Prng& prng) { return ns(prng.below(10) == 0 ? 1e9 : 1e5); }},
    {"small", 3'000, [](Prng& prng) { return static_cast<std::int64_t>(prng.below(3'000)); }},
    {"one", 1, [](Prng&) { return std::int64_t{123'456'789}; }},
    {"highest", 3, [](Prng& prng) { return Histogram::kHighest + static_cast<std::int64_t>(prng.below(2)); }},
    {"zeros", 5, [](Prng&) { return std::int64_t{0}; }},
    {"nothing", 0, [](Prng&) { return std::int64_t{0}; }},
};
constexpr int kSeconds = 4;

// As a reader has it: of a value only its bucket is known.
Json facts(std::string_view tag, const Histogram& recorded) {
  Histogram read;
  ASSERT(decode(encode(recorded), read).empty());
  Json counts = Json::array();
  read.each_recorded([&](std::int64_t lowest, std::int64_t, std::int64_t count) {
    counts.push_back({lowest, count});
  });
  Json percentiles = Json::array();
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0})
    percentiles.push_back(read.percentile(percent));
  return {{"tag", tag},
          {"total", read.total()},
          {"max", read.max()},
          {"percentiles", percentiles},
          {"counts", counts}};
}

Failure write(const std::string& path, const std::string& content) {
  OutputFile file;
  if (Failure failure = file.open(path)) return failure;
  return file.commit(content);
}

Failure write_all_into(const std::string& folder) {
  using namespace std::chrono_literals;
  Prng prng(3);
  std::string log = hlog_header(1'700'000'000'000ms);
  std::string intervals;
  std::map<std::string, Histogram> totals;
  for (int second = 0; second < kSeconds; ++second) {
    for (const Source& source : kSources) {
      Histogram histogram;
      for (int i = 0; i < source.count; ++i) histogram.record(source.draw(prng));
      log += hlog_line(source.tag, second * 1s, 1s, histogram);
      Json line = facts(source.tag, histogram);
      line["begin_s"] = second;
      intervals += line.dump() + "\n";
      totals[source.tag].merge(histogram);
    }
  }
  if (Failure failure = write(folder + "/seconds.hlog", log)) return failure;
  if (Failure failure = write(folder + "/intervals.ndjson", intervals)) return failure;
  std::string lines;
  for (const auto& [tag, total] : totals) {
    lines += facts(tag, total).dump() + "\n";
    if (Failure failure = write(fmt::format("{}/{}.hgrm", folder, tag), percentile_distribution(total)))
      return failure;
  }
  return write(folder + "/totals.ndjson", lines);
}

}  // namespace
}  // namespace httpdyno::loadgen

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const httpdyno::loadgen::Failure failure = httpdyno::loadgen::write_all_into(argv[1]);
  if (failure) fmt::print(stderr, "write_histograms: {}\n", failure.line);
  return failure ? 1 : 0;
}
