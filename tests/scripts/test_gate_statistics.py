"""The exact statistics, held against scipy's, against every pattern of signs, and against chance."""

from __future__ import annotations

import itertools
import math
import random
import statistics as plain
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.stats
from httpdyno_gate.statistics import (
    attained,
    clopper_pearson,
    hodges_lehmann,
    rejections,
    signed_rank_bounds,
    signed_rank_cdf,
    signed_rank_p,
    signed_rank_ways,
)

LEVELS = (0.0, 1e-6, 0.00041, 0.00125, 0.0039, 0.01, 0.025, 0.05, 0.3)


def draws(number: int, count_max: int, seed: int) -> Iterator[list[float]]:
    """Of all shapes that rounds have been seen in, and worse."""
    chance = random.Random(seed)
    shapes = (
        lambda: chance.gauss(0.3, 1.0),
        lambda: math.tan(math.pi * (chance.random() - 0.5)),
        lambda: chance.expovariate(1.0) - 0.5,
        lambda: chance.gauss(0, 30.0 if chance.random() < 0.1 else 0.1),
    )
    for index in range(number):
        shape = shapes[index % len(shapes)]
        yield [shape() for _ in range(chance.randint(1, count_max))]


def coarse(number: int, count_max: int, seed: int) -> Iterator[list[float]]:
    """Ties and zeros throughout, in numbers whose sums are exact."""
    chance = random.Random(seed)
    for _ in range(number):
        step = chance.choice((0.5, 1.0, 2.0))
        yield [step * chance.randint(-3, 4) for _ in range(chance.randint(1, count_max))]


def patterns(values: list[float]) -> np.ndarray:
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(values))))
    return signs * np.abs(values)


def averages_not_above_zero(rows: np.ndarray) -> np.ndarray:
    """The statistic from its definition, for each row."""
    rows = np.atleast_2d(rows)
    i, j = np.triu_indices(rows.shape[1])
    return ((rows[:, i] + rows[:, j]) / 2 <= 0).sum(axis=1)


def test_p_is_scipys_in_two_thousand_cases() -> None:
    for values in draws(1000, 25, seed=1):
        for alternative in ("greater", "less"):
            expected = scipy.stats.wilcoxon(values, alternative=alternative, mode="exact").pvalue
            assert signed_rank_p(values, 0.0, alternative) == pytest.approx(expected, rel=1e-12, abs=1e-300)  # type: ignore[arg-type]


def test_p_of_a_shift_is_that_of_shifted_values() -> None:
    for values in draws(500, 25, seed=2):
        shift = values[0] / 3 + 0.01
        expected = scipy.stats.wilcoxon([value - shift for value in values], alternative="greater", mode="exact").pvalue
        assert signed_rank_p(values, shift) == pytest.approx(expected, rel=1e-12)


def test_p_is_that_of_every_pattern_of_signs() -> None:
    for values in draws(300, 9, seed=3):
        every = averages_not_above_zero(patterns(values))
        expected = float((every <= averages_not_above_zero(np.array(values))[0]).mean())
        assert signed_rank_p(values) == pytest.approx(expected, rel=1e-12)


def test_ties_and_zeros_make_p_greater_and_never_less() -> None:
    """Given the values' sizes, every pattern of signs is as likely: that is the exact p. Ours is no less, so it errs to the
    safe side alone."""
    above = 0
    for values in coarse(1000, 9, seed=4):
        every = averages_not_above_zero(patterns(values))
        exact = float((every <= averages_not_above_zero(np.array(values))[0]).mean())
        ours = signed_rank_p(values)
        assert ours >= exact - 1e-12
        above += ours > exact + 1e-12
    assert above > 100, "the cases tie"


def test_p_is_scipys_permutation_test() -> None:
    def against(values: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.apply_along_axis(lambda row: averages_not_above_zero(row)[0], axis, values).astype(float)

    for values in itertools.chain(draws(12, 7, seed=5), coarse(12, 7, seed=5)):
        if len(values) < 2:
            continue
        expected = scipy.stats.permutation_test(
            (values,), against, permutation_type="samples", vectorized=True, alternative="less", n_resamples=np.inf).pvalue
        if len({abs(value) for value in values} - {0.0}) == len(values):
            assert signed_rank_p(values) == pytest.approx(expected, rel=1e-12)
        else:
            assert signed_rank_p(values) >= expected - 1e-12


def test_bounds_invert_the_test() -> None:
    """Just beyond a bound the test rejects, on it and just within it does not; in 1,000 samples at nine levels."""
    for values in itertools.chain(draws(600, 25, seed=6), coarse(400, 25, seed=6)):
        tiny = 1e-9 * (1 + max(map(abs, values)))
        for level in LEVELS:
            low, high = signed_rank_bounds(values, level, level)
            for bound, alternative, outwards in ((low, "greater", -1), (high, "less", 1)):
                if math.isinf(bound):
                    assert bound * outwards > 0 and 2.0 ** -len(values) > level
                    continue
                assert signed_rank_p(values, bound + outwards * tiny, alternative) <= level  # type: ignore[arg-type]
                assert signed_rank_p(values, bound, alternative) > level  # type: ignore[arg-type]


def test_bounds_are_scipys_by_inversion() -> None:
    """Where scipy's own exact test at the same level turns."""
    for values in draws(200, 16, seed=7):
        low, high = signed_rank_bounds(values, 0.01, 0.05)
        tiny = 1e-9 * (1 + max(map(abs, values)))
        for bound, level, alternative, outwards in ((low, 0.01, "greater", -1), (high, 0.05, "less", 1)):
            if math.isinf(bound):
                continue
            def p(shift: float, alternative: str = alternative) -> float:
                return float(scipy.stats.wilcoxon([v - shift for v in values], alternative=alternative, mode="exact").pvalue)
            assert p(bound + outwards * tiny) <= level < p(bound - outwards * tiny)


def test_the_estimate_is_the_median_of_all_pairwise_means() -> None:
    for values in itertools.chain(draws(300, 25, seed=8), coarse(100, 25, seed=8)):
        pairs = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(values, 2)]
        assert hodges_lehmann(values) == pytest.approx(plain.median(pairs), rel=1e-12, abs=1e-300)


