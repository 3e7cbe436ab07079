// The program from outside: exit codes, one clear line for each failure, files, signals, and counts that
// agree.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>

#include "loadgen/base/failure.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/replies.h"
#include "tests/loadgen/tiny_server.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::HasSubstr;

void expect_one_line(const std::string& text) {
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_EQ(text.rfind("loadgen: ", 0), 0U) << text;
}

// Of a slice's histogram.
std::int64_t values_in(const json& histogram) {
  std::int64_t count = 0;
  for (const json& bucket : histogram) count += bucket.at(1).get<std::int64_t>();
  return count;
}

class ProgramTest : public testing::Test {
 protected:
  std::string path(const char* name) const { return folder_.file(name); }

  const TemporaryFolder folder_;
};

TEST_F(ProgramTest, MeasuresAServerAndAgreesWithItsCount) {
  struct Case {
    const char* name;
    std::vector<std::string> words;
  };
  const Case kCases[] = {
      {"keep-alive", {"-c", "4"}},
      {"pipelined", {"-c", "2", "--pipeline", "16"}},
      {"two threads", {"-c", "5", "-t", "2"}},
      {"a connection each", {"-c", "3", "--no-keepalive"}},
      {"echo", {"-c", "2", "--body-bytes", "5000"}},
      {"warm-up", {"-c", "2", "--warmup", "100ms"}},
  };
  for (const Case& each : kCases) {
    SCOPED_TRACE(each.name);
    TinyServer server(good_reply);
    std::vector<std::string> words = {server.url(), "-d",         "200ms",  "--stats-path", "/stats",
                                      "--json",     path("json"), "--hgrm", path("hgrm")};
    words.insert(words.end(), each.words.begin(), each.words.end());
    const Finished run = run_program(words);
    EXPECT_TRUE(run.code == 0 || spoilt(run)) << run.err;
    EXPECT_EQ(without_doubts(run.err), "") << "no progress display where nobody watches";
    EXPECT_THAT(run.out, HasSubstr("errors     none"));
    const json result = json::parse(content_of(path("json")));
    EXPECT_EQ(result.at("errors").at("total"), 0);
    EXPECT_GT(result.at("measured_requests").get<int>(), 10);
    EXPECT_GE(result.at("requests"), result.at("measured_requests"));
    EXPECT_EQ(result.at("server_requests"), result.at("requests"));
    EXPECT_EQ(result.at("requests").get<std::uint64_t>() + 3, server.requests())
        << "three reads of the counter";
    EXPECT_NEAR(result.at("duration_seconds").get<double>(), 0.2, 1e-9);
    if (spoilt(run)) continue;
    EXPECT_NEAR(result.at("requests_per_second").get<double>(),
                result.at("answers_in_window").get<double>() / 0.2, 1e-6);
    EXPECT_GT(result.at("cpu_ns_per_request").get<double>(), 100);
    EXPECT_GT(result.at("service_ns").at("p50").get<double>(), 1000);
    EXPECT_THAT(content_of(path("hgrm")),
                HasSubstr(fmt::format("Total count    = {:12}]",
                                      result.at("measured_requests").get<std::uint64_t>())));
  }
}

// What a TinyServer answers to the kinds of kMix.
Reply mixed_reply(const std::string& request, std::uint64_t number) {
  if (asks_for(request, "/long")) return {.bytes = answer("a longer answer")};
  if (asks_for(request, "/missing")) return {.bytes = "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"};
  return good_reply(request, number);
}

constexpr const char* kMix = R"({"requests": [
  {"name": "trivial", "weight": 90, "path": "/"},
  {"name": "long", "weight": 9, "path": "/long", "headers": {"X-Kind": "long"}},
  {"name": "missing", "weight": 1, "path": "/missing", "expect_status": 404},
  {"name": "echo", "weight": 5, "path": "/echo", "method": "PUT", "body_bytes": 700}]})";

