"""Crossings of made-up curves whose truth is known."""

from __future__ import annotations

import math
import random

import pytest
from httpdyno_report import crossings

MICROS = (0, 10, 20, 50, 100, 200, 500, 1000, 5000)


def log_ratios(inline_us: float, pool_us: float, workers: int) -> list[float]:
    """Inline one handler runs after the other; a pool pays more for each request and waits for several at a time."""
    return [
        math.log((inline_us + time) / max(pool_us, (pool_us + time) / workers)) for time in map(float, MICROS)
    ]


@pytest.mark.parametrize("truth", [3.0, 15.0, 70.0, 700.0, 2500.0])
def test_a_straight_line_is_met_exactly(truth: float) -> None:
    ratios = [(time - truth) / 1000 for time in MICROS]
    assert crossings.crossing_of_round(MICROS, ratios) == pytest.approx(truth)


def test_a_pool_that_overtakes_between_two_times() -> None:
    """Its costs are 5 µs and 12 µs: from a handler of 7 µs on two workers are worth it."""
    found = crossings.crossing_of_round(MICROS, log_ratios(5, 12, 2))
    assert 0 < found < 10 and found == pytest.approx(7, abs=1.5)


def test_no_crossing_is_none_and_not_the_last_time() -> None:
    assert crossings.crossing_of_round(MICROS, [-0.5] * len(MICROS)) == math.inf
    assert crossings.crossing_of_round(MICROS, [0.5] * len(MICROS)) == 0.0


def test_noise_that_turns_early_does_not_count_as_a_crossing() -> None:
    ratios = [(time - 70) / 100 for time in MICROS]
    ratios[0] = 0.02
    assert crossings.crossing_of_round(MICROS, ratios) == pytest.approx(70, abs=1)
    late = [-0.5, -0.4, -0.4, -0.3, -0.2, -0.1, -0.05, -0.02, 0.001]
    assert crossings.crossing_of_round(MICROS, late) > 4000


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(3)
    hits = 0
    for _ in range(400):
        rounds = [[(time - 60) / 200 + chance.gauss(0, 0.05) for time in MICROS] for _ in range(6)]
        found = crossings.crossing(MICROS, rounds)
        hits += found.low <= 60 <= found.high
    assert found.coverage == pytest.approx(0.96875)
    assert hits / 400 > 0.93


def made(*truths: float) -> crossings.Crossing:
    """Of rounds whose ratios turn there; far beyond the last time they never do."""
    return crossings.crossing(MICROS, [[(time - truth) / 200 for time in MICROS] for truth in truths])


def test_some_rounds_without_a_crossing() -> None:
    most = made(50, 60, 55, 52, 58, 1e6)
    assert most.value == pytest.approx(56.5) and most.high == math.inf and most.crossed_rounds == 5
    # Six rounds do not allow for one that says no.
    assert not most.crosses and made(*[50] * 11, 1e6).crosses
    least = made(50, 1e6, 1e6, 1e6, 1e6, 1e6)
    assert not least.crosses and least.low == pytest.approx(50)
    assert made(12).coverage == 0.0


def test_two_that_draw_level_do_not_cross() -> None:
    """As handlers of milliseconds make them: what is left of a hand-over is less than the noise."""
    chance = random.Random(5)
    for _ in range(100):
        rounds = [[-0.5 / (1 + time) + chance.gauss(0, 0.01) for time in MICROS] for _ in range(6)]
        assert not crossings.crossing(MICROS, rounds).crosses
