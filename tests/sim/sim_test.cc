// The simulated world finds what is wrong, finds nothing where nothing is, and repeats itself.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/sim/seeds.h"

namespace httpdyno::sim {
namespace {

struct Finished {
  int status = -1;
  std::string output;  // stdout and stderr
};

Finished run(const std::string& arguments) {
  Finished finished;
  FILE* pipe = ::popen((SIM_PROGRAM " " + arguments + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return finished;
  std::array<char, 4096> piece{};
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe)) {
    finished.output.append(piece.data(), count);
  }
  const int result = ::pclose(pipe);
  finished.status = WIFEXITED(result) ? WEXITSTATUS(result) : -1;
  return finished;
}

// What follows `mark`, up to the line's end.
std::string line_after(const std::string& text, const std::string& mark) {
  const std::size_t begin = text.find(mark);
  if (begin == std::string::npos) return {};
  const std::size_t from = begin + mark.size();
  return text.substr(from, text.find('\n', from) - from);
}

TEST(Sim, TheSameSeedGivesTheSameRun) {
  std::uint64_t last = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const Outcome first = run_seed(seed);
    const Outcome second = run_seed(seed);
    ASSERT_EQ(first.complaint, "") << "seed " << seed;
    ASSERT_EQ(first.digest, second.digest) << "seed " << seed;
    ASSERT_EQ(first.turns, second.turns) << "seed " << seed;
    ASSERT_NE(first.digest, last) << "seed " << seed;
    last = first.digest;
  }
}

// Seeds that pass prove little when nothing happened in them.
TEST(Sim, TwoThousandSeedsPassAndEverythingHappensInThem) {
  const Finished finished = run("--seeds 2000 --jobs 1");
  ASSERT_EQ(finished.status, 0) << finished.output;
  for (const std::string_view name : {
#define SIGHT(name, help) #name,
#include "tests/sim/sights.def"
#undef SIGHT
#define SIM_COUNT(name, help) #name,
#include "net/io/sim/sim_counts.def"
#undef SIM_COUNT
           // Of what the server counted.
           "shed",
           "stale_dropped",
           "not_begun",
           "handler_exceptions",
           "streams_cut",
           "timeouts_request",
           "timeouts_keepalive",
           "timeouts_write",
           "timeouts_linger",
           "timeouts_handler",
       }) {
    const std::string line = line_after(finished.output, "\n  " + std::string(name) + " ");
    ASSERT_NE(line, "") << name;
    EXPECT_GT(std::strtoull(line.c_str(), nullptr, 10), 0U) << name;
  }
}

TEST(Sim, AnUnknownPlantIsAnError) { EXPECT_EQ(run("--plant none").status, 2); }

class Plants : public testing::TestWithParam<Plant> {};

// Each is found, its seed fails again when it is repeated alone, and passes without the plant.
TEST_P(Plants, IsFound) {
  const std::string name(GetParam().name);
  const Finished many = run("--plant " + name + " --seeds 4000 --jobs 1");
  ASSERT_EQ(many.status, 1) << many.output;
  const std::string command = line_after(many.output, "to repeat it: ");
  const std::string seed = line_after(command, "--seed ");
  ASSERT_EQ(command, SIM_PROGRAM " --plant " + name + " --seed " + seed) << many.output;
  EXPECT_EQ(run("--plant " + name + " --seed " + seed).status, 1);
  const Finished healthy = run("--seed " + seed);
  EXPECT_EQ(healthy.status, 0) << healthy.output;
}

std::string test_name(const testing::TestParamInfo<Plant>& info) {
  std::string name(info.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Plants, testing::ValuesIn(plants().begin(), plants().end()), test_name);

}  // namespace
}  // namespace httpdyno::sim
