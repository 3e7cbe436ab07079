"""The exact statistics of values that lie symmetrically about one centre: Wilcoxon's signed ranks, and what inverts them.

Everything here is read off the Walsh averages, the means of all pairs of values (each value with itself among them): of n
values there are n(n+1)/2. Tukey's form of Wilcoxon's statistic against a centre c is the number T of averages that are not
above c, and over the 2^n equally likely patterns of signs its distribution is known to the last one. So test, estimate
(Hodges and Lehmann 1963) and interval can never contradict each other: the centre c is rejected exactly when it lies outside
the interval.

An average that equals c counts against the rejection. With ties and zeros the test is then conservative and never the
other way round: break them by however little, and the count can only fall. docs/decisions/0010 has the argument.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.stats

Alternative = Literal["greater", "less"]


class SignedRanks:
    """Of one sample, whose Walsh averages are made once."""

    def __init__(self, values: Sequence[float]) -> None:
        self._count = len(values)
        self._averages = walsh_averages(values)

    def estimate(self) -> float:
        """Hodges and Lehmann's: the median of the averages. Of n values, almost 0.3 n wild ones cannot carry it away."""
        middle = len(self._averages) // 2
        # Of an odd number both are the one in the middle.
        return float(self._averages[middle] / 2 + self._averages[-middle - 1] / 2)

    def p(self, shift: float = 0.0, alternative: Alternative = "greater") -> float:
        """How likely it is, at most, that values whose centre is not above `shift` ("less": not below) lie as far above
        (below) it as these do."""
        if not math.isfinite(shift):
            raise ValueError("the shift is not finite")
        if alternative == "greater":
            against = int(self._averages.searchsorted(shift, side="right"))
        else:
            against = len(self._averages) - int(self._averages.searchsorted(shift, side="left"))
        return signed_rank_cdf(self._count)[against]

    def bounds(self, below: float, above: float) -> tuple[float, float]:
        """The least and the greatest centre that the one-sided tests at the levels `below` and `above` do not reject. -inf or
        inf where so few values can reject nothing: 2^-n is beyond the level."""
        low_rank, high_rank = rejections(self._count, below), rejections(self._count, above)
        low = float(self._averages[low_rank - 1]) if low_rank else -math.inf
        high = float(self._averages[-high_rank]) if high_rank else math.inf
        return low, high


def hodges_lehmann(values: Sequence[float]) -> float:
    return SignedRanks(values).estimate()


def signed_rank_p(values: Sequence[float], shift: float = 0.0, alternative: Alternative = "greater") -> float:
    return SignedRanks(values).p(shift, alternative)


def signed_rank_bounds(values: Sequence[float], below: float, above: float) -> tuple[float, float]:
    return SignedRanks(values).bounds(below, above)


def rejections(count: int, level: float) -> int:
    """For how many values of T, from 0 on, a test of so many values rejects at this level."""
    return bisect.bisect_right(signed_rank_cdf(count), level)


def attained(count: int, level: float) -> float:
    """The error that a test at this level really makes at most: the statistic has steps."""
    number = rejections(count, level)
    return signed_rank_cdf(count)[number - 1] if number else 0.0


def walsh_averages(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """In ascending order."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size:
        raise ValueError("no values to estimate from")
    if not np.isfinite(array).all():
        raise ValueError("a value is not finite")
    rows, columns = _pairs(array.size)
    # Halved first: the sum of two finite values may not be finite.
    halves = array / 2
    return np.sort(halves[rows] + halves[columns])


@functools.lru_cache(maxsize=64)
def signed_rank_cdf(count: int) -> tuple[float, ...]:
    """P(T <= t) for t from 0 on."""
    total, below = 2**count, 0
    cdf = []
    for ways in signed_rank_ways(count):
        below += ways
        cdf.append(below / total)
    return tuple(cdf)


@functools.lru_cache(maxsize=64)
def signed_rank_ways(count: int) -> tuple[int, ...]:
    """For each value of T, in how many of the 2^n patterns of signs it comes out: subsets of 1 … n with that sum."""
    ways = [1]
    for rank in range(1, count + 1):
        longer = ways + [0] * rank
        for total, number in enumerate(ways):
            longer[total + rank] += number
        ways = longer
    return tuple(ways)


def clopper_pearson(seen: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share of which `seen` of `trials` are known (Clopper and Pearson 1934, as quantiles of beta
    distributions)."""
    if not 0 <= seen <= trials or trials < 1:
        raise ValueError(f"{seen} of {trials} is no share")
    tail = (1 - confidence) / 2
    low = float(scipy.stats.beta.ppf(tail, seen, trials - seen + 1)) if seen else 0.0
    high = float(scipy.stats.beta.ppf(1 - tail, seen + 1, trials - seen)) if seen < trials else 1.0
    return low, high


@functools.lru_cache(maxsize=64)
def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    rows, columns = np.triu_indices(count)
    return rows, columns
