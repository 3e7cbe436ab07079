#include "loadgen/verdict/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/report/verdict_report.h"

namespace httpdyno::loadgen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Of a run on a quiet machine that tells everything.
Evidence healthy() {
  Evidence evidence;
  evidence.measured = 10s;
  evidence.threads = 4;
  evidence.machine = {.busiest_second = 0.4,
                      .run_queue = 0.001,
                      .involuntary_per_second = 20,
                      .steal = 0.001,
                      .throttled = 0,
                      .retransmitted = 0,
                      .listen_dropped = 0};
  evidence.send_lag_p99 = 20us;
  evidence.response_p50 = 60us;
  evidence.receive_delay_p99 = 30us;
  evidence.kernel_service_p50 = 20us;
  evidence.due = 200'000;
  evidence.count_difference = 0;
  evidence.littles_law = 0.001;
  evidence.drift = 0.01;
  return evidence;
}

std::vector<Reason> reasons(const Verdict& verdict) {
  std::vector<Reason> all;
  for (const Finding& finding : verdict.findings) all.push_back(finding.reason);
  return all;
}

TEST(Verdict, OfAHealthyRunIsValid) {
  const Verdict verdict = judge(healthy());
  EXPECT_EQ(verdict.level, VerdictLevel::valid);
  EXPECT_THAT(verdict.findings, IsEmpty());
  EXPECT_THAT(verdict.not_known, IsEmpty());
  EXPECT_EQ(verdict_complaint(verdict), "");
  EXPECT_EQ(verdict_lines(verdict), "  verdict    valid\n");
}

// Each field alone, beyond its limits, is found under its own reason, at its level, and nothing else is.
struct Case {
  Reason reason;
  void (*spoil)(Evidence&);
  VerdictLevel level;
};
void PrintTo(const Case& spoilt, std::ostream* out) {
  *out << row_of(spoilt.reason).key << " " << name_of(spoilt.level);
}
class OneReason : public testing::TestWithParam<Case> {};

TEST_P(OneReason, IsFoundAloneAndSaid) {
  Evidence evidence = healthy();
  GetParam().spoil(evidence);
  const Verdict verdict = judge(evidence);
  EXPECT_EQ(verdict.level, GetParam().level);
  ASSERT_THAT(reasons(verdict), ElementsAre(GetParam().reason));
  const Finding& finding = verdict.findings.front();
  EXPECT_EQ(finding.level, GetParam().level);
  EXPECT_GT(finding.value, finding.limit);
  EXPECT_EQ(verdict.values[static_cast<std::size_t>(finding.reason)], finding.value);
  EXPECT_THAT(finding.text, Not(HasSubstr("{")));
  EXPECT_THAT(verdict_complaint(verdict), HasSubstr(finding.text));
  EXPECT_THAT(verdict_lines(verdict), HasSubstr(finding.text));
}