TEST_F(ProgramTest, DrivesAMixAndTellsItsKindsApart) {
  std::ofstream(path("mix.json")) << kMix;
  const std::vector<std::vector<std::string>> kWays = {
      {"-c", "4"}, {"-c", "2", "--pipeline", "16"}, {"-c", "5", "-t", "2"}};
  for (const auto& way : kWays) {
    SCOPED_TRACE(testing::PrintToString(way));
    std::atomic<std::uint64_t> seen_long = 0;
    TinyServer server([&](const std::string& request, std::uint64_t number) {
      if (request.find("X-Kind: long\r\n") != std::string::npos) ++seen_long;
      return mixed_reply(request, number);
    });
    std::vector<std::string> words = {server.url(), "--mix",  path("mix.json"), "--seed",
                                      "3",          "-d",     "300ms",          "--stats-path",
                                      "/stats",     "--json", path("json")};
    words.insert(words.end(), way.begin(), way.end());
    const Finished run = run_program(words);
    EXPECT_TRUE(run.code == 0 || spoilt(run)) << run.err;
    EXPECT_THAT(run.out, HasSubstr("seed 3"));
    if (!spoilt(run)) {
      EXPECT_THAT(run.out, HasSubstr("    missing: "));
    }
    const json result = json::parse(content_of(path("json")));
    EXPECT_EQ(result.at("server_requests"), result.at("requests"));
    EXPECT_EQ(result.at("seed"), 3);
    const json& kinds = result.at("kinds");
    ASSERT_EQ(kinds.size(), 4U);
    std::uint64_t requests = 0;
    std::uint64_t measured = 0;
    for (const json& kind : kinds) {
      requests += kind.at("requests").get<std::uint64_t>();
      measured += kind.at("measured_requests").get<std::uint64_t>();
      EXPECT_EQ(kind.at("errors").at("total"), 0);
    }
    EXPECT_EQ(requests, result.at("requests"));
    EXPECT_EQ(measured, result.at("measured_requests"));
    EXPECT_EQ(kinds[1].at("name"), "long");
    EXPECT_EQ(kinds[1].at("requests"), seen_long.load());
    EXPECT_GT(kinds[0].at("requests"), kinds[1].at("requests"));
    if (!spoilt(run)) {
      EXPECT_GT(kinds[0].at("service_ns").at("p50").get<double>(), 1000);
    }
  }
}

TEST_F(ProgramTest, NamesTheKindThatIsAnsweredBadly) {
  std::ofstream(path("mix.json")) << kMix;
  TinyServer server([](const std::string& request, std::uint64_t number) {
    const bool shorter = number > 50 && asks_for(request, "/long");
    return shorter ? Reply{.bytes = answer("OK")} : mixed_reply(request, number);
  });
  const Finished run = run_program(
      {server.url(), "--mix", path("mix.json"), "-c", "2", "-d", "300ms", "--json", path("json")});
  EXPECT_EQ(run.code, kExitVoid);
  expect_one_line(run.err);
  const json kinds = json::parse(content_of(path("json"))).at("kinds");
  EXPECT_GT(kinds[1].at("errors").at("length"), 0);
  for (const std::size_t other : {0U, 2U, 3U}) EXPECT_EQ(kinds[other].at("errors").at("total"), 0);
}

TEST_F(ProgramTest, RefusesAMixWhoseKindIsAnAnswerOfError) {
  std::ofstream(path("mix.json"))
      << R"({"requests": [{"name": "a", "weight": 1, "path": "/"}, {"name": "b", "weight": 1, "path": "/missing"}]})";
  TinyServer server(mixed_reply);
  const Finished run = run_program({server.url(), "--mix", path("mix.json"), "-d", "100ms"});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("/missing"));
  EXPECT_THAT(run.err, HasSubstr("\"expect_status\": 404"));
  EXPECT_EQ(server.requests(), 2U) << "the first requests, and nothing of the run";
}

TEST_F(ProgramTest, RefusesABadMixBeforeAnythingIsSent) {
  std::ofstream(path("mix.json")) << R"({"requests": [{"name": "a", "weight": 0, "path": "/"}]})";
  TinyServer server(good_reply);
  const Finished run = run_program({server.url(), "--mix", path("mix.json"), "--json", path("json")});
  EXPECT_EQ(run.code, 2);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr(path("mix.json") + ": requests[0].weight is 0"));
  EXPECT_EQ(server.requests(), 0U);
  EXPECT_EQ(folder_.file_count(), 1U) << "the mix, and no result";
}

