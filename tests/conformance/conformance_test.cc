// Every case, in every way in which its octets may arrive (README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/conformance/cases.h"
#include "tests/conformance/parsed.h"
#include "tests/conformance/served.h"

namespace httpdyno::conformance {
namespace {

namespace fs = std::filesystem;
using Cuts = std::vector<std::size_t>;

std::vector<std::string> case_files() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(HTTPDYNO_CASES)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".md") && name != "README.md") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<Case> cases_of(const std::string& file) {
  std::ifstream in(fs::path(HTTPDYNO_CASES) / file);
  std::stringstream text;
  text << in.rdbuf();
  return read_cases(file, text.str());
}

// Where octets of that number may be cut in two: everywhere, or, when they are many, near both ends and here and there
// in between.
Cuts places_to_cut(std::size_t size) {
  constexpr std::size_t kMany = 1500;
  constexpr std::size_t kNear = 24;
  constexpr std::size_t kBetween = 12;
  Cuts places;
  for (std::size_t at = 1; at < size; ++at) {
    const bool near = at < kNear || size - at < kNear;
    if (size <= kMany || near || at % (size / kBetween) == 0) places.push_back(at);
  }
  return places;
}

// Whole, in two at each place, and in pieces at all of them.
std::vector<Cuts> ways_of(std::size_t size) {
  const Cuts places = places_to_cut(size);
  std::vector<Cuts> ways{{}, places};
  for (std::size_t at : places) ways.push_back({at});
  return ways;
}

class Conformance : public testing::TestWithParam<std::string> {};

TEST_P(Conformance, TheServerAnswersAsWritten) {
  Server server;
  for (const Case& given : cases_of(GetParam())) {
    const Served whole = server.serve(given, {});
    ASSERT_EQ(differences(given, whole, false), "") << given.name << "\n" << whole.octets;
  }
}

TEST_P(Conformance, TheServerAnswersTheSameHoweverTheOctetsArrive) {
  Server server;
  for (const Case& given : cases_of(GetParam())) {
    const Served whole = server.serve(given, {});
    for (const Cuts& cuts : ways_of(given.octets().size())) {
      const Served pieces = server.serve(given, cuts);
      const std::string how =
          given.name + (cuts.size() == 1 ? ", cut at " + std::to_string(cuts[0]) : ", in pieces");
      ASSERT_EQ(differences(given, pieces, false), "") << how;
      ASSERT_EQ(comparable(given, pieces.octets), comparable(given, whole.octets)) << how;
      ASSERT_EQ(pieces.seen, whole.seen) << how;
    }
  }
}

// What a smuggler hopes for: a request behind the case is answered if and only if the connection stays.
TEST_P(Conformance, WhatFollowsIsARequestOrIsNeverLookedAt) {
  Server server;
  for (const Case& given : cases_of(GetParam())) {
    const bool client_ended = std::any_of(given.steps.begin(), given.steps.end(),
                                          [](const Step& step) { return step.then == Step::Then::end; });
    const bool over = given.ending == Case::Ending::ends || client_ended;
    if (over || given.ending == Case::Ending::waits) continue;
    const std::string behind = "GET / HTTP/1.1\r\nHost: smuggled\r\n\r\n";
    const Served served = server.serve(given, {}, behind);
    ASSERT_EQ(differences(given, served, true), "") << given.name;
  }
}

TEST_P(Conformance, TheParserAgreesWithItselfHoweverTheOctetsArrive) {
  for (const Case& given : cases_of(GetParam())) {
    const std::string octets = given.octets();
    Guarded memory(octets.size());
    const std::string whole = parse_all(memory, octets, {}, Place::back, Code::vector, Keep::all);
    for (const Cuts& cuts : ways_of(octets.size())) {
      for (const Code code : {Code::vector, Code::scalar}) {
        for (const Place place : {Place::back, Place::front}) {
          for (const Keep keep : {Keep::all, Keep::compacted}) {
            ASSERT_EQ(parse_all(memory, octets, cuts, place, code, keep), whole)
                << given.name << (code == Code::scalar ? ", scalar" : "")
                << (cuts.size() == 1 ? ", cut at " + std::to_string(cuts[0]) : ", in pieces");
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Conformance, testing::ValuesIn(case_files()), [](const auto& file) {
  std::string name = file.param.substr(0, file.param.find('.'));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});

TEST(ConformanceFiles, ThereAreCases) {
  std::size_t count = 0;
  for (const std::string& file : case_files()) count += cases_of(file).size();
  EXPECT_EQ(case_files().size(), 6U);
  EXPECT_GT(count, 300U);
}

// DIR/<file>-<number>: the octets of each case, as seeds for fuzzing.
void write_octets(const fs::path& directory) {
  fs::create_directories(directory);
  for (const std::string& file : case_files()) {
    int number = 0;
    for (const Case& given : cases_of(file)) {
      const std::string name = file.substr(0, file.find('.')) + "-" + std::to_string(++number);
      std::ofstream(directory / name, std::ios::binary) << given.octets();
    }
  }
}

}  // namespace
}  // namespace httpdyno::conformance

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  constexpr std::string_view kExport = "--export=";
  if (argc == 2 && std::string_view(argv[1]).starts_with(kExport)) {
    httpdyno::conformance::write_octets(std::string_view(argv[1]).substr(kExport.size()));
    return 0;
  }
  return RUN_ALL_TESTS();
}