INSTANTIATE_TEST_SUITE_P(
    Verdict, OneReason,
    testing::Values(
        Case{Reason::send_lag_p99_ns, [](Evidence& e) { e.send_lag_p99 = 110us; }, VerdictLevel::suspect},
        Case{Reason::send_lag_p99_ns, [](Evidence& e) { e.send_lag_p99 = 51ms; }, VerdictLevel::voided},
        Case{Reason::rate_missed_share, [](Evidence& e) { e.missed_by_client = 1'100; },
             VerdictLevel::suspect},
        Case{Reason::rate_missed_share, [](Evidence& e) { e.missed_by_client = 4'100; },
             VerdictLevel::voided},
        Case{Reason::receive_delay_p99_ns, [](Evidence& e) { e.receive_delay_p99 = 110us; },
             VerdictLevel::suspect},
        Case{Reason::receive_delay_p99_ns, [](Evidence& e) { e.receive_delay_p99 = 1s; },
             VerdictLevel::suspect},
        Case{Reason::busiest_second_share, [](Evidence& e) { e.machine.busiest_second = 0.9; },
             VerdictLevel::suspect},
        Case{Reason::longest_pause_ns, [](Evidence& e) { e.longest_pause = 101ms; }, VerdictLevel::suspect},
        Case{Reason::paused_share, [](Evidence& e) { e.paused = 450ms; }, VerdictLevel::suspect},
        Case{Reason::paused_share, [](Evidence& e) { e.paused = 2100ms; }, VerdictLevel::voided},
        Case{Reason::run_queue_share, [](Evidence& e) { e.machine.run_queue = 0.06; }, VerdictLevel::suspect},
        Case{Reason::involuntary_switches_per_second,
             [](Evidence& e) { e.machine.involuntary_per_second = 3000; }, VerdictLevel::suspect},
        Case{Reason::steal_share, [](Evidence& e) { e.machine.steal = 0.03; }, VerdictLevel::suspect},
        Case{Reason::steal_share, [](Evidence& e) { e.machine.steal = 0.3; }, VerdictLevel::voided},
        Case{Reason::throttled_share, [](Evidence& e) { e.machine.throttled = 0.001; },
             VerdictLevel::suspect},
        Case{Reason::throttled_share, [](Evidence& e) { e.machine.throttled = 0.06; }, VerdictLevel::voided},
        Case{Reason::retransmitted_share, [](Evidence& e) { e.machine.retransmitted = 0.002; },
             VerdictLevel::suspect},
        Case{Reason::listen_drops, [](Evidence& e) { e.machine.listen_dropped = 1; }, VerdictLevel::suspect},
        Case{Reason::wrong_answers, [](Evidence& e) { e.wrong_answers = 1; }, VerdictLevel::voided},
        Case{Reason::count_difference, [](Evidence& e) { e.count_difference = 1; }, VerdictLevel::voided},
        Case{Reason::littles_law_share, [](Evidence& e) { e.littles_law = 0.006; }, VerdictLevel::suspect},
        Case{Reason::littles_law_share, [](Evidence& e) { e.littles_law = 0.02; }, VerdictLevel::voided},
        Case{Reason::drift_share, [](Evidence& e) { e.drift = 0.3; }, VerdictLevel::suspect},
        Case{Reason::overloaded, [](Evidence& e) { e.overloaded = true; }, VerdictLevel::voided}));

TEST(Verdict, ALimitItselfIsStillWithin) {
  Evidence evidence = healthy();
  evidence.send_lag_p99 = 100us;
  evidence.machine.busiest_second = 0.85;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::valid);
}

TEST(Verdict, AReceiveDelayIsSmallBesideALongService) {
  Evidence evidence = healthy();
  evidence.receive_delay_p99 = 400us;
  evidence.kernel_service_p50 = 10ms;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::valid);
  evidence.receive_delay_p99 = 600us;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::suspect);
}

TEST(Verdict, OneVoidReasonMakesTheRunVoidAndSuspectOnesAreSaidBesides) {
  Evidence evidence = healthy();
  evidence.machine.steal = 0.05;
  evidence.wrong_answers = 2;
  evidence.drift = 0.5;
  const Verdict verdict = judge(evidence);
  EXPECT_EQ(verdict.level, VerdictLevel::voided);
  EXPECT_THAT(reasons(verdict), ElementsAre(Reason::steal_share, Reason::wrong_answers, Reason::drift_share));
  EXPECT_THAT(verdict_complaint(verdict), testing::StartsWith("the run is void: 2 answers had another"));
  EXPECT_THAT(verdict_complaint(verdict), Not(HasSubstr("host")));
  EXPECT_THAT(verdict_lines(verdict), HasSubstr("    suspect: the host took 5 % "));
}

TEST(Verdict, SaysSharesInPercent) {
  Evidence evidence = healthy();
  evidence.machine.retransmitted = 0.00251;
  evidence.machine.busiest_second = 0.998;
  const Verdict verdict = judge(evidence);
  EXPECT_THAT(verdict_lines(verdict), HasSubstr("worked for 100 % of a second (limit 85 %)"));
  EXPECT_THAT(verdict_lines(verdict), HasSubstr(", 0.25 % were sent again (limit 0.1 %)"));
}