TEST_F(ProgramTest, ComparesTwoServersUnderAMix) {
  std::ofstream(path("mix.json")) << kMix;
  TinyServer a(mixed_reply);
  TinyServer b(mixed_reply);
  const std::string pid = std::to_string(getpid());
  const Finished run =
      run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", pid, "-c", "2", "--pairs", "4",
                   "--slice-ms", "10", "--mix", path("mix.json"), "--ndjson", "-"});
  EXPECT_EQ(run.code, 0) << run.err;
  const std::size_t last = run.out.rfind('\n', run.out.size() - 2);
  const json totals = json::parse(run.out.substr(last + 1));
  EXPECT_EQ(totals.at("requests_a"), a.requests());
  EXPECT_EQ(totals.at("requests_b"), b.requests());
}

TEST_F(ProgramTest, OpensOneConnectionForEachRequestWithoutKeepAlive) {
  TinyServer server(good_reply);
  const Finished run = run_program({server.url(), "-c", "3", "-d", "100ms", "--no-keepalive", "--json", "-"});
  EXPECT_THAT(run.code, AnyOf(0, kExitVoid)) << run.err;
  EXPECT_EQ(server.accepted(), server.requests());
  EXPECT_EQ(json::parse(run.out).at("requests"), server.requests());
  EXPECT_THAT(run.err, HasSubstr("one request each")) << "the summary gives way to the JSON";
}

TEST_F(ProgramTest, FindsOneBadAnswerAmongThousands) {
  TinyServer server([](const std::string& request, std::uint64_t number) {
    return number == 500 ? Reply{.bytes = answer("KO, no")} : good_reply(request, number);
  });
  const Finished run = run_program({server.url(), "-c", "4", "-d", "500ms", "--json", "-"});
  EXPECT_EQ(run.code, kExitVoid);
  EXPECT_EQ(json::parse(run.out).at("errors").at("length"), 1);
  EXPECT_EQ(json::parse(run.out).at("errors").at("total"), 1);
}

TEST_F(ProgramTest, FailsWhenTheServerCountsOtherwise) {
  TinyServer server([](const std::string& request, std::uint64_t number) {
    return good_reply(request, number > 100 ? number - 1 : number);
  });
  const Finished run = run_program({server.url(), "-c", "2", "-d", "300ms", "--stats-path", "/stats"});
  EXPECT_EQ(run.code, kExitVoid);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("counted"));
  EXPECT_THAT(run.out, HasSubstr("NOT"));
}

TEST_F(ProgramTest, NeedsACounterWhereItWasToldToLook) {
  TinyServer server(
      [](const std::string&, std::uint64_t) { return Reply{.bytes = answer("OK"), .close = true}; });
  const Finished run = run_program({server.url(), "-d", "100ms", "--stats-path", "/stats"});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("/stats"));
}

TEST_F(ProgramTest, SaysThatNobodyListens) {
  std::string url;
  { url = TinyServer(good_reply).url(); }
  const Finished run = run_program({url, "-d", "100ms", "--json", path("json")});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("Connection refused"));
  EXPECT_EQ(folder_.file_count(), 0U) << "no result, no file";
}

TEST_F(ProgramTest, SaysThatTheServerWentAway) {
  auto server = std::make_unique<TinyServer>(good_reply);
  const auto begin = std::chrono::steady_clock::now();
  const Finished run =
      run_program({server->url(), "-c", "2", "-d", "60s", "--json", path("json")}, [&](pid_t) {
        while (server->requests() < 100) std::this_thread::yield();
        server.reset();
      });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("went away"));
  EXPECT_GT(json::parse(content_of(path("json"))).at("errors").at("connect").get<int>(), 0);
}

TEST_F(ProgramTest, RefusesAFirstAnswerThatIsAnError) {
  TinyServer server([](const std::string&, std::uint64_t) {
    return Reply{.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
  });
  const Finished run = run_program({server.url(), "-d", "100ms"});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("--expect-status 404"));
  EXPECT_EQ(server.requests(), 1U);
  EXPECT_THAT(run_program({server.url(), "-d", "100ms", "--expect-status", "404"}).code, AnyOf(0, kExitVoid));
}

TEST_F(ProgramTest, WaitsNoLongerForAFirstAnswerThatDripsThanForNone) {
  for (const std::string& endless : {std::string(), answer(std::string(1 << 20, 'x'))}) {
    TinyServer server([&](const std::string&, std::uint64_t) { return Reply{.bytes = endless, .piece = 1}; });
    const auto begin = std::chrono::steady_clock::now();
    const Finished run = run_program({server.url(), "-d", "100ms", "--timeout", "200ms"});
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    EXPECT_EQ(run.code, 1);
    expect_one_line(run.err);
    EXPECT_THAT(run.err, HasSubstr("timed out"));
  }
}

