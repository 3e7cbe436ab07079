#include "loadgen/work/objective.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "loadgen/base/duration.h"

namespace httpdyno::loadgen {

namespace {

// "p99.9"; the first character of what follows p is a digit, as from_chars() would also take a sign or "inf".
bool parse_percent(std::string_view text, double& out) {
  if (text.size() < 2 || text[0] != 'p' || text[1] < '0' || text[1] > '9') return false;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + 1, end, out, std::chars_format::fixed);
  return error == std::errc() && rest == end;
}

std::string parse_objective(std::string_view text, Objective& out) {
  const auto fault = [&](std::string_view what) { return fmt::format("'{}' {}", text, what); };
  const std::size_t less = text.find('<');
  if (less == std::string_view::npos || !parse_percent(text.substr(0, less), out.percent)) {
    return fault("is no objective: expected a percentile of the response time below a limit, as p99<2ms");
  }
  if (out.percent <= 0 || out.percent >= 100) {
    return fault("has no percentile between p0 and p100: of the extremes no sample can tell");
  }
  if (!parse_duration(text.substr(less + 1), out.limit)) {
    return fault("has no duration behind '<': expected as 0.5, 2s, 500ms or 300us");
  }
  if (out.limit == Duration::zero()) return fault("holds for no server: the limit must be more than 0");
  out.name = text.substr(0, less);
  return {};
}

}  // namespace

std::string parse_objectives(std::string_view text, std::vector<Objective>& out) {
  std::vector<Objective> found;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    Objective objective;
    std::string fault = parse_objective(rest.substr(0, comma), objective);
    if (!fault.empty()) return fault;
    found.push_back(std::move(objective));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (found.size() > kObjectivesMax) return fmt::format("'{}' has more than {}", text, kObjectivesMax);
  out = std::move(found);
  return {};
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::holds: return "holds";
    case Outcome::fails: return "fails";
    case Outcome::undecided: return "undecided";
    case Outcome::unmeasured: break;
  }
  return "unmeasured";
}

Outcome outcome_of(const Objective& objective, const Quantile& measured) {
  const std::int64_t limit = objective.limit.count();
  if (!measured.enough) return Outcome::undecided;
  if (measured.high && *measured.high < limit) return Outcome::holds;
  if (measured.low && *measured.low >= limit) return Outcome::fails;
  return Outcome::undecided;
}

Outcome worst(std::span<const Outcome> outcomes) {
  const auto any = [&](Outcome outcome) { return std::ranges::find(outcomes, outcome) != outcomes.end(); };
  if (any(Outcome::fails)) return Outcome::fails;
  return any(Outcome::undecided) ? Outcome::undecided : Outcome::holds;
}

}  // namespace httpdyno::loadgen
