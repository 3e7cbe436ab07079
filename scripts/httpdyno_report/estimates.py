"""Estimates over rounds, with intervals whose coverage is known exactly. The replicate is the round: its processes were
started anew, so its values are independent; requests and slices within a round are not.

No library has Hodges and Lehmann's estimate with an exact interval: httpdyno_gate.statistics has what it takes; the tests hold
it against scipy's signed-rank test.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

from httpdyno_gate.statistics import signed_rank_cdf, walsh_averages

CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A value over rounds. Of one round there is no interval: low = high = value and coverage 0."""

    value: float
    low: float
    high: float
    coverage: float
    count: int

    def map(self, function: Callable[[float], float]) -> Estimate:
        """The estimate of a rising function of the quantity."""
        return dataclasses.replace(self, value=function(self.value), low=function(self.low), high=function(self.high))

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def median_estimate(values: Sequence[float]) -> Estimate:
    """The median, with order statistics as its interval: as narrow as 95 % allow; with fewer than six rounds, which do
    not allow it, from the least to the greatest value.

    P(the r-th least value > median) = P(Binomial(n, 1/2) < r).
    """
    ordered = _checked(values)
    rank = median_rank(len(ordered))
    return Estimate(
        _median(ordered), ordered[rank - 1], ordered[-rank], median_coverage(len(ordered), rank), len(ordered)
    )


def median_if_known(values: Sequence[float | None]) -> Estimate | None:
    """None where a round has no value: the others would tell of themselves only."""
    known = [value for value in values if value is not None]
    return median_estimate(known) if len(known) == len(values) else None


def median_rank(count: int) -> int:
    """Which value from either end of so many the interval of their median has as its end."""
    return _widest_or_confident(count, count // 2, median_coverage)


def median_coverage(count: int, rank: int) -> float:
    below = sum(math.comb(count, k) for k in range(rank))
    return max(0.0, 1.0 - 2.0 * below / 2**count)


def hodges_lehmann(values: Sequence[float]) -> Estimate:
    """The median of all pairwise means, with the interval that inverts Wilcoxon's signed-rank test: it holds each shift
    which that test does not reject. Exact for values that lie symmetrically, as differences drawn by a coin do."""
    count = len(_checked(values))
    walsh = walsh_averages(values).tolist()
    rank = _widest_or_confident(count, len(walsh) // 2, signed_rank_coverage)
    return Estimate(_median(walsh), walsh[rank - 1], walsh[-rank], signed_rank_coverage(count, rank), count)


def signed_rank_coverage(count: int, rank: int) -> float:
    """Coverage of the interval from the rank-th least to the rank-th greatest pairwise mean of so many values."""
    return max(0.0, 1.0 - 2.0 * signed_rank_cdf(count)[rank - 1])


def _widest_or_confident(count: int, rank_max: int, coverage: Callable[[int, int], float]) -> int:
    rank = 1
    while rank < rank_max and coverage(count, rank + 1) >= CONFIDENCE:
        rank += 1
    return rank


def _checked(values: Sequence[float]) -> list[float]:
    if not values:
        raise ValueError("no values to estimate from")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a value is not finite")
    return sorted(values)


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