TEST_F(ProgramTest, RefusesABadCommandLineBeforeAnythingIsSent) {
  TinyServer server(good_reply);
  const std::vector<std::vector<std::string>> kBad = {
      {"--nonsense"},
      {"https://localhost/"},
      {"no url"},
      {server.url(), "--body-file", path("missing")},
      {server.url(), "--json", path("no/such/folder")},
      {server.url(), "--hgrm", path("no/such/folder")},
      {server.url(), "--json", folder_.path()},
      {"versus", server.url(), server.url(), "--pid-a", "999999999", "--pid-b", "1"},
      {"versus", server.url(), server.url(), "--pid-a", std::to_string(getpid()), "--pid-b",
       std::to_string(getpid()), "--ndjson", path("no/such/folder")},
  };
  for (const auto& words : kBad) {
    const Finished run = run_program(words);
    EXPECT_EQ(run.code, 2) << testing::PrintToString(words);
    expect_one_line(run.err);
    EXPECT_EQ(run.out, "");
  }
  EXPECT_EQ(server.requests(), 0U);
  EXPECT_EQ(folder_.file_count(), 0U);
}

TEST_F(ProgramTest, SaysThatTheDiskIsFull) {
  TinyServer server(good_reply);
  const Finished run = run_program({server.url(), "-d", "50ms", "--json", "/dev/full"});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("No space left"));
}

TEST_F(ProgramTest, SaysWhatItHasSeenWhenItIsInterrupted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    TinyServer server(good_reply);
    const auto begin = std::chrono::steady_clock::now();
    const Finished run =
        run_program({server.url(), "-c", "2", "-d", "60s", "--json", path("json"), "--stats-path", "/stats"},
                    [&](pid_t pid) {
                      while (server.requests() < 100) std::this_thread::yield();
                      ::kill(pid, signal);
                    });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    EXPECT_EQ(run.code, 128 + signal) << run.err;
    EXPECT_EQ(without_doubts(run.err), "");
    const json result = json::parse(content_of(path("json")));
    EXPECT_EQ(result.at("interrupted"), true);
    EXPECT_GT(result.at("measured_requests").get<int>(), 50);
    EXPECT_LT(result.at("duration_seconds").get<double>(), 20);
    EXPECT_EQ(result.at("server_requests"), result.at("requests"));
    EXPECT_THAT(run.out, HasSubstr("interrupted"));
  }
}

// Three files that grow by the second hold the same counts as the report at the end; also when it is cut short.
TEST_F(ProgramTest, WritesFilesThatGrowByTheSecond) {
  for (const bool interrupted : {false, true}) {
    TinyServer server(good_reply);
    const Finished run =
        run_program({server.url(), "-c", "2", "-d", interrupted ? "60s" : "1700ms", "-R", "200", "--csv",
                     path("csv"), "--ndjson", path("ndjson"), "--hlog", path("hlog"), "--json", path("json")},
                    [&](pid_t pid) {
                      while (interrupted && server.requests() < 250) std::this_thread::yield();
                      if (interrupted) ::kill(pid, SIGINT);
                    });
    if (spoilt(run)) continue;
    EXPECT_EQ(run.code, interrupted ? 130 : 0) << run.err;
    const json result = json::parse(content_of(path("json")));
    const auto count = result.at("response_ns").at("count").get<std::int64_t>();
    EXPECT_EQ(result.at("due"), result.at("sent"));
    std::istringstream lines(content_of(path("ndjson")));
    std::int64_t in_seconds = 0;
    double expected_begin = 0;
    for (std::string line; std::getline(lines, line);) {
      const json second = json::parse(line);
      in_seconds += second.at("response_ns").at("count").get<std::int64_t>();
      EXPECT_DOUBLE_EQ(second.at("begin_s").get<double>(), expected_begin);
      expected_begin += second.at("length_s").get<double>();
    }
    EXPECT_EQ(in_seconds, count);
    EXPECT_GE(count, 240);
    const std::string csv = content_of(path("csv"));
    EXPECT_GE(std::count(csv.begin(), csv.end(), '\n'), 2);
    const Finished merged = run_program({"merge", path("hlog"), "--tag", "response", "--hgrm", path("hgrm")});
    EXPECT_EQ(merged.code, 0) << merged.err;
    EXPECT_THAT(content_of(path("hgrm")), HasSubstr(fmt::format("Total count    = {:12}]", count)));
  }
}

