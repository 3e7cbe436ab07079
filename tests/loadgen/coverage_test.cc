// How often the interval of a percentile holds the true one: in 93 to 97 % of 1,000 runs, be the values
// independent or not. Of series that depend on the past, the interval that takes them as independent holds it
// much more rarely: so this test sees whether the widening works.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "loadgen/figures/batches.h"
#include "loadgen/figures/quantile.h"
#include "net/base/prng.h"
#include "tests/loadgen/synthetic.h"

namespace httpdyno::loadgen {
namespace {

using Source = std::function<double(Prng&)>;

// A run of `values` in 40 ticks.
struct Series {
  std::string name;
  int values = 0;
  std::function<Source(Prng&)> begin;          // a run's source of values
  std::function<double(double)> distribution;  // of each value
  std::array<double, 3> percents{};
  bool independent = true;
};

void PrintTo(const Series& series, std::ostream* out) { *out << series.name; }

double exponential_share(double value) { return -std::expm1(-value); }

// An exponential server time that is multiplied by what drifts, log-normally.
double drifting_share(double value, double spread) {
  double share = 0;
  double weights = 0;
  for (int i = -120; i <= 120; ++i) {
    const double z = i / 20.0;
    const double weight = std::exp(-z * z / 2);
    share += weight * exponential_share(value / std::exp(spread * z));
    weights += weight;
  }
  return share / weights;
}

constexpr double kUnit = 20'000;  // ns
constexpr int kRuns = 1000;
constexpr int kTicks = 40;
constexpr int kHeld = 8;  // values from one of a drift's to the next: these cost most of the time

Series independent(std::string name, double (*draw)(Prng&), double (*distribution)(double)) {
  return {name, 12'000, [draw](Prng&) { return Source(draw); }, distribution, {50, 99, 99.9}, true};
}

Series drifting(std::string name, int values, double memory, double spread, std::array<double, 3> percents) {
  return {name,
          values,
          [=](Prng& random) -> Source {
            return [=, drift = synthetic::Drift(memory / kHeld, random), factor = 1.0,
                    held = 0](Prng& from) mutable {
              if (held-- == 0) {
                factor = std::exp(spread * drift.next(from));
                held = kHeld - 1;
              }
              return factor * synthetic::exponential(from);
            };
          },
          [spread](double value) { return drifting_share(value, spread); },
          percents,
          false};
}

Series phases(std::string name, int values, double fast, double slow, double factor,
              std::array<double, 3> percents) {
  return {name,
          values,
          [=](Prng& random) -> Source {
            return [=, phase = synthetic::Phases(fast, slow, random)](Prng& from) mutable {
              return synthetic::exponential(from) * (phase.slow(from) ? factor : 1);
            };
          },
          [=](double value) {
            return (fast * exponential_share(value) + slow * exponential_share(value / factor)) /
                   (fast + slow);
          },
          percents,
          false};
}

class Coverage : public testing::TestWithParam<Series> {};

struct Hits {
  int covered = 0;
  int naively = 0;
  int closed = 0;
};

TEST_P(Coverage, IsWhatIsPromised) {
  const Series& series = GetParam();
  std::array<Hits, 3> hits;
  std::array<double, 3> truth{};
  for (std::size_t i = 0; i < 3; ++i) {
    truth[i] = kUnit * synthetic::inverse(series.distribution, series.percents[i] / 100);
  }
  Latency latency;
  Histogram tick;
  for (int run = 0; run < kRuns; ++run) {
    Prng random(static_cast<std::uint64_t>(run));
    const Source next = series.begin(random);
    Batches batches;
    latency.clear();
    for (int i = 0; i < series.values; ++i) {
      const auto value = static_cast<std::int64_t>(kUnit * next(random));
      latency.record(value);
      tick.record(value);
      if ((i + 1) % (series.values / kTicks) == 0) {
        batches.add(tick);
        tick.clear();
      }
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const auto holds = [&](const Quantile& found) {
        return static_cast<double>(*found.low) <= truth[i] &&
               (!found.high || truth[i] <= static_cast<double>(*found.high));
      };
      const Quantile found = quantile(latency, batches, series.percents[i]);
      if (found.low && holds(found)) ++hits[i].covered;
      if (found.high) ++hits[i].closed;
      const Effective all = {static_cast<double>(series.values), std::numeric_limits<double>::infinity()};
      if (holds(quantile(latency, all, series.percents[i]))) ++hits[i].naively;
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const Hits& hit = hits[i];
    SCOPED_TRACE(testing::Message() << "p" << series.percents[i] << ": " << hit.covered << " covered, "
                                    << hit.naively << " naively, " << hit.closed << " closed");
    EXPECT_GE(hit.covered, kRuns * 93 / 100);
    EXPECT_LE(hit.covered, kRuns * 97 / 100);
    EXPECT_GE(hit.closed, kRuns * 85 / 100);
    if (series.independent) {
      EXPECT_GE(hit.naively, kRuns * 93 / 100);
    } else {
      EXPECT_LT(hit.naively, kRuns * 90 / 100);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Series, Coverage,
    testing::Values(
        independent(
            "Exponential", [](Prng& random) { return synthetic::exponential(random); }, exponential_share),
        independent(
            "Pareto", [](Prng& random) { return std::pow(1 - random.unit(), -1 / 1.2); },
            [](double value) { return value < 1 ? 0 : 1 - std::pow(value, -1.2); }),
        independent(
            "Bimodal",
            [](Prng& random) { return synthetic::exponential(random) + (random.below(10) == 0 ? 20 : 0); },
            [](double value) {
              return 0.9 * exponential_share(value) + 0.1 * exponential_share(std::max(0.0, value - 20));
            }),
        drifting("DriftingSlowly", 12'000, 50, 0.5, {50, 90, 95}),
        drifting("DriftingFast", 36'000, 15, 0.7, {50, 99, 99.9}),
        phases("Phases", 24'000, 270, 30, 5, {50, 90, 99})),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace httpdyno::loadgen
