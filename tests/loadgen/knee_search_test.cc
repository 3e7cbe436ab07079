// The search for the knee against servers that are made up: which rates it asks for, and where it ends.
#include "loadgen/work/knee_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "net/base/prng.h"

namespace httpdyno::loadgen {
namespace {

using enum Outcome;

struct Step {
  double rate;
  std::uint32_t length;
  Outcome end;
};

// All steps of a search; a server is a function of the rate and of the step's length.
std::vector<Step> search(KneeSearch& knee, const std::function<Outcome(double, std::uint32_t)>& server) {
  std::vector<Step> steps;
  while (!knee.done()) {
    const Step step{knee.rate().per_second(), knee.length(), server(knee.rate().per_second(), knee.length())};
    steps.push_back(step);
    knee.record(step.end);
  }
  return steps;
}

TEST(KneeSearch, DoublesThenHalvesUntilTheBracketIsNarrow) {
  KneeSearch knee(Rate::of(1000), 40);
  const std::vector<Step> steps =
      search(knee, [](double rate, std::uint32_t) { return rate < 5000 ? holds : fails; });
  std::vector<double> rates;
  for (const Step& step : steps) rates.push_back(step.rate);
  EXPECT_EQ(rates, (std::vector<double>{1000, 2000, 4000, 8000, 5657, 4757, 5188, 4968}));
  EXPECT_EQ(knee.holds(), Rate::of(4968));
  EXPECT_EQ(knee.fails(), Rate::of(5188));
  EXPECT_FALSE(knee.unmeasured());
}

TEST(KneeSearch, BracketsEveryCapacity) {
  for (double capacity = 1000.5; capacity < 9e7; capacity *= 1.37) {
    KneeSearch knee(Rate::of(1000), 40);
    search(knee, [&](double rate, std::uint32_t) { return rate < capacity ? holds : fails; });
    ASSERT_TRUE(knee.holds() && knee.fails()) << capacity;
    EXPECT_LT(knee.holds()->per_second(), capacity);
    EXPECT_GE(knee.fails()->per_second(), capacity);
    EXPECT_LE(knee.fails()->per_second() / knee.holds()->per_second(), KneeSearch::kPrecision);
  }
}

TEST(KneeSearch, SearchesFractionsOfARequestPerSecond) {
  KneeSearch knee(Rate{250'000}, 40);
  search(knee, [](double rate, std::uint32_t) { return rate < 0.7 ? holds : fails; });
  ASSERT_TRUE(knee.holds() && knee.fails());
  EXPECT_NEAR(knee.holds()->per_second(), 0.7, 0.04);
  // Where nothing is left between two rates it ends.
  KneeSearch finest(Rate{1}, 40);
  search(finest, [](double rate, std::uint32_t) { return rate < 1.5e-6 ? holds : fails; });
  EXPECT_EQ(finest.holds(), Rate{1});
  EXPECT_EQ(finest.fails(), Rate{2});
}

TEST(KneeSearch, EndsWhereTheFirstRateIsTooHigh) {
  KneeSearch knee(Rate::of(1000), 40);
  EXPECT_EQ(search(knee, [](double, std::uint32_t) { return fails; }).size(), 1U);
  EXPECT_FALSE(knee.holds());
  EXPECT_EQ(knee.fails(), Rate::of(1000));
}

TEST(KneeSearch, EndsAtTheHighestRateThereIs) {
  KneeSearch knee(Rate::of(1000), 40);
  const std::vector<Step> steps = search(knee, [](double, std::uint32_t) { return holds; });
  EXPECT_EQ(steps.back().rate, kRateMax.per_second());
  EXPECT_EQ(knee.holds(), kRateMax);
  EXPECT_FALSE(knee.fails());
}

TEST(KneeSearch, RepeatsWhatIsUndecidedForLonger) {
  KneeSearch knee(Rate::of(1000), 40);
  const std::vector<Step> steps = search(knee, [](double rate, std::uint32_t length) {
    return length < 4 ? undecided : rate < 1500 ? holds : fails;
  });
  ASSERT_GE(steps.size(), 6U);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].length, 1U << i % 3);
    EXPECT_EQ(steps[i].rate, steps[i / 3 * 3].rate);
  }
  EXPECT_LT(knee.holds()->per_second(), 1500);
  EXPECT_GE(knee.fails()->per_second(), 1500);
}

TEST(KneeSearch, SearchesAroundWhatStaysUndecided) {
  KneeSearch knee(Rate::of(1000), 100);
  search(knee, [](double rate, std::uint32_t) {
    return rate < 5000 ? holds : rate < 6500 ? undecided : fails;
  });
  ASSERT_TRUE(knee.holds() && knee.fails());
  EXPECT_LT(knee.holds()->per_second(), 5000);
  EXPECT_GE(knee.holds()->per_second(), 5000 / KneeSearch::kPrecision);
  EXPECT_GE(knee.fails()->per_second(), 6500);
  EXPECT_LE(knee.fails()->per_second(), 6500 * KneeSearch::kPrecision);
}

TEST(KneeSearch, GoesUpPastWhatIsUndecided) {
  // Too few requests at a low rate decide nothing.
  KneeSearch knee(Rate::of(1000), 40);
  search(knee, [](double rate, std::uint32_t) {
    return rate < 3000 ? undecided : rate < 5000 ? holds : fails;
  });
  ASSERT_TRUE(knee.holds() && knee.fails());
  EXPECT_LT(knee.holds()->per_second(), 5000);
  EXPECT_GE(knee.fails()->per_second(), 5000);
  // And without any that holds there is no bracket.
  KneeSearch none(Rate::of(1000), 40);
  search(none, [](double rate, std::uint32_t) { return rate < 3000 ? undecided : fails; });
  EXPECT_FALSE(none.holds());
}

TEST(KneeSearch, TellsTheGeneratorsLimitFromTheServers) {
  KneeSearch knee(Rate::of(1000), 100);
  search(knee, [](double rate, std::uint32_t) { return rate < 20'000 ? holds : unmeasured; });
  EXPECT_FALSE(knee.fails());
  ASSERT_TRUE(knee.holds() && knee.unmeasured());
  EXPECT_LT(knee.holds()->per_second(), 20'000);
  EXPECT_GE(knee.holds()->per_second(), 20'000 / KneeSearch::kPrecision);
  EXPECT_GE(knee.unmeasured()->per_second(), 20'000);
  // The server's knee may lie below the generator's limit, and be met only after it.
  KneeSearch below(Rate::of(1000), 100);
  search(below, [](double rate, std::uint32_t) {
    return rate < 20'000 ? holds : rate < 30'000 ? fails : unmeasured;
  });
  ASSERT_TRUE(below.holds() && below.fails());
  EXPECT_FALSE(below.unmeasured());
  EXPECT_LT(below.holds()->per_second(), 20'000);
  EXPECT_LT(below.fails()->per_second(), 20'000 * KneeSearch::kPrecision);
}

TEST(KneeSearch, OneDisturbanceIsNoLimit) {
  KneeSearch knee(Rate::of(1000), 40);
  bool disturbed = false;
  search(knee, [&](double rate, std::uint32_t) {
    if (rate >= 4000 && !std::exchange(disturbed, true)) return unmeasured;
    return rate < 5000 ? holds : fails;
  });
  EXPECT_TRUE(disturbed);
  EXPECT_EQ(knee.holds(), Rate::of(4968));
  EXPECT_EQ(knee.fails(), Rate::of(5188));
}

TEST(KneeSearch, HasABoundOfSteps) {
  for (std::uint32_t steps_max = 1; steps_max < 12; ++steps_max) {
    KneeSearch knee(Rate::of(1000), steps_max);
    const auto server = [](double rate, std::uint32_t) { return rate < 5000 ? holds : undecided; };
    EXPECT_EQ(search(knee, server).size(), steps_max);
  }
}

// Whatever the server says, however it contradicts itself: it ends, and what it reports was measured.
TEST(KneeSearch, EndsWithAnyServer) {
  constexpr std::uint32_t kSteps = 60;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    Prng random(seed);
    KneeSearch knee(Rate::of(1 + random.below(100'000)), kSteps);
    const std::vector<Step> steps =
        search(knee, [&](double, std::uint32_t) { return Outcome(random.below(4)); });
    EXPECT_LE(steps.size(), kSteps);
    const auto seen = [&](std::optional<Rate> rate, Outcome end) {
      return !rate || std::ranges::any_of(steps, [&](const Step& step) {
        return step.rate == rate->per_second() && step.end == end;
      });
    };
    EXPECT_TRUE(seen(knee.holds(), holds) && seen(knee.fails(), fails)) << seed;
    EXPECT_TRUE(seen(knee.unmeasured(), unmeasured)) << seed;
    if (knee.holds() && knee.fails()) {
      EXPECT_LT(*knee.holds(), *knee.fails()) << seed;
    }
  }
}

}  // namespace
}  // namespace httpdyno::loadgen