TEST_F(ProgramTest, ComparesTwoServersInTurn) {
  for (const bool keep_alive : {true, false}) {
    TinyServer a(good_reply);
    TinyServer b(good_reply);
    std::vector<std::string> words = {"versus",
                                      a.url(),
                                      b.url(),
                                      "--pid-a",
                                      std::to_string(getpid()),
                                      "--pid-b",
                                      std::to_string(getpid()),
                                      "-c",
                                      "4",
                                      "--slice-ms",
                                      "5",
                                      "--pairs",
                                      "6",
                                      "--seed",
                                      "7",
                                      "--ndjson",
                                      path("ndjson")};
    if (!keep_alive) words.push_back("--no-keepalive");
    const Finished run = run_program(words);
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_EQ(run.err, "");
    EXPECT_THAT(run.out, HasSubstr("b over a"));

    std::istringstream lines(content_of(path("ndjson")));
    std::string line;
    std::vector<json> slices;
    while (std::getline(lines, line)) slices.push_back(json::parse(line));
    ASSERT_EQ(slices.size(), 13U);
    for (std::size_t i = 0; i < 12; ++i) {
      const json& slice = slices[i];
      EXPECT_EQ(slice.at("pair"), i / 2);
      EXPECT_EQ(slice.at("position"), i % 2);
      EXPECT_EQ(slice.at("errors"), 0);
      EXPECT_GT(slice.at("requests").get<int>(), 0);
      EXPECT_EQ(slice.at("sent"), slice.at("requests"));
      EXPECT_EQ(slice.at("censored"), 0);
      // Of the requests that were sent within it: one whose turn it was at its very end may have missed it.
      EXPECT_LE(values_in(slice.at("service_ns")), slice.at("requests").get<int>());
      EXPECT_GE(values_in(slice.at("service_ns")), slice.at("requests").get<int>() - 4);
      EXPECT_GT(slice.at("cpu_ns").get<std::int64_t>(), 0);
      EXPECT_GE(slice.at("wall_ns").get<std::int64_t>(), 5'000'000);
      EXPECT_TRUE(i % 2 == 0 || slice.at("side") != slices[i - 1].at("side"));
    }
    // Both orders occur: that is the coin.
    EXPECT_NE(std::count_if(slices.begin(), slices.end() - 1,
                            [](const json& s) { return s.at("position") == 0 && s.at("side") == "a"; }) %
                  6,
              0);
    const json& totals = slices.back();
    EXPECT_EQ(totals.at("requests_a"), a.requests());
    EXPECT_EQ(totals.at("requests_b"), b.requests());
    EXPECT_EQ(totals.at("pairs"), 6);
    EXPECT_EQ(a.accepted(), keep_alive ? 5 : a.requests())
        << "four connections, and one for the first answer";
  }
}

TEST_F(ProgramTest, ComparesTwoServersAtARate) {
  TinyServer a(good_reply);
  TinyServer b(good_reply);
  const std::string pid = std::to_string(getpid());
  const Finished run =
      run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", pid, "-c", "4", "--slice-ms", "20",
                   "--pairs", "5", "--settle-pairs", "1", "--rate", "500", "--ndjson", path("ndjson")});
  EXPECT_EQ(run.code, 0) << run.err;
  std::istringstream lines(content_of(path("ndjson")));
  std::string line;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    const json slice = json::parse(line);
    for (const char* count : {"due", "sent", "requests"}) EXPECT_EQ(slice.at(count), 10) << line;
    EXPECT_EQ(values_in(slice.at("response_ns")), 10);
    EXPECT_EQ(slice.at("censored"), 0);
    EXPECT_FALSE(slice.contains("service_ns"));
  }
  ASSERT_TRUE(std::getline(lines, line));
  const json totals = json::parse(line);
  EXPECT_EQ(totals.at("rate"), 500);
  for (const TinyServer* server : {&a, &b}) {
    EXPECT_EQ(server->requests(), 61U) << "six slices of ten, and the first";
    EXPECT_EQ(totals.at(server == &a ? "requests_a" : "requests_b"), 61);
  }
}