TEST(Verdict, LagMayBeATwentiethOfASlowResponse) {
  Evidence evidence = healthy();
  evidence.response_p50 = 100ms;
  evidence.send_lag_p99 = 4ms;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::valid);
  evidence.send_lag_p99 = 6ms;
  const Verdict verdict = judge(evidence);
  ASSERT_THAT(reasons(verdict), ElementsAre(Reason::send_lag_p99_ns));
  EXPECT_DOUBLE_EQ(verdict.findings.front().limit, 5e6);
  evidence.send_lag_p99 = 90ms;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::suspect) << "less than the response itself";
  evidence.send_lag_p99 = 110ms;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::voided);
}

TEST(Verdict, AShortRunIsNotHeldToShares) {
  Evidence evidence = healthy();
  evidence.measured = 200ms;
  evidence.due = 4'000;
  evidence.threads = 2;
  evidence.paused = 60ms;
  evidence.missed_by_client = 300;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::valid) << "30 ms of each thread, 15 ms of requests";
  evidence.paused = 300ms;
  evidence.missed_by_client = 1'000;
  Verdict verdict = judge(evidence);
  EXPECT_EQ(verdict.level, VerdictLevel::suspect) << "150 ms of each thread, 50 ms of requests";
  EXPECT_THAT(reasons(verdict), ElementsAre(Reason::rate_missed_share, Reason::paused_share));
  evidence.measured = 10s;
  evidence.due = 200'000;
  evidence.paused = 3s;
  EXPECT_EQ(judge(evidence).level, VerdictLevel::voided) << "of a long run it is the share that counts";
}

TEST(Verdict, WhatTheMachineDoesNotTellIsSaidAndIsNotZero) {
  Evidence evidence = healthy();
  evidence.machine.run_queue.reset();
  evidence.machine.throttled.reset();
  const Verdict verdict = judge(evidence);
  EXPECT_EQ(verdict.level, VerdictLevel::valid);
  EXPECT_THAT(verdict.not_known, ElementsAre(Reason::run_queue_share, Reason::throttled_share));
  EXPECT_THAT(verdict_lines(verdict), HasSubstr("not known here: run_queue_share, throttled_share\n"));
  const auto json = verdict_json(verdict);
  EXPECT_TRUE(json["values"]["run_queue_share"].is_null());
  EXPECT_EQ(json["values"]["steal_share"], 0.001);
  EXPECT_THAT(json["not_known"], ElementsAre("run_queue_share", "throttled_share"));
}

TEST(Verdict, WhatDoesNotApplyIsNeitherJudgedNorMissed) {
  Evidence evidence = healthy();
  evidence.send_lag_p99.reset();
  evidence.response_p50.reset();
  evidence.due = 0;
  evidence.count_difference.reset();
  evidence.littles_law.reset();
  evidence.drift.reset();
  const Verdict verdict = judge(evidence);
  EXPECT_EQ(verdict.level, VerdictLevel::valid);
  EXPECT_THAT(verdict.not_known, IsEmpty());
  EXPECT_TRUE(verdict_json(verdict)["values"]["rate_missed_share"].is_null());
}

TEST(Verdict, AsJsonHasALevelAndReasons) {
  Evidence evidence = healthy();
  evidence.wrong_answers = 1234;
  const auto json = verdict_json(judge(evidence));
  EXPECT_EQ(json["level"], "void");
  ASSERT_EQ(json["reasons"].size(), 1U);
  const auto& reason = json["reasons"][0];
  EXPECT_EQ(reason["key"], "wrong_answers");
  EXPECT_EQ(reason["level"], "void");
  EXPECT_EQ(reason["value"], 1234);
  EXPECT_EQ(reason["limit"], 0);
  EXPECT_THAT(reason["text"].get<std::string>(), testing::StartsWith("1,234 answers had another status"));
  EXPECT_EQ(json["values"].size(), kReasons);
}

TEST(Verdict, EveryRowSaysHowMuchAndItsLimitsRise) {
  for (const ReasonRow& row : kReasonRows) {
    EXPECT_LE(row.suspect_over, row.void_over) << row.key;
    if (row.reason != Reason::overloaded) {
      EXPECT_THAT(row.text, HasSubstr("{value}")) << row.key;
    }
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
