// The program with --kernel-timestamps, from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loadgen/base/failure.h"
#include "tests/loadgen/program.h"
#include "tests/loadgen/replies.h"
#include "tests/loadgen/tiny_server.h"
#include "tests/temporary_folder.h"

namespace httpdyno::loadgen {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(KernelTimestamps, AccountForEveryMeasuredRequest) {
  const std::vector<std::string> kLoads[] = {{"-c", "4", "-t", "2"},
                                             {"-c", "2", "--pipeline", "8"},
                                             {"-c", "3", "--no-keepalive"},
                                             {"-c", "4", "-R", "500"}};
  const TemporaryFolder folder;
  for (const auto& load : kLoads) {
    SCOPED_TRACE(testing::PrintToString(load));
    TinyServer server(good_reply);
    std::vector<std::string> words = {server.url(),         "-d",    "300ms",
                                      "--warmup",           "200ms", "--json",
                                      folder.file("json"),  "--csv", folder.file("csv"),
                                      "--kernel-timestamps"};
    words.insert(words.end(), load.begin(), load.end());
    const Finished run = run_program(words);
    EXPECT_TRUE(run.code == 0 || spoilt(run)) << run.err;
    const json result = json::parse(content_of(folder.file("json")));
    const json& kernel = result.at("kernel_service_ns");
    EXPECT_EQ(kernel.at("count").get<std::uint64_t>() + result.at("unstamped_requests").get<std::uint64_t>(),
              result.at("measured_requests"));
    EXPECT_EQ(result.at("transmit_delay_ns").at("count"), kernel.at("count"));
    EXPECT_EQ(result.at("receive_delay_ns").at("count"), kernel.at("count"));
    if (spoilt(run)) continue;
    EXPECT_THAT(content_of(folder.file("csv")), HasSubstr(",kernel_service_p99_ns,"));
    if (kernel.at("count") == 0) continue;
    EXPECT_THAT(run.out, HasSubstr("\n    receive delay   mean "));
    EXPECT_LE(kernel.at("max"), result.at("service_ns").at("max"));
    EXPECT_TRUE(result.at("verdict").at("values").at("receive_delay_p99_ns").is_number());
  }
}

TEST(KernelTimestamps, AreNotThereUnlessAskedFor) {
  TinyServer server(good_reply);
  const Finished run = run_program({server.url(), "-c", "2", "-d", "100ms", "--json", "-"});
  const json result = json::parse(run.out);
  EXPECT_FALSE(result.contains("kernel_service_ns"));
  EXPECT_TRUE(result.at("verdict").at("values").at("receive_delay_p99_ns").is_null());
  EXPECT_THAT(run.err, Not(HasSubstr("receive delay")));
}

TEST(KernelTimestamps, OfAUnixSocketAreRefused) {
  const Finished run = run_program({"--unix-socket", "/nowhere", "http://h/", "--kernel-timestamps"});
  EXPECT_EQ(run.code, kExitUsage);
  EXPECT_EQ(
      run.err,
      "loadgen: --kernel-timestamps and --unix-socket exclude each other: the kernel stamps TCP alone\n");
}

}  // namespace
}  // namespace httpdyno::loadgen