TEST_F(ProgramTest, CountsWhatIsAnsweredAfterASliceWithIt) {
  TinyServer a(good_reply);
  TinyServer b([](const std::string& request, std::uint64_t number) {
    Reply reply = good_reply(request, number);
    // Later than the end of the slice in which it was asked for.
    if (number == 15) std::this_thread::sleep_for(std::chrono::milliseconds(60));
    return reply;
  });
  const std::string pid = std::to_string(getpid());
  const Finished run =
      run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", pid, "-c", "1", "--slice-ms", "20",
                   "--pairs", "3", "--settle-pairs", "0", "--rate", "500", "--ndjson", path("ndjson")});
  EXPECT_EQ(run.code, 0) << run.err;
  std::istringstream lines(content_of(path("ndjson")));
  std::string line;
  std::int64_t longest = 0;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    const json slice = json::parse(line);
    EXPECT_EQ(slice.at("requests"), 10);
    EXPECT_EQ(values_in(slice.at("response_ns")), 10);
    if (slice.at("side") == "b")
      longest = std::max(longest, slice.at("response_ns").back().at(0).get<std::int64_t>());
  }
  EXPECT_GE(longest, 60'000'000);
  EXPECT_EQ(b.requests(), 31U);
}

TEST_F(ProgramTest, EndsAComparisonWhoseServerIsNotDoneBeforeTheOthersTurn) {
  TinyServer a(good_reply);
  TinyServer b([](const std::string& request, std::uint64_t number) {
    if (number != 0) std::this_thread::sleep_for(std::chrono::milliseconds(40));
    return good_reply(request, number);
  });
  const std::string pid = std::to_string(getpid());
  // 40 requests take 1.6 s: each has an answer within the timeout, but not all within the drain.
  const Finished run =
      run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", pid, "-c", "1", "--slice-ms", "20",
                   "--rate", "2000", "--timeout", "500ms", "--ndjson", path("ndjson")});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr("server b at " + b.url()));
  EXPECT_THAT(run.err, HasSubstr("--rate"));
  EXPECT_EQ(folder_.file_count(), 0U);
}

TEST_F(ProgramTest, SaysWhichProcessOfAComparisonHasEnded) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  TinyServer a(good_reply);
  TinyServer b([child](const std::string& request, std::uint64_t number) {
    if (number == 50) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    return good_reply(request, number);
  });
  const std::string pid = std::to_string(getpid());
  const Finished run =
      run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", fmt::format("{},{}", pid, child),
                   "-c", "1", "--pairs", "1000000", "--ndjson", path("ndjson")});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr(fmt::format("server b at {} has lost its process {}", b.url(), child)));
  EXPECT_EQ(folder_.file_count(), 0U);
}

TEST_F(ProgramTest, ComparesOnlyServersThatAnswerAlike) {
  TinyServer a(good_reply);
  const std::string pid = std::to_string(getpid());
  for (const char* other :
       {"HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\nOK", "HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\nO",
        "HTTP/1.1 200 x\r\nContent-Length: 2\r\n\r\nKO"}) {
    TinyServer b([&](const std::string&, std::uint64_t) { return Reply{.bytes = other}; });
    const Finished run = run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", pid, "--pairs",
                                      "1", "--ndjson", path("ndjson")});
    EXPECT_EQ(run.code, 1) << other;
    expect_one_line(run.err);
    EXPECT_EQ(folder_.file_count(), 0U);
  }
}

TEST_F(ProgramTest, FailsAComparisonWithErrors) {
  TinyServer a(good_reply);
  TinyServer b([](const std::string& request, std::uint64_t number) {
    return number == 20 ? Reply{.bytes = "", .close = true} : good_reply(request, number);
  });
  const std::string pid = std::to_string(getpid());
  const Finished run = run_program({"versus", a.url(), b.url(), "--pid-a", pid, "--pid-b", pid, "-c", "2",
                                    "--pairs", "4", "--slice-ms", "10"});
  EXPECT_EQ(run.code, 1);
  expect_one_line(run.err);
  EXPECT_THAT(run.err, HasSubstr(b.url()));
}

TEST_F(ProgramTest, SaysWhoItIs) {
  const Finished version = run_program({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.out, HasSubstr("loadgen "));
  const Finished identity = run_program({"--identity"});
  EXPECT_EQ(identity.code, 0);
  for (const char* key : {"revision", "dirty", "compiler", "flags", "build_type", "sanitizers"}) {
    EXPECT_TRUE(json::parse(identity.out).contains(key)) << key;
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
