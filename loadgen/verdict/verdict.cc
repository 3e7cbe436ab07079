#include "loadgen/verdict/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "loadgen/base/duration.h"
#include "loadgen/base/text.h"

namespace httpdyno::loadgen {

namespace {

// A lag that is small beside the latency itself changes nothing that is read.
constexpr double kLagToResponseSuspect = 0.05;
constexpr double kLagToResponseVoid = 1;
constexpr double kDelayToServiceSuspect = 0.05;

// A short run is not held to a share: one pause that a busy machine makes at its end would be too much of it.
constexpr Duration kMissedSuspectMin = 20ms;  // as much as is due in this time
constexpr Duration kMissedVoidMin = 100ms;
constexpr Duration kPausedSuspectMin = 100ms;
constexpr Duration kPausedVoidMin = 200ms;

std::string with_unit(double value, Unit unit) {
  switch (unit) {
    case Unit::ns: return with_unit_of_time(value);
    case Unit::share:
      return value < 0.095 ? fmt::format("{:.2g} %", 100 * value) : fmt::format("{:.0f} %", 100 * value);
    case Unit::count:
    case Unit::per_second: return grouped(static_cast<std::uint64_t>(value + 0.5));
  }
  return {};
}

std::optional<double> in_ns(std::optional<Duration> duration) {
  if (!duration) return {};
  return static_cast<double>(duration->count());
}

template <class Count>
std::optional<double> as_number(std::optional<Count> count) {
  if (!count) return {};
  return static_cast<double>(*count);
}

class Scales {
 public:
  void weigh(Reason reason, std::optional<double> value) {
    const ReasonRow& row = row_of(reason);
    weigh(reason, value, row.suspect_over, row.void_over);
  }
  void weigh(Reason reason, std::optional<double> value, double suspect_over, double void_over) {
    verdict_.values[static_cast<std::size_t>(reason)] = value;
    if (!value || *value <= suspect_over) return;
    const ReasonRow& row = row_of(reason);
    const VerdictLevel level = *value > void_over ? VerdictLevel::voided : VerdictLevel::suspect;
    const double limit = level == VerdictLevel::voided ? void_over : suspect_over;
    verdict_.level = std::max(verdict_.level, level);
    verdict_.findings.push_back(
        {reason, level, *value, limit,
         fmt::format(fmt::runtime(row.text), fmt::arg("value", with_unit(*value, row.unit)),
                     fmt::arg("limit", with_unit(limit, row.unit)))});
  }
  // A share of `whole`, which may always be as much as these times are of it.
  void weigh(Reason reason, double share, Duration whole, Duration suspect_min, Duration void_min) {
    const ReasonRow& row = row_of(reason);
    weigh(reason, share, std::max(row.suspect_over, to_seconds(suspect_min) / to_seconds(whole)),
          std::max(row.void_over, to_seconds(void_min) / to_seconds(whole)));
  }
  // What every machine should tell.
  void weigh_reading(Reason reason, std::optional<double> value) {
    if (!value) verdict_.not_known.push_back(reason);
    weigh(reason, value);
  }

  Verdict take() { return std::move(verdict_); }

 private:
  Verdict verdict_;
};

}  // namespace

std::string_view name_of(VerdictLevel level) {
  switch (level) {
    case VerdictLevel::valid: return "valid";
    case VerdictLevel::suspect: return "suspect";
    case VerdictLevel::voided: return "void";
  }
  return {};
}

Verdict judge(const Evidence& evidence) {
  Scales scales;
  const double response = in_ns(evidence.response_p50).value_or(0);
  const ReasonRow& lag = row_of(Reason::send_lag_p99_ns);
  scales.weigh(Reason::send_lag_p99_ns, in_ns(evidence.send_lag_p99),
               std::max(lag.suspect_over, kLagToResponseSuspect * response),
               std::max(lag.void_over, kLagToResponseVoid * response));
  const Duration measured = evidence.measured;
  if (evidence.due > 0 && measured > Duration::zero()) {
    scales.weigh(Reason::rate_missed_share,
                 static_cast<double>(evidence.missed_by_client) / static_cast<double>(evidence.due), measured,
                 kMissedSuspectMin, kMissedVoidMin);
  }
  scales.weigh(Reason::receive_delay_p99_ns, in_ns(evidence.receive_delay_p99),
               std::max(row_of(Reason::receive_delay_p99_ns).suspect_over,
                        kDelayToServiceSuspect * in_ns(evidence.kernel_service_p50).value_or(0)),
               kNeverOver);
  const MachineEvidence& machine = evidence.machine;
  scales.weigh_reading(Reason::busiest_second_share, machine.busiest_second);
  scales.weigh(Reason::longest_pause_ns, in_ns(evidence.longest_pause));
  if (measured > Duration::zero()) {
    scales.weigh(Reason::paused_share,
                 to_seconds(evidence.paused) / (to_seconds(measured) * evidence.threads), measured,
                 kPausedSuspectMin, kPausedVoidMin);
  }
  scales.weigh_reading(Reason::run_queue_share, machine.run_queue);
  scales.weigh_reading(Reason::involuntary_switches_per_second, machine.involuntary_per_second);
  scales.weigh_reading(Reason::steal_share, machine.steal);
  scales.weigh_reading(Reason::throttled_share, machine.throttled);
  scales.weigh_reading(Reason::retransmitted_share, machine.retransmitted);
  scales.weigh_reading(Reason::listen_drops, machine.listen_dropped);

  scales.weigh(Reason::wrong_answers, static_cast<double>(evidence.wrong_answers));
  scales.weigh(Reason::count_difference, as_number(evidence.count_difference));
  scales.weigh(Reason::littles_law_share, evidence.littles_law);
  scales.weigh(Reason::drift_share, evidence.drift);
  scales.weigh(Reason::overloaded, evidence.overloaded ? 1 : 0);
  return scales.take();
}

}  // namespace httpdyno::loadgen