def test_everything_moves_with_the_values_and_turns_with_their_sign() -> None:
    for values in draws(200, 20, seed=9):
        low, high = signed_rank_bounds(values, 0.01, 0.05)
        moved = [value + 8.0 for value in values]
        assert signed_rank_bounds(moved, 0.01, 0.05) == pytest.approx((low + 8.0, high + 8.0), rel=1e-9)
        turned = [-value for value in values]
        assert signed_rank_bounds(turned, 0.05, 0.01) == (-high, -low)
        assert hodges_lehmann(turned) == pytest.approx(-hodges_lehmann(values))
        assert signed_rank_p(turned, 0.0, "less") == signed_rank_p(values, 0.0, "greater")


def test_the_distribution_is_known_to_the_last_pattern() -> None:
    for count in range(1, 13):
        every = averages_not_above_zero(patterns([1.0 + index + index**2 / 100 for index in range(count)]))
        assert np.bincount(every).tolist() == list(signed_rank_ways(count))
    assert signed_rank_cdf(24)[-1] == 1.0 and sum(signed_rank_ways(200)) == 2**200


def test_levels_between_the_steps_are_not_attained() -> None:
    """Of twelve, 1 of 4,096 patterns has T = 0, one T = 1, one T = 2."""
    assert [rejections(12, level / 4096) for level in (0.9, 1, 1.9, 2, 3, 4.9, 5)] == [0, 1, 1, 2, 3, 3, 4]
    assert attained(12, 4.9 / 4096) == 3 / 4096 and attained(6, 0.01) == 0.0


@pytest.mark.parametrize("wrong", [[], [1.0, math.nan], [math.inf], [[1.0, 2.0]]])
def test_what_is_no_sample_is_refused(wrong: list[float]) -> None:
    for compute in (hodges_lehmann, signed_rank_p, lambda values: signed_rank_bounds(values, 0.05, 0.05)):
        with pytest.raises(ValueError):
            compute(wrong)
    with pytest.raises(ValueError):
        signed_rank_p([1.0, 2.0], math.nan)


def test_one_wild_round_does_not_carry_the_estimate_away() -> None:
    for wild in (50.0, 1e12, -1e12):
        assert abs(hodges_lehmann([1.0, 1.1, 0.9, 1.0, 1.05, 0.95, wild]) - 1.0) < 0.1


@pytest.mark.parametrize("shape", ["normal", "cauchy", "contaminated", "unequal", "coarse"])
def test_intervals_cover_what_they_say(shape: str) -> None:
    """4,000 samples of twelve with a known centre: each bound is passed by the truth as often as its level says (at most, where
    values tie), by the exact interval of that count at a confidence of 99.99 %."""
    generator = np.random.default_rng(12)
    rows = {
        "normal": lambda: generator.normal(0, 1, (4000, 12)),
        "cauchy": lambda: generator.standard_cauchy((4000, 12)),
        "contaminated": lambda: generator.normal(0, 1, (4000, 12)) * np.where(generator.random((4000, 12)) < 0.1, 50, 1),
        "unequal": lambda: generator.normal(0, 1, (4000, 12)) * np.arange(1, 13),
        "coarse": lambda: generator.integers(-2, 3, (4000, 12)).astype(float),
    }[shape]()
    below, above = 0.02, 0.05
    bounds = np.array([signed_rank_bounds(row, below, above) for row in rows])
    for passed, level in ((int((bounds[:, 0] > 0).sum()), below), (int((bounds[:, 1] < 0).sum()), above)):
        low, high = clopper_pearson(passed, len(rows), 0.9999)
        assert low <= attained(12, level)
        if shape != "coarse":
            assert high >= attained(12, level)


def test_clopper_pearson_by_its_definition() -> None:
    for seen, trials in ((0, 20), (1, 20), (6, 12), (12, 12), (100, 10_000)):
        low, high = clopper_pearson(seen, trials)
        if 0 < seen:  # of 0 scipy's is right with a warning
            known = scipy.stats.binomtest(seen, trials).proportion_ci(method="exact")
            assert (low, high) == pytest.approx((known.low, known.high))
        assert scipy.stats.binom.sf(seen - 1, trials, low) == pytest.approx(0.025) if seen else low == 0.0
        assert scipy.stats.binom.cdf(seen, trials, high) == pytest.approx(0.025) if seen < trials else high == 1.0
    assert clopper_pearson(0, 20)[1] == pytest.approx(1 - 0.025 ** (1 / 20))
    for seen, trials in ((-1, 20), (21, 20), (0, 0)):
        with pytest.raises(ValueError):
            clopper_pearson(seen, trials)
