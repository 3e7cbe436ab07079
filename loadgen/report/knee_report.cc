#include "loadgen/report/knee_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "loadgen/base/duration.h"
#include "loadgen/base/identity.h"
#include "loadgen/base/text.h"
#include "loadgen/report/quantile_text.h"
#include "loadgen/report/verdict_report.h"

namespace httpdyno::loadgen {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(Rate rate) {
  if (rate.per_second() < 100) return fmt::format("{:.4g}", rate.per_second());
  return grouped(static_cast<std::uint64_t>(rate.per_second() + 0.5));
}

std::string cell_of(const Quantile& quantile) {
  const std::string interval = interval_text(quantile);
  return value_text(quantile) + (interval.empty() ? "" : fmt::format(" ({})", interval));
}

Json rate_json(const std::optional<Rate>& rate) { return rate ? Json(rate->per_second()) : Json(); }

}  // namespace

double KneeStep::achieved() const {
  return measured > Duration::zero() ? static_cast<double>(answered) / to_seconds(measured) : 0;
}

KneeReport::KneeReport(const KneeOptions& knee, const RunOptions& options)
    : knee_(knee), options_(options), columns_{{"p50", 50}, {"p99", 99}} {
  for (const Objective& objective : knee.objectives) {
    const auto same = [&](const Column& column) { return column.percent == objective.percent; };
    if (std::ranges::none_of(columns_, same)) columns_.push_back({objective.name, objective.percent});
  }
  std::ranges::sort(columns_, {}, &Column::percent);
}

void KneeReport::add(const RunResult& result, const RunOptions& step, Outcome outcome) {
  KneeStep& out = steps_.emplace_back();
  out.rate = step.arrivals.rate;
  out.duration = step.duration;
  out.due = result.tally.due_in_window;
  out.answered = result.tally.answered_in_window();
  out.measured = result.measured;
  out.errors = describe_errors(result.tally);
  for (const Column& column : columns_) out.quantiles.push_back(result.whole.response_at(column.percent));
  out.verdict = result.verdict;
  out.outcome = outcome;
}

std::string KneeReport::head() const {
  std::string objectives;
  for (const Objective& objective : knee_.objectives) {
    objectives += fmt::format("{}{} < {}", objectives.empty() ? "" : ", ", objective.name,
                              with_unit_of_time(objective.limit.count()));
  }
  std::string text = fmt::format("knee of {} for {}\n", objectives, options_.url.text());
  text += fmt::format("  {} connections, {} threads, steps of {:.3g} s after {:.3g} s\n",
                      options_.load.connections, options_.threads, to_seconds(options_.duration),
                      to_seconds(options_.warmup));
  text += fmt::format("  {:>11} {:>11}", "rate", "achieved");
  for (const Column& column : columns_) text += fmt::format("  {:<32}", column.name);
  return text + "  verdict  outcome\n";
}

std::string KneeReport::row() const {
  const KneeStep& step = steps_.back();
  const bool is_void = step.verdict.level == VerdictLevel::voided;
  std::string text =
      fmt::format("  {:>11} {:>11}", text_of(step.rate),
                  is_void ? "-" : text_of(Rate{static_cast<std::uint64_t>(step.achieved() * Rate::kMicro)}));
  for (const Quantile& quantile : step.quantiles) {
    text += fmt::format("  {:<32}", is_void ? "-" : cell_of(quantile));
  }
  text += fmt::format("  {:<7}  {}", name_of(step.verdict.level), name_of(step.outcome));
  if (!step.errors.empty()) text += ": " + step.errors;
  return text + "\n";
}

std::string KneeReport::footer(const KneeEnd& end) const {
  if (end.found()) {
    return fmt::format("  the knee lies between {} (holds) and {} (fails) requests per second{}\n",
                       text_of(*end.holds), text_of(*end.fails), end.signal != 0 ? "; interrupted" : "");
  }
  if (end.holds) return fmt::format("  the knee lies above {} requests per second\n", text_of(*end.holds));
  if (end.fails) return fmt::format("  the knee lies below {} requests per second\n", text_of(*end.fails));
  return "  nothing is known of the knee\n";
}

std::string KneeReport::complaint(const KneeEnd& end) const {
  if (end.found()) return {};
  if (end.unmeasured) {
    const auto step = std::ranges::find_if(steps_, [&](const KneeStep& each) {
      return each.rate == *end.unmeasured && each.outcome == Outcome::unmeasured;
    });
    return fmt::format("no knee: {}, which is more than this generator can offer here: at {} {}",
                       end.holds ? "it lies above " + text_of(*end.holds) : "the first step was not measured",
                       text_of(*end.unmeasured), verdict_complaint(step->verdict));
  }
  if (end.holds) return fmt::format("no knee: the objectives still hold at {}", text_of(*end.holds));
  if (end.fails) {
    return fmt::format(
        "no knee: the objectives fail at {}, and hold at no rate that was tried: begin lower, with -R",
        text_of(*end.fails));
  }
  return "no knee: no step decided anything: longer ones, with -d, tell more";
}

std::string KneeReport::json(const KneeEnd& end) const {
  Json objectives = Json::array();
  for (const Objective& objective : knee_.objectives) {
    objectives.push_back({{"percent", objective.percent}, {"limit_ns", objective.limit.count()}});
  }
  Json steps = Json::array();
  for (const KneeStep& step : steps_) {
    const bool is_void = step.verdict.level == VerdictLevel::voided;
    Json response = Json::array();
    for (const Quantile& quantile : step.quantiles) {
      if (!is_void) response.push_back(quantile_json(quantile));
    }
    steps.push_back({
        {"rate", step.rate.per_second()},
        {"duration_seconds", to_seconds(step.duration)},
        {"due", step.due},
        {"answers_in_window", step.answered},
        {"achieved", is_void ? Json() : Json(step.achieved())},
        {"response_ns", std::move(response)},
        {"errors", step.errors},
        {"verdict", verdict_json(step.verdict)},
        {"outcome", name_of(step.outcome)},
    });
  }
  const Json json = {
      {"version", version()},
      {"url", options_.url.text()},
      {"connections", options_.load.connections},
      {"threads", options_.threads},
      {"pipeline", options_.load.pipeline},
      {"arrivals", options_.arrivals.kind == Arrivals::Kind::poisson ? "poisson" : "constant"},
      {"warmup_seconds", to_seconds(options_.warmup)},
      {"objectives", std::move(objectives)},
      {"steps", std::move(steps)},
      {"knee", {{"holds", rate_json(end.holds)}, {"fails", rate_json(end.fails)}}},
      {"found", end.found()},
      {"unmeasured", rate_json(end.unmeasured)},
      {"interrupted", end.signal != 0},
  };
  return json.dump(2) + "\n";
}

}  // namespace httpdyno::loadgen
