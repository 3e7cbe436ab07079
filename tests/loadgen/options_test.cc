// The command line: what it comes to, and what it is refused for.
#include "loadgen/commands/options.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "loadgen/base/limits.h"

namespace httpdyno::loadgen {
namespace {

Failure parse(std::vector<std::string> words, CommandLine& out) {
  words.insert(words.begin(), "loadgen");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data(), out);
}

CommandLine parse_good(const std::vector<std::string>& words) {
  CommandLine out;
  const Failure failure = parse(words, out);
  EXPECT_EQ(failure.line, "");
  return out;
}

TEST(CommandLine, HasDefaults) {
  const CommandLine line = parse_good({"http://h:1/x"});
  EXPECT_EQ(line.mode, CommandLine::Mode::run);
  const RunOptions& run = line.run;
  EXPECT_EQ(run.url.text(), "http://h:1/x");
  EXPECT_EQ(run.load.connections, 10U);
  EXPECT_EQ(run.threads, 1U);
  EXPECT_EQ(run.duration, 10s);
  EXPECT_EQ(run.warmup, 0s);
  EXPECT_EQ(run.load.timeout, 2s);
  EXPECT_EQ(run.load.pipeline, 1U);
  EXPECT_EQ(run.load.requests[0].method, "GET");
  EXPECT_EQ(run.load.requests_per_connection, Script::kUnlimited);
  EXPECT_FALSE(run.load.requests[0].has_body);
}

TEST(CommandLine, TakesWrksFlags) {
  const RunOptions run = parse_good({"-c", "64", "-t2", "-d", "30s", "--timeout", "5s", "--latency", "-H",
                                     "A: b", "http://h/", "-H", "C:d"})
                             .run;
  EXPECT_EQ(run.load.connections, 64U);
  EXPECT_EQ(run.threads, 2U);
  EXPECT_EQ(run.duration, 30s);
  EXPECT_EQ(run.load.timeout, 5s);
  const std::vector<std::pair<std::string, std::string>> wanted = {{"A", "b"}, {"C", "d"}};
  EXPECT_EQ(run.load.requests[0].fields, wanted);
  EXPECT_EQ(run.url.text(), "http://h/");
}

TEST(CommandLine, TakesPathsOfUnixSockets) {
  const CommandLine run = parse_good({"--unix-socket", "/run/a b.sock", "http://h:1/x"});
  EXPECT_EQ(run.run.url.unix_socket, "/run/a b.sock");
  EXPECT_EQ(run.run.url.text(), "http://h:1/x");
  const CommandLine versus = parse_good(
      {"versus", "http://h/", "http://h/", "--pid-a", "1", "--pid-b", "2", "--unix-socket-b", "b"});
  EXPECT_EQ(versus.versus.url_a.unix_socket, "");
  EXPECT_EQ(versus.versus.url_b.unix_socket, "b");
  CommandLine out;
  EXPECT_TRUE(parse({"http://h/", "--unix-socket", ""}, out));
}

TEST(CommandLine, TakesTheRest) {
  const RunOptions run = parse_good({"http://h/", "--pipeline", "16", "--warmup", "500ms", "--json", "-",
                                     "--hgrm", "f", "--stats-path", "/stats", "--expect-status", "404",
                                     "--any-length", "--any-body", "--kernel-timestamps"})
                             .run;
  EXPECT_EQ(run.load.pipeline, 16U);
  EXPECT_EQ(run.warmup, 500ms);
  EXPECT_EQ(run.json_path, "-");
  EXPECT_EQ(run.hgrm_path, "f");
  EXPECT_EQ(run.stats_path, "/stats");
  EXPECT_EQ(run.load.requests[0].expected_status, 404);
  EXPECT_TRUE(run.kernel_timestamps);
  EXPECT_TRUE(run.load.any_length);
  EXPECT_TRUE(run.load.any_body);
  EXPECT_EQ(parse_good({"http://h/", "--no-keepalive"}).run.load.requests_per_connection, 1U);
  EXPECT_EQ(parse_good({"http://h/", "--requests-per-connection", "100", "--pipeline", "16"})
                .run.load.requests_per_connection,
            100U);
  CommandLine out;
  EXPECT_TRUE(parse({"http://h/", "--requests-per-connection", "0"}, out));
  EXPECT_TRUE(parse({"http://h/", "--requests-per-connection", "2", "--no-keepalive"}, out));
  EXPECT_TRUE(parse({"http://h/", "--requests-per-connection", "1", "--pipeline", "2"}, out));
}

TEST(CommandLine, PostsABody) {
  const RequestSpec post = parse_good({"http://h/", "--body-bytes", "5"}).run.load.requests[0];
  EXPECT_EQ(post.method, "POST");
  EXPECT_EQ(post.body, "xxxxx");
  EXPECT_TRUE(post.has_body);
  EXPECT_EQ(parse_good({"http://h/", "--body-bytes", "5", "-m", "PUT"}).run.load.requests[0].method, "PUT");
  EXPECT_TRUE(parse_good({"http://h/", "--body-bytes", "0"}).run.load.requests[0].has_body);
}

TEST(CommandLine, ComparesTwoServers) {
  const CommandLine line = parse_good(
      {"versus", "http://h:1/", "http://h:2/", "--pid-a",    "11",   "--pid-b", "12,13", "-c",
       "64",     "--pipeline",  "4",           "--slice-ms", "12.5", "--pairs", "7",     "--settle-pairs",
       "3",      "--seed",      "99",          "--ndjson",   "f"});
  EXPECT_EQ(line.mode, CommandLine::Mode::versus);
  const VersusOptions& versus = line.versus;
  EXPECT_EQ(versus.url_a.port, 1);
  EXPECT_EQ(versus.url_b.port, 2);
  EXPECT_EQ(versus.pids_a, std::vector{11});
  EXPECT_EQ(versus.pids_b, (std::vector{12, 13}));
  EXPECT_FALSE(versus.arrivals.open());
  EXPECT_EQ(versus.load.connections, 64U);
  EXPECT_EQ(versus.load.pipeline, 4U);
  EXPECT_EQ(versus.slice, 12'500us);
  EXPECT_EQ(versus.pairs, 7U);
  EXPECT_EQ(versus.settle_pairs, 3U);
  EXPECT_EQ(versus.load.seed, 99U);
  EXPECT_EQ(versus.ndjson_path, "f");
}

TEST(CommandLine, ComparesTwoServersAtARate) {
  const Arrivals arrivals =
      parse_good({"versus", "--pid-a", "11", "http://h:1/", "--pid-b", "12", "http://h:2/", "--rate", "20k",
                  "--arrivals", "poisson", "--seed", "4"})
          .versus.arrivals;
  EXPECT_EQ(arrivals.kind, Arrivals::Kind::poisson);
  EXPECT_EQ(arrivals.rate, Rate::of(20'000));
  EXPECT_EQ(arrivals.seed, 4U);
}

TEST(CommandLine, HasASeedAndOneKindWithoutAMix) {
  const LoadOptions load = parse_good({"http://h/", "--seed", "5"}).run.load;
  EXPECT_EQ(load.seed, 5U);
  EXPECT_EQ(load.mix_path, "");
  EXPECT_EQ(load.requests.size(), 1U);
}

TEST(CommandLine, PrintsHelpAndVersion) {
  for (const char* flag : {"--help", "-h", "--version", "-v", "--identity"}) {
    const CommandLine line = parse_good({flag});
    EXPECT_EQ(line.mode, CommandLine::Mode::print) << flag;
    EXPECT_FALSE(line.text.empty()) << flag;
  }
  EXPECT_NE(parse_good({"--help"}).text.find("--pipeline"), std::string::npos);
  EXPECT_NE(parse_good({"versus", "--help"}).text.find("--pid-a"), std::string::npos);
}

TEST(CommandLine, RefusesInOneLineWithTheCulpritInIt) {
  struct Bad {
    std::vector<std::string> words;
    const char* culprit;
  };
  const Bad kBad[] = {
      {{}, "URL"},
      {{"http://h/", "--nonsense"}, "--nonsense"},
      {{"http://h/", "extra"}, "extra"},
      {{"nonsense"}, "nonsense"},
      {{"https://h/"}, "https"},
      {{"http://h/", "-c"}, "-c"},
      {{"http://h/", "-c", "0"}, "connections"},
      {{"http://h/", "-c", "x"}, "connections"},
      {{"http://h/", "-c", "-1"}, "-c"},
      {{"http://h/", "-t", "0"}, "threads"},
      {{"http://h/", "-t", "4", "-c", "3"}, "-t"},
      {{"http://h/", "-d", "0"}, "-d"},
      {{"http://h/", "-d", "soon"}, "-d"},
      {{"http://h/", "--warmup", "-1"}, "--warmup"},
      {{"http://h/", "--timeout", "0"}, "--timeout"},
      {{"http://h/", "--pipeline", "0"}, "--pipeline"},
      {{"http://h/", "--pipeline", "100000"}, "--pipeline"},
      {{"http://h/", "--pipeline", "2", "--no-keepalive"}, "--no-keepalive"},
      {{"http://h/", "-H", "no colon"}, "no colon"},
      {{"http://h/", "-H", ": x"}, ": x"},
      {{"http://h/", "-H", "A b: x"}, "A b: x"},
      {{"http://h/", "-H", "Content-Length: 5"}, "Content-Length"},
      {{"http://h/", "-H", "connection: close"}, "connection"},
      {{"http://h/", "-m", "GE T"}, "GE T"},
      {{"http://h/", "-m", "CONNECT"}, "CONNECT"},
      {{"http://h/", "--body-file", "/no/such/file"}, "/no/such/file"},
      {{"http://h/", "--body-file", "/"}, "--body-file"},
      {{"http://h/", "--body-file", "/dev/null", "--body-bytes", "1"}, "--body"},
      {{"http://h/", "--body-bytes", "-1"}, "--body-bytes"},
      {{"http://h/", "--body-bytes", "67108864", "--pipeline", "1024"}, "--pipeline"},
      {{"http://h/", "--mix", "/no/such/file"}, "--mix /no/such/file"},
      {{"http://h/", "--mix", "/dev/null"}, "--mix /dev/null: the file is no JSON"},
      {{"http://h/", "--mix", "f", "-m", "PUT"}, "--method"},
      {{"http://h/", "--mix", "f", "--body-bytes", "1"}, "--body-bytes"},
      {{"http://h/", "--mix", "f", "--body-file", "/dev/null"}, "--body-file"},
      {{"http://h/", "--mix", "f", "--expect-status", "200"}, "--expect-status"},
      {{"http://h/", "--json", "-", "--hgrm", "-"}, "--hgrm"},
      {{"http://h/", "--stats-path", "stats"}, "--stats-path"},
      {{"http://h/", "--unix-socket", "s", "--kernel-timestamps"}, "--kernel-timestamps"},
      {{"http://h/", "--expect-status", "1000"}, "--expect-status"},
      {{"versus", "http://h/"}, "two URLs"},
      {{"versus", "http://h/", "http://h/", "--pid-a", "1"}, "--pid-b"},
      {{"versus", "http://h/", "https://h/", "--pid-a", "1", "--pid-b", "1"}, "https"},
      {{"versus", "http://h/", "http://h/", "--pid-a", "0", "--pid-b", "1"}, "--pid-a"},
      {{"versus", "http://h/", "http://h/", "--slice-ms", "0"}, "--slice-ms"},
      {{"versus", "http://h/", "http://h/", "--pid-a", "1", "--pid-b", "2,x"}, "--pid-b"},
      {{"versus", "http://h/", "http://h/", "--pid-a", "1", "--pid-b", "2,3,2"}, "--pid-b names 2 twice"},
      {{"versus", "http://h/", "http://h/", "--pid-a", "1", "--pid-b", "2", "-R", "fast"}, "-R 'fast'"},
      {{"versus", "http://h/", "http://h/", "--pid-a", "1", "--pid-b", "2", "--arrivals", "poisson"},
       "--rate"},
  };
  for (const Bad& bad : kBad) {
    CommandLine out;
    const Failure failure = parse(bad.words, out);
    const std::string shown = testing::PrintToString(bad.words);
    EXPECT_EQ(failure.exit_code, kExitUsage) << shown;
    EXPECT_NE(failure.line.find(bad.culprit), std::string::npos) << shown << ": " << failure.line;
    EXPECT_EQ(failure.line.find('\n'), std::string::npos) << shown << ": " << failure.line;
  }
}

TEST(CommandLine, TakesASearchForAKnee) {
  const CommandLine line = parse_good({"--find-knee", "--slo", "p99<2ms,p50<300us", "http://h/"});
  EXPECT_EQ(line.mode, CommandLine::Mode::knee);
  ASSERT_EQ(line.knee.objectives.size(), 2U);
  EXPECT_EQ(line.knee.objectives[1].limit, 300us);
  EXPECT_EQ(line.run.arrivals.kind, Arrivals::Kind::constant);
  EXPECT_EQ(line.run.arrivals.rate, Rate::of(1000));
  EXPECT_EQ(line.run.duration, 2s);
  EXPECT_EQ(line.run.warmup, 500ms);
  const CommandLine other =
      parse_good({"--find-knee", "--slo", "p99<2ms", "http://h/", "-R", "50", "-d", "10s", "--warmup", "0",
                  "--arrivals", "poisson", "--knee-steps", "7"});
  EXPECT_EQ(other.run.arrivals.kind, Arrivals::Kind::poisson);
  EXPECT_EQ(other.run.arrivals.rate, Rate::of(50));
  EXPECT_EQ(other.run.duration, 10s);
  EXPECT_EQ(other.run.warmup, 0s);
  EXPECT_EQ(other.knee.steps_max, 7U);
}

void expect_refused(const std::vector<std::string>& words, const std::string& why) {
  CommandLine out;
  const Failure failure = parse(words, out);
  EXPECT_EQ(failure.exit_code, kExitUsage) << why;
  EXPECT_NE(failure.line.find(why), std::string::npos) << failure.line;
  EXPECT_EQ(failure.line.find('\n'), std::string::npos) << failure.line;
}

TEST(CommandLine, RefusesASearchThatCannotBe) {
  expect_refused({"--find-knee", "http://h/"}, "--find-knee requires --slo");
  expect_refused({"--slo", "p99<2ms", "http://h/"}, "--slo requires --find-knee");
  expect_refused({"--knee-steps", "3", "http://h/"}, "--knee-steps requires --find-knee");
  expect_refused({"--find-knee", "--slo", "p99>2ms", "http://h/"}, "--slo: 'p99>2ms' is no objective");
  for (const char* flag : {"--hgrm", "--hlog", "--csv", "--ndjson"}) {
    expect_refused({"--find-knee", "--slo", "p99<2ms", "http://h/", flag, "f"},
                   std::string(flag) + " exclude");
  }
  for (const char* flag : {"--live", "--kernel-timestamps"}) {
    expect_refused({"--find-knee", "--slo", "p99<2ms", "http://h/", flag}, std::string(flag) + " exclude");
  }
  expect_refused({"--find-knee", "--slo", "p99<2ms", "http://h/", "-R", "1", "--rate-to", "2"},
                 "--rate-to exclude");
  expect_refused({"--arrivals", "poisson", "http://h/"}, "--arrivals requires --rate or --find-knee");
  expect_refused({"--queue-limit", "5", "http://h/"}, "--queue-limit requires --rate or --find-knee");
}

TEST(CommandLine, SaysWhatToUseInsteadOfOthersFlags) {
  expect_refused({"-s", "script.lua", "http://h/"}, "--mix");
  expect_refused({"http://h/", "--script", "script.lua"}, "--mix");
  expect_refused({"http://h/", "-n", "1000"}, "-d");
  expect_refused({"http://h/", "-D", "10"}, "-d");
  expect_refused({"http://h/", "-U"}, "service");
  expect_refused({"http://h/", "--rps", "10"}, "-R");
  expect_refused({"http://h/", "--h1"}, "leave it out");
  expect_refused({"http://h/", "-m", "32"}, "--pipeline");
}

TEST(CommandLine, ShowsItsOwnFlagsOnly) {
  const CommandLine help = parse_good({"--help"});
  EXPECT_EQ(help.mode, CommandLine::Mode::print);
  EXPECT_NE(help.text.find("--find-knee"), std::string::npos);
  EXPECT_EQ(help.text.find("--script"), std::string::npos);
  EXPECT_EQ(help.text.find("\n\n\n"), std::string::npos);
  const CommandLine completion = parse_good({"--completion", "bash"});
  EXPECT_EQ(completion.mode, CommandLine::Mode::print);
  EXPECT_NE(completion.text.find("--find-knee"), std::string::npos);
  EXPECT_EQ(completion.text.find("--script"), std::string::npos);
  expect_refused({"--completion", "fish"}, "--completion");
}

}  // namespace
}  // namespace httpdyno::loadgen
