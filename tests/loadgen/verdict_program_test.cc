// The program's verdict on runs that were spoilt on purpose, and on one that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "loadgen/base/failure.h"
#include "tests/loadgen/control_group.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/replies.h"
#include "tests/loadgen/tiny_server.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

struct Judged {
  Finished run;
  json report;

  std::string level() const { return report.at("verdict").at("level"); }
  std::vector<std::string> reasons() const {
    std::vector<std::string> keys;
    for (const json& reason : report.at("verdict").at("reasons")) keys.push_back(reason.at("key"));
    return keys;
  }
  double value(const char* key) const { return report.at("verdict").at("values").at(key); }
};

class VerdictProgramTest : public testing::Test {
 protected:
  Judged judged(std::vector<std::string> words, const std::function<void(pid_t)>& meanwhile = {}) const {
    const std::string file = folder_.file("json");
    words.insert(words.end(), {"--json", file});
    Judged judged{run_program(words, meanwhile), {}};
    judged.report = json::parse(content_of(file));
    return judged;
  }

 private:
  const TemporaryFolder folder_;
};

// No figure of a void run may be found anywhere.
void expect_void(const Judged& judged) {
  EXPECT_EQ(judged.level(), "void");
  EXPECT_EQ(judged.run.code, kExitVoid);
  EXPECT_THAT(judged.run.err, HasSubstr("the run is void: "));
  EXPECT_THAT(judged.run.out, HasSubstr("  verdict    void\n"));
  EXPECT_THAT(judged.run.out, Not(HasSubstr("per second;")));
  EXPECT_THAT(judged.run.out, Not(HasSubstr("p50")));
  EXPECT_TRUE(judged.report.at("requests_per_second").is_null());
  for (const char* key : {"service_ns", "first_byte_ns"}) {
    const json& latency = judged.report.at(key);
    for (const char* figure : {"mean", "min", "p50", "p99", "max"}) {
      EXPECT_TRUE(latency.at(figure).is_null()) << key << " " << figure;
    }
    EXPECT_EQ(latency.at("intervals"), json::object());
  }
}

TEST_F(VerdictProgramTest, AStopOfHalfASecondIsFound) {
  TinyServer server(good_reply);
  for (const std::vector<std::string>& load :
       {std::vector<std::string>{"-c", "2"}, {"-c", "2", "-R", "500"}}) {
    std::vector<std::string> words = {server.url(), "-d", "2s"};
    words.insert(words.end(), load.begin(), load.end());
    const std::uint64_t before = server.requests();
    const Judged run = judged(words, [&](pid_t pid) {
      // The load is under way: on a busy machine a program takes its time to begin.
      while (server.requests() < before + 100) std::this_thread::sleep_for(1ms);
      ::kill(pid, SIGSTOP);
      std::this_thread::sleep_for(500ms);
      ::kill(pid, SIGCONT);
    });
    EXPECT_THAT(run.reasons(), Contains("longest_pause_ns"));
    EXPECT_GT(run.value("longest_pause_ns"), 450e6);
    EXPECT_THAT(run.reasons(), Contains("paused_share"));
    expect_void(run);
  }
}

TEST_F(VerdictProgramTest, AThrottledControlGroupIsFound) {
  const auto group = ControlGroup::make();
  if (!group) GTEST_SKIP() << "no control group with a bound of its own may be made here";
  TinyServer server(good_reply);
  group->enter();
  const Judged run = judged({server.url(), "-c", "8", "--pipeline", "16", "-d", "2s"}, [&](pid_t) {
    group->leave();
    while (server.requests() < 1000) std::this_thread::sleep_for(1ms);
    group->set_bound(0.02);
    std::this_thread::sleep_for(1s);
    group->lift_bound();
  });
  EXPECT_THAT(run.reasons(), Contains("throttled_share"));
  EXPECT_GT(run.value("throttled_share"), 0.05);
  expect_void(run);
}

TEST_F(VerdictProgramTest, AServerOnTheGeneratorsCoreIsFound) {
  cpu_set_t all;
  ASSERT_EQ(::sched_getaffinity(0, sizeof all, &all), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t core = 0; CPU_COUNT(&one) == 0; ++core) {
    if (CPU_ISSET(core, &all)) CPU_SET(core, &one);
  }
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);  // the server's threads and the program inherit it
  TinyServer server(good_reply);
  const Judged run = judged({server.url(), "-c", "16", "-d", "1s"});
  EXPECT_EQ(::sched_setaffinity(0, sizeof all, &all), 0);
  EXPECT_THAT(run.reasons(), Contains(AnyOf("run_queue_share", "involuntary_switches_per_second")));
  EXPECT_NE(run.level(), "valid");
  EXPECT_THAT(run.run.err, HasSubstr("loadgen: the run is "));
}

TEST_F(VerdictProgramTest, AWrongBodyInTenThousandIsFound) {
  TinyServer server([](const std::string& request, std::uint64_t number) {
    Reply reply = good_reply(request, number);
    if (number % 10'000 == 1'000) reply.bytes.back() = '?';
    return reply;
  });
  const Judged run = judged({server.url(), "-c", "4", "--pipeline", "16", "-d", "1s"});
  EXPECT_THAT(run.reasons(), Contains("wrong_answers"));
  EXPECT_EQ(run.report.at("errors").at("body"), run.value("wrong_answers"));
  expect_void(run);
}

TEST_F(VerdictProgramTest, ACountThatDiffersIsFound) {
  TinyServer server([](const std::string& request, std::uint64_t number) {
    return asks_for(request, "/stats") && number > 10 ? Reply{.bytes = answer(R"({"requests": 7777777})")}
                                                      : good_reply(request, number);
  });
  const Judged run = judged({server.url(), "-c", "2", "-d", "200ms", "--stats-path", "/stats"});
  EXPECT_THAT(run.reasons(), Contains("count_difference"));
  expect_void(run);
}

// On a busy machine the machine's reasons may be given; what does not add up may never be.
TEST_F(VerdictProgramTest, AHealthyRunIsAccusedOfNothingThatItDidNotDo) {
  TinyServer server(good_reply);
  for (const std::vector<std::string>& load :
       {std::vector<std::string>{"-c", "2"}, {"-c", "4", "-R", "300"}}) {
    std::vector<std::string> words = {server.url(), "-d", "400ms", "--stats-path", "/stats"};
    words.insert(words.end(), load.begin(), load.end());
    const Judged run = judged(words);
    EXPECT_EQ(run.value("wrong_answers"), 0);
    EXPECT_EQ(run.value("count_difference"), 0);
    EXPECT_EQ(run.value("overloaded"), 0);
    EXPECT_LT(run.value("littles_law_share"), 0.005);
    EXPECT_THAT(run.reasons(), Not(Contains("throttled_share")));
    EXPECT_GT(run.value("busiest_second_share"), 0);
    EXPECT_LE(run.value("steal_share"), 1);
    EXPECT_GE(run.value("involuntary_switches_per_second"), 0);
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
