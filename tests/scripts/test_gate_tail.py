"""The gate's tail: shares of requests beyond base's own percentiles, from the slices of one round."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from httpdyno_gate import tail as tails
from httpdyno_gate.statistics import signed_rank_p
from httpdyno_gate.tail import PERCENTILES, percentile_of, requests_needed, tail

RATE = 10_000.0


def slice_of(latencies: Any, **changes: Any) -> dict[str, Any]:
    values, counts = np.unique(np.asarray(latencies, dtype=np.int64), return_counts=True)
    count = int(counts.sum())
    whole = {"requests": count, "cpu_ns": count * 5000,
             "wall_ns": round(count / RATE * 1e9), "errors": 0, "sent": count, "due": count, "censored": 0,
             "response_ns": [[int(value), int(times)] for value, times in zip(values, counts)]}
    return whole | changes


def noise(random: np.random.Generator, count: int) -> Any:
    """Latencies of a server with a long tail, in ns, as coarse as a histogram."""
    return 20_000 + np.exp(np.round(random.normal(10, 1, count), 2))


def loss(base: Any, head: Any, metric: str = "tail-p99") -> float:
    return tail([slice_of(base)], [slice_of(head)], RATE).shares[metric].loss


def test_percentiles_are_of_all_requests_together() -> None:
    """1100 requests in one slice, 1000 slow ones in another: neither slice's own p99, nor the mean of the two."""
    fast, slow = [10] * 1100, list(range(1000, 2000))
    found = tail([slice_of(fast), slice_of(slow)], [slice_of(fast + slow)], RATE).shares["tail-p99"]
    assert found.at_ns == percentile_of({value: (fast + slow).count(value) for value in {*fast, *slow}}, 99) == 1978
    assert (found.base_requests, found.head_requests) == (2100, 2100)
    assert found.base_beyond == found.head_beyond == 21.5
    assert found.loss == 0


def test_the_percentile_is_bases() -> None:
    quick, slow = range(1000), range(500, 1500)
    found = tail([slice_of(quick)], [slice_of(slow)], RATE).shares["tail-p99"]
    assert (found.at_ns, found.base_beyond, found.head_beyond) == (989, 10.5, 510.5)
    assert found.loss == pytest.approx(math.log(511 / 11))
    found = tail([slice_of(slow)], [slice_of(quick)], RATE).shares["tail-p99"]
    assert (found.at_ns, found.base_beyond, found.head_beyond) == (1489, 10.5, 0)
    assert found.loss == pytest.approx(math.log(0.5 / 11))


def test_shares_are_of_each_sides_own_number_of_requests() -> None:
    """Head was asked twice as often: twice as many beyond are the same share."""
    once = list(range(1000, 5000))
    assert loss(once, [*once, *once]) == pytest.approx(0, abs=0.02)
    assert loss([*once, *once], once) == pytest.approx(0, abs=0.02)


def test_a_percentile_is_the_least_value_that_so_many_are_at_or_below() -> None:
    thousand = dict.fromkeys(range(1, 1001), 1)
    assert [percentile_of(thousand, p) for p in (0, 50, 99, 99.9, 100)] == [1, 500, 990, 999, 1000]
    assert percentile_of({7: 1}, 99.9) == 7


@pytest.mark.parametrize("metric", PERCENTILES)
def test_without_a_difference_a_round_is_as_often_above_zero_as_below(metric: str) -> None:
    random = np.random.default_rng(1)
    count = 2 * requests_needed(metric)
    rounds = 1000 if metric == "tail-p99" else 200
    above = sum(loss(noise(random, count), noise(random, count), metric) > 0 for _ in range(rounds))
    assert abs(above / rounds - 0.5) < 4 * 0.5 / math.sqrt(rounds)


def test_rare_stalls_are_a_loss_and_identical_servers_are_none() -> None:
    """Twelve rounds each: 5 ms on one of 500 requests of head, and 20 comparisons of a server with itself."""
    random = np.random.default_rng(2)
    tolerated = math.log(1.3)
    alarms = 0
    for _ in range(20):
        same = [loss(noise(random, 10_000), noise(random, 10_000), "tail-p99.9") for _ in range(12)]
        alarms += signed_rank_p(same, tolerated) <= 0.01
    assert alarms == 0
    stalled = []
    for _ in range(12):
        head = noise(random, 10_000)
        head[random.random(10_000) < 0.002] += 5e6
        stalled.append(loss(noise(random, 10_000), head, "tail-p99.9"))
    assert signed_rank_p(stalled, tolerated) <= 0.001
    assert np.median(stalled) == pytest.approx(math.log(3), abs=0.25)


def test_too_few_requests_have_no_tail() -> None:
    assert requests_needed("tail-p99") == 1000 and requests_needed("tail-p99.9") == 10_000
    found = tail([slice_of(range(9999))], [slice_of(range(9999))], RATE)
    assert set(found.shares) == {"tail-p99"}
    assert "9999 requests of base leave fewer than 10 beyond its p99.9" in found.refused["tail-p99.9"]
    found = tail([slice_of(range(999))], [slice_of(range(999))], RATE)
    assert not found.shares and set(found.refused) == set(PERCENTILES)


@pytest.mark.parametrize(("side", "changes", "said"), [
    ("base", {"errors": 3}, "base had 3 errors"),
    ("head", {"errors": 1}, "head had 1 errors"),
    ("head", {"due": 2001}, "of 2001 requests that were due head was sent 2000 and answered 2000"),
    ("base", {"sent": 1999}, "of 2000 requests that were due base was sent 1999"),
    ("head", {"requests": 1000}, "head was sent 2000 and answered 1000"),
    ("base", {"response_ns": [[5, 1999]]}, "base was sent 2000 and answered 2000, 1999 of them with a latency"),
    ("base", {"wall_ns": 400_000_000}, "base bore 5000 of 10000 requests per second"),
])
def test_a_round_that_says_nothing_has_no_value(side: str, changes: dict[str, Any], said: str) -> None:
    base, head = ([slice_of(range(2000), **(changes if each == side else {}))] for each in ("base", "head"))
    found = tail(base, head, RATE)
    assert not found.shares
    assert set(found.refused) == set(PERCENTILES)
    assert all(said in reason for reason in found.refused.values()), found.refused


def test_a_side_that_was_not_driven_has_no_value() -> None:
    assert tail([], [], RATE).refused["tail-p99"] == "base was asked nothing"
    assert tail([slice_of(range(2000))], [], RATE).refused["tail-p99"] == "head was asked nothing"


def test_a_head_that_does_not_bear_the_rate_has_a_loss() -> None:
    """Its requests are all there, later and later: nothing excuses it."""
    late = [2_000_000 + 50_000 * i for i in range(2000)]
    found = tail([slice_of(range(2000))], [slice_of(late, wall_ns=400_000_000)], RATE)
    assert found.shares["tail-p99"].loss == pytest.approx(math.log(2000.5 / 21), abs=0.05)


def test_a_base_that_is_held_up_for_a_while_has_a_tail() -> None:
    held_up = [slice_of(range(2000)), slice_of(range(2000), wall_ns=900_000_000), slice_of(range(2000))]
    assert tail(held_up, held_up, RATE).shares["tail-p99"].loss == 0
    assert tail(held_up[1:], held_up[1:], 2 * RATE).refused["tail-p99"].startswith("base bore 6111 of 20000 requests per second")


def test_needs_stay_as_they_are_meant() -> None:
    """A percentile with hardly a request beyond it, or a base that is drowned, would pass for a tail."""
    assert tails.BEYOND_MIN >= 10 and tails.ACHIEVED_MIN >= 0.9
