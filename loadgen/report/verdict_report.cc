#include "loadgen/report/verdict_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace httpdyno::loadgen {

namespace {

std::vector<std::string> keys_not_known(const Verdict& verdict) {
  std::vector<std::string> keys;
  for (const Reason reason : verdict.not_known) keys.emplace_back(row_of(reason).key);
  return keys;
}

}  // namespace

nlohmann::ordered_json verdict_json(const Verdict& verdict) {
  nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
  for (const Finding& finding : verdict.findings) {
    reasons.push_back({
        {"key", row_of(finding.reason).key},
        {"level", name_of(finding.level)},
        {"text", finding.text},
        {"value", finding.value},
        {"limit", finding.limit},
    });
  }
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < kReasons; ++i) {
    nlohmann::ordered_json& value = values[std::string(kReasonRows[i].key)];
    if (verdict.values[i]) value = *verdict.values[i];
  }
  return {
      {"level", name_of(verdict.level)},
      {"reasons", std::move(reasons)},
      {"values", std::move(values)},
      {"not_known", keys_not_known(verdict)},
  };
}

std::string verdict_lines(const Verdict& verdict) {
  std::string text = fmt::format("  verdict    {}\n", name_of(verdict.level));
  for (const Finding& finding : verdict.findings) {
    text += fmt::format("    {}: {}\n", name_of(finding.level), finding.text);
  }
  if (!verdict.not_known.empty()) {
    text += fmt::format("    not known here: {}\n", fmt::join(keys_not_known(verdict), ", "));
  }
  return text;
}

std::string verdict_complaint(const Verdict& verdict) {
  if (verdict.level == VerdictLevel::valid) return {};
  std::string reasons;
  for (const Finding& finding : verdict.findings) {
    // A void run is void for its void reasons; the others stand in the report.
    if (finding.level != verdict.level) continue;
    if (!reasons.empty()) reasons += "; ";
    reasons += finding.text;
  }
  return fmt::format("the run is {}: {}", name_of(verdict.level), reasons);
}

}  // namespace httpdyno::loadgen
