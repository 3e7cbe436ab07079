// A search for a knee as people and as scripts read it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loadgen/base/rate.h"
#include "loadgen/commands/options.h"
#include "loadgen/report/result.h"
#include "loadgen/work/objective.h"

namespace httpdyno::loadgen {

// One run of it, with what the reports need and no histogram.
struct KneeStep {
  Rate rate;
  Duration duration{};
  std::uint64_t due = 0;       // within the measured part
  std::uint64_t answered = 0;  // likewise
  Duration measured{};
  std::string errors;               // empty: none
  std::vector<Quantile> quantiles;  // of the response times, as KneeReport's columns
  Verdict verdict;
  Outcome outcome = Outcome::undecided;

  double achieved() const;  // requests per second
};

// How the search ended.
struct KneeEnd {
  std::optional<Rate> holds{};
  std::optional<Rate> fails{};
  std::optional<Rate> unmeasured{};
  int signal = 0;

  bool found() const { return holds && fails; }
};

class KneeReport {
 public:
  // Both outlive it.
  KneeReport(const KneeOptions& knee, const RunOptions& options);

  void add(const RunResult& result, const RunOptions& step, Outcome outcome);

  // The text, in the order in which it comes about; each line with its end.
  std::string head() const;
  std::string row() const;  // of the last step
  std::string footer(const KneeEnd& end) const;
  // Why there is no knee, one line without its end; empty when it was found.
  std::string complaint(const KneeEnd& end) const;

  std::string json(const KneeEnd& end) const;

 private:
  struct Column {
    std::string name;
    double percent;
  };

  const KneeOptions& knee_;
  const RunOptions& options_;
  std::vector<Column> columns_;  // p50, p99 and the objectives', ascending
  std::vector<KneeStep> steps_;
};

}  // namespace httpdyno::loadgen
