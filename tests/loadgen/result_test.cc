// Verdict, JSON and summary of a run.
#include "loadgen/report/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "loadgen/base/failure.h"

namespace httpdyno::loadgen {
namespace {

using testing::HasSubstr;
using testing::Not;

RunOptions options() {
  RunOptions out;
  EXPECT_EQ(parse_url("http://h:1/x", out.url), "");
  out.threads = 2;
  return out;
}

// All of it in one tick.
Measured measured(const Latencies& latencies) {
  Series series;
  series.add(latencies);
  return {latencies, series};
}

RunResult result() {
  RunResult out;
  KindTally& kind = out.tally.kinds[0];
  for (int i = 1; i <= 1000; ++i) kind.latencies.service.record(i * 1000);
  kind.answered = 1001;
  kind.answered_in_window = 1000;
  out.whole = measured(out.tally.latencies());
  out.measured = 2s;
  out.cpu = 3s;
  return out;
}

TEST(RunResult, DerivesItsRates) {
  const RunResult good = result();
  EXPECT_DOUBLE_EQ(good.requests_per_second(), 500);
  EXPECT_DOUBLE_EQ(good.cpu_ns_per_request(), 3e6);
  EXPECT_DOUBLE_EQ(good.cpu_share(2), 0.75);
  EXPECT_EQ(RunResult().requests_per_second(), 0);
  EXPECT_EQ(RunResult().cpu_ns_per_request(), 0);
}

TEST(Complaint, IsEmptyForAGoodRun) {
  EXPECT_EQ(complaint(result(), options()), "");
  EXPECT_EQ(exit_code(result(), ""), 0);
}

TEST(Complaint, NamesErrorsWithTheirCause) {
  RunResult bad = result();
  bad.tally.kinds[0].errors.add({ErrorKind::closed, AnswerProgress::mid_response}, 7);
  bad.tally.connection_errors.add({.kind = ErrorKind::connect, .detail = ECONNREFUSED}, 2);
  const std::string line = complaint(bad, options());
  EXPECT_THAT(line, HasSubstr("7 unanswered: the server ended the connection"));
  EXPECT_THAT(line, HasSubstr("Connection refused"));
  EXPECT_EQ(exit_code(bad, line), kExitFailed);
}

TEST(Complaint, MindsAMissingRequest) {
  RunResult bad = result();
  bad.server_requests = 1001;
  EXPECT_EQ(complaint(bad, options()), "");
  bad.server_requests = 1002;
  EXPECT_THAT(complaint(bad, options()), HasSubstr("1002"));
  bad.server_requests = 1000;
  EXPECT_THAT(complaint(bad, options()), HasSubstr("1000"));
  // Of requests that an interrupted run left behind nobody knows how far they got.
  bad.tally.kinds[0].unanswered = 3;
  bad.server_requests = 1004;
  EXPECT_EQ(complaint(bad, options()), "");
  bad.server_requests = 1005;
  EXPECT_NE(complaint(bad, options()), "");
}

TEST(Complaint, MindsARunWithoutAnswers) {
  RunResult nothing;
  EXPECT_NE(complaint(nothing, options()), "");
  nothing.signal = SIGINT;
  EXPECT_EQ(complaint(nothing, options()), "");
  EXPECT_EQ(exit_code(nothing, ""), 130);
  RunResult gone = result();
  gone.end = RunEnd::server_gone;
  EXPECT_THAT(complaint(gone, options()), HasSubstr("went away"));
}

TEST(JsonReport, HasItsKeys) {
  const RunResult good = result();
  const auto json = nlohmann::json::parse(json_report(good, options()));
  EXPECT_EQ(json.at("requests"), 1001);
  EXPECT_EQ(json.at("measured_requests"), 1000);
  EXPECT_EQ(json.at("answers_in_window"), 1000);
  EXPECT_EQ(json.at("requests_per_second"), 500.0);
  EXPECT_EQ(json.at("cpu_ns_per_request"), 3e6);
  EXPECT_EQ(json.at("duration_seconds"), 2.0);
  EXPECT_EQ(json.at("warmup_seconds"), 0.0);
  EXPECT_EQ(json.at("generator_cpu_share"), 0.75);
  EXPECT_EQ(json.at("bytes_received"), 0);
  EXPECT_EQ(json.at("connections"), 10);
  EXPECT_EQ(json.at("threads"), 2);
  EXPECT_EQ(json.at("pipeline"), 1);
  EXPECT_EQ(json.at("method"), "GET");
  EXPECT_EQ(json.at("url"), "http://h:1/x");
  EXPECT_EQ(json.at("keepalive"), true);
  EXPECT_EQ(json.at("interrupted"), false);
  EXPECT_TRUE(json.contains("version"));
  EXPECT_FALSE(json.contains("server_requests"));
  const auto& latency = json.at("service_ns");
  EXPECT_EQ(latency.at("min"), 1000);
  EXPECT_EQ(latency.at("max"), 1'000'000);
  EXPECT_EQ(latency.at("mean"), 500'500.0);
  EXPECT_EQ(latency.at("p50"), good.whole.latencies.service.values().percentile(50));
  EXPECT_EQ(latency.at("p90"), good.whole.latencies.service.values().percentile(90));
  EXPECT_EQ(latency.at("p99"), good.whole.latencies.service.values().percentile(99));
  EXPECT_TRUE(latency.at("p99_9").is_null()) << "a thousand are too few";
}

// Ten requests by the kernel's stamps, and two that have none.
RunResult stamped_result() {
  RunResult out = result();
  KernelLatencies& kernel = out.tally.kernel.emplace();
  for (int i = 0; i < 10; ++i) {
    kernel.transmit_delay.record(1000);
    kernel.kernel_service.record(20'000);
    kernel.receive_delay.record(500);
  }
  kernel.unstamped = 2;
  KernelSeries series;
  series.add(kernel);
  out.kernel.emplace(kernel, series);
  return out;
}

TEST(JsonReport, TellsByTheKernelsStampsWhereTheTimeWent) {
  EXPECT_FALSE(nlohmann::json::parse(json_report(result(), options())).contains("kernel_service_ns"));
  RunResult stamped = stamped_result();
  const auto json = nlohmann::json::parse(json_report(stamped, options()));
  EXPECT_EQ(json.at("transmit_delay_ns").at("mean"), 1000);
  EXPECT_EQ(json.at("kernel_service_ns").at("mean"), 20'000);
  EXPECT_EQ(json.at("receive_delay_ns").at("mean"), 500);
  EXPECT_EQ(json.at("receive_delay_ns").at("count"), 10);
  EXPECT_EQ(json.at("unstamped_requests"), 2);
  stamped.verdict.level = VerdictLevel::voided;
  EXPECT_TRUE(
      nlohmann::json::parse(json_report(stamped, options())).at("kernel_service_ns").at("mean").is_null());
}

TEST(TextReport, TellsByTheKernelsStampsWhereTheTimeWent) {
  EXPECT_THAT(text_report(result(), options()), Not(HasSubstr("kernel")));
  RunResult stamped = stamped_result();
  const std::string text = text_report(stamped, options());
  EXPECT_THAT(text, HasSubstr("  kernel     10 requests with stamps, 2 without\n"));
  EXPECT_THAT(text, HasSubstr("    transmit delay  mean 1.00 µs"));
  EXPECT_THAT(text, HasSubstr("    kernel service  mean 20.0 µs"));
  EXPECT_THAT(text, HasSubstr("    receive delay   mean 500 ns"));
  stamped.kernel.emplace(KernelLatencies(), KernelSeries());
  EXPECT_THAT(text_report(stamped, options()), HasSubstr("  kernel     n/a: it gave no stamps\n"));
}

TEST(Evidence, HasTheReceiveDelayWhereItIsKnown) {
  RunResult plain = result();
  gather_evidence(options(), plain);
  EXPECT_FALSE(plain.evidence.receive_delay_p99);
  RunResult stamped = stamped_result();
  gather_evidence(options(), stamped);
  EXPECT_EQ(stamped.evidence.receive_delay_p99, 500ns);
  EXPECT_NEAR(static_cast<double>(stamped.evidence.kernel_service_p50->count()), 20'000, 20);
}

TEST(JsonReport, CountsErrorsByKind) {
  RunResult bad = result();
  for (std::size_t i = 0; i < kErrorRows.size(); ++i) {
    bad.tally.kinds[0].errors.add({kErrorRows[i].kind}, i + 1);
  }
  const auto errors = nlohmann::json::parse(json_report(bad, options())).at("errors");
  EXPECT_EQ(errors.at("total"), 55);
  std::uint64_t count = 0;
  for (const char* key : {"connect", "read", "write", "timeout", "parse", "status", "length", "body",
                          "unsolicited", "closed"}) {
    EXPECT_EQ(errors.at(key), ++count) << key;
  }
  EXPECT_EQ(errors.size(), 12U) << "and their causes";
  EXPECT_EQ(errors.at("causes").size(), kErrorRows.size());
}

TEST(JsonReport, NamesTheCausesOfErrors) {
  RunResult bad = result();
  ErrorCounts& errors = bad.tally.kinds[0].errors;
  errors.add({ErrorKind::read, AnswerProgress::mid_response, ECONNRESET}, 3);
  errors.add({ErrorKind::read, AnswerProgress::before_first_byte, ECONNRESET}, 40);
  errors.add({ErrorKind::status, AnswerProgress::whole, 503}, 2);
  errors.add({ErrorKind::closed, AnswerProgress::before_first_byte});
  const auto causes = nlohmann::json::parse(json_report(bad, options())).at("errors").at("causes");
  const auto wanted = nlohmann::json::parse(R"([
      {"kind": "read", "progress": "mid_response", "detail": "ECONNRESET", "count": 3},
      {"kind": "read", "progress": "before_first_byte", "detail": "ECONNRESET", "count": 40},
      {"kind": "status", "progress": "whole", "detail": "503", "count": 2},
      {"kind": "closed", "progress": "before_first_byte", "detail": null, "count": 1}])");
  EXPECT_EQ(causes, wanted);
  const std::string text = describe_errors(bad.tally);
  EXPECT_THAT(text, HasSubstr("43 unanswered: the connection failed while reading (Connection reset by peer, "
                              "before the first octet: 40; Connection reset by peer, in mid-answer: 3); "));
  EXPECT_THAT(text, HasSubstr("than the first request (503); "));
  EXPECT_THAT(text, HasSubstr("the server ended the connection (before the first octet)"));
}

TEST(JsonReport, HasNoLatencyOfNothing) {
  const auto json = nlohmann::json::parse(json_report(RunResult(), options()));
  EXPECT_TRUE(json.at("service_ns").at("p50").is_null());
  EXPECT_EQ(json.at("requests_per_second"), 0.0);
}

TEST(Reports, HaveTheKindsOfAMixAndOnlyOfOne) {
  RunResult mixed;
  mixed.tally.kinds.resize(2);
  mixed.measured = 1s;
  for (int i = 0; i < 30; ++i) mixed.tally.kinds[0].latencies.service.record(1000);
  for (int i = 0; i < 10; ++i) mixed.tally.kinds[1].latencies.service.record(5'000'000);
  mixed.tally.kinds[0].answered = 30;
  mixed.tally.kinds[1].answered = 11;
  mixed.tally.kinds[1].errors.add({ErrorKind::length, AnswerProgress::whole});
  mixed.whole = measured(mixed.tally.latencies());
  for (const KindTally& kind : mixed.tally.kinds) mixed.kinds.push_back(measured(kind.latencies));
  RunOptions with_mix = options();
  with_mix.load.mix_path = "m.json";
  with_mix.load.seed = 9;
  with_mix.load.requests.resize(2);
  with_mix.load.requests[0].name = "trivial";
  with_mix.load.requests[1].name = "waiting";
  with_mix.load.requests[1].target = "/sleep/5";
  with_mix.load.requests[1].weight = 5;

  const auto json = nlohmann::json::parse(json_report(mixed, with_mix));
  EXPECT_EQ(json.at("requests"), 41);
  EXPECT_EQ(json.at("measured_requests"), 40);
  EXPECT_EQ(json.at("errors").at("length"), 1);
  EXPECT_EQ(json.at("service_ns").at("max"), 5'000'000);
  EXPECT_EQ(json.at("mix"), "m.json");
  EXPECT_EQ(json.at("seed"), 9);
  ASSERT_EQ(json.at("kinds").size(), 2U);
  const auto& trivial = json.at("kinds")[0];
  EXPECT_EQ(trivial.at("name"), "trivial");
  EXPECT_EQ(trivial.at("requests"), 30);
  EXPECT_EQ(trivial.at("errors").at("total"), 0);
  EXPECT_EQ(trivial.at("service_ns").at("max"), 1000);
  const auto& waiting = json.at("kinds")[1];
  EXPECT_EQ(waiting.at("weight"), 5);
  EXPECT_EQ(waiting.at("path"), "/sleep/5");
  EXPECT_EQ(waiting.at("requests"), 11);
  EXPECT_EQ(waiting.at("measured_requests"), 10);
  EXPECT_EQ(waiting.at("errors").at("length"), 1);
  EXPECT_EQ(waiting.at("service_ns").at("p50"), 5'000'000);
  const std::string text = text_report(mixed, with_mix);
  for (const char* part :
       {"m.json of 2 kinds with seed 9, http://h:1/x", "trivial: 30 measured of 30 answered;",
        "waiting: 10 measured of 11 answered, 1 error;"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }

  const auto plain = nlohmann::json::parse(json_report(result(), options()));
  for (const char* key : {"mix", "seed", "kinds"}) EXPECT_FALSE(plain.contains(key)) << key;
}

TEST(TextReport, SaysWhatAPersonWantsToKnow) {
  RunResult good = result();
  good.server_requests = 1001;
  const std::string text = text_report(good, options());
  for (const char* part : {"GET http://h:1/x", "10 connections on 2 threads", "500 per second", "p99.9",
                           "errors     none", "counted 1,001 requests"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
