// Percentiles of a run, each with the interval in which the true one lies with 95 % confidence, and none where
// the run was too short for it.
//
// Of n independent values, the number at or below the true quantile of share p is binomial. So the true
// quantile lies between two order statistics of the sample, whatever the distribution (Conover, Practical
// Nonparametric Statistics, 3.2; Le Boudec, Performance Evaluation, 2.2.2). The ranks, from
//
//     n p +- t sqrt(n p (1 - p)) + (1 - 2 p) (t^2 - 1) / 6 + 1/2
//
// with t = 1.96: the third term is Cornish and Fisher's for the binomial's skewness, without which the interval
// of a high percentile lies too low; a rank that is not whole is interpolated (Hutson 1999, fractional order
// statistics), because whole ranks, rounded outwards, cover 98 % where ten values lie beyond.
//
// Latencies depend on each other: a slow moment makes many slow requests, and n of them tell less than n
// independent ones. How much less is seen in the batches (batch means, Schmeiser 1982): the variance of the
// share of each that lies at or below the value, over what the binomial would give, is the factor D >= 1; n / D
// takes the place of n, and t is Student's of the batches but one. Neighbouring batches are paired as long as
// they depend on each other visibly (lag-1 correlation above its standard error; the idea is LBATCH's, Fishman
// and Yarberry 1997) and eight remain. A surplus of D within its own standard error is what independent values
// give, too, and not taken for correlation. For `high`, D is also read at `low`, where more values lie beyond,
// and the greater one counts: a run that happens to have few slow moments has a low percentile and a low D.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "loadgen/figures/batches.h"
#include "loadgen/figures/latency.h"

namespace httpdyno::loadgen {

// How many independent values a sample is worth, and with how many degrees of freedom that was estimated:
// infinitely many where the values are taken as independent.
struct Effective {
  double samples = 0;
  double freedom = 0;
};

struct Quantile {
  double percent = 0;
  // False: too few samples for any number ("n/a"). Were they independent, the upper rank would have to exist at
  // t = 1.96: p50 needs 4, p99 381, p99.9 3,838, p99.99 38,413.
  bool enough = false;
  std::int64_t value = 0;
  bool at_least = false;  // it lies among the censored: the true one may be greater
  // Conservative against the buckets: `low` is the lowest value of its bucket, `high` the highest. Absent where
  // the sample gives no bound: there are no two batches, it is worth too few independent values, or, for `high`, it would lie among the censored, or
  // the effective values beyond are so few that their correlation is not known either.
  std::optional<std::int64_t> low;
  std::optional<std::int64_t> high;
};

// As far as the share is concerned that lies in the batches' cells up to `last`.
Effective effective_samples(const Batches& batches, std::size_t last);

// `batches` hold the same values as `latency`, in their order of time.
Quantile quantile(const Latency& latency, const Batches& batches, double percent);
// Of a sample whose worth is known.
Quantile quantile(const Latency& latency, const Effective& effective, double percent);

}  // namespace httpdyno::loadgen
