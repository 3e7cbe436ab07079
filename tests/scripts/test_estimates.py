"""The statistics, held against scipy's and against chance itself."""

from __future__ import annotations

import itertools
import math
import random

import pytest
import scipy.stats
from httpdyno_report.estimates import (
    CONFIDENCE,
    hodges_lehmann,
    median_coverage,
    median_estimate,
    signed_rank_coverage,
)


def sample(count: int, seed: int) -> list[float]:
    chance = random.Random(seed)
    return [chance.gauss(0.3, 1.0) for _ in range(count)]


@pytest.mark.parametrize("count", [2, 3, 5, 6, 7, 8, 12, 20])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_interval_inverts_scipys_wilcoxon(count: int, seed: int) -> None:
    """Just inside its ends scipy does not reject the shift, just outside it does."""
    values = sample(count, seed)
    estimate = hodges_lehmann(values)
    alpha = 1 - estimate.coverage

    def p_value(shift: float) -> float:
        return float(scipy.stats.wilcoxon([value - shift for value in values], mode="exact").pvalue)

    tiny = 1e-9
    assert p_value(estimate.low + tiny) > alpha + tiny and p_value(estimate.high - tiny) > alpha + tiny
    assert p_value(estimate.low - tiny) <= alpha + tiny and p_value(estimate.high + tiny) <= alpha + tiny


@pytest.mark.parametrize("count", [1, 2, 5, 6, 9, 12])
def test_signed_rank_coverage_counts_every_pattern_of_signs(count: int) -> None:
    """Directly from the definition: of all 2^n sign patterns, in how many is a pairwise mean so far out?"""
    below = 0
    for signs in itertools.product((0, 1), repeat=count):
        below += sum(rank for rank, sign in enumerate(signs, start=1) if sign) < 2
    assert signed_rank_coverage(count, 2) == pytest.approx(max(0.0, 1 - 2 * below / 2**count))


def test_known_coverages() -> None:
    assert median_estimate(sample(5, 1)).coverage == pytest.approx(0.9375)
    assert median_estimate(sample(6, 1)).coverage == pytest.approx(0.96875)
    assert hodges_lehmann(sample(5, 1)).coverage == pytest.approx(0.9375)
    assert hodges_lehmann(sample(6, 1)).coverage == pytest.approx(0.96875)
    assert median_coverage(12, 3) == pytest.approx(1 - 2 * scipy.stats.binom.cdf(2, 12, 0.5))


@pytest.mark.parametrize("count", [6, 8, 12, 20])
def test_intervals_keep_their_confidence_and_are_no_wider_than_needed(count: int) -> None:
    values = sample(count, 4)
    for estimate in (median_estimate(values), hodges_lehmann(values)):
        assert CONFIDENCE <= estimate.coverage < 1.0
    assert median_estimate(sample(20, 1)).low > min(sample(20, 1))


def test_coverage_is_what_it_says() -> None:
    """5,000 runs with a known truth. Four standard errors of slack; the seed is fixed."""
    chance = random.Random(11)
    runs = 5000
    for make, truth in ((median_estimate, 0.0), (hodges_lehmann, 0.0)):
        held = 0
        for _ in range(runs):
            estimate = make([chance.uniform(-1, 1) for _ in range(6)])
            held += estimate.holds(truth)
        expected = 0.96875
        assert held / runs == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / runs))


def test_median_and_hodges_lehmann_by_hand() -> None:
    assert median_estimate([3.0, 1.0, 2.0]).value == 2.0
    assert median_estimate([4.0, 1.0, 2.0, 3.0]).value == 2.5
    assert hodges_lehmann([1.0, 2.0, 6.0]).value == pytest.approx(2.75)  # of 1 1.5 2 3.5 4 6
    # One wild round does not move the estimate.
    assert hodges_lehmann([1.0, 1.1, 0.9, 1.0, 1.05, 50.0]).value < 1.2


def test_one_value_has_no_interval() -> None:
    for estimate in (median_estimate([7.0]), hodges_lehmann([7.0])):
        assert (estimate.value, estimate.low, estimate.high, estimate.coverage, estimate.count) == (7, 7, 7, 0, 1)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_what_is_no_sample_is_refused(values: list[float]) -> None:
    for make in (median_estimate, hodges_lehmann):
        with pytest.raises(ValueError):
            make(values)
