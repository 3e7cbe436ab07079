"""The zones, the family's error and what must never be judged."""

from __future__ import annotations

import math
import random

import pytest
from httpdyno_bench.errors import UsageError
from httpdyno_gate.errors import InvalidRun
from httpdyno_gate.judge import Samples, Zone, decide, done, holm_levels, judge
from httpdyno_gate.limits import METRICS, Cell, Limits, check_plan, limits
from httpdyno_gate.looks import ROUNDS, Look, holm_error, plan_looks, rounds_needed
from httpdyno_gate.outcome import CountResult, Outcome, conclude
from httpdyno_gate.statistics import attained

CPU, RATE, TAIL = Cell("inline", "cpu"), Cell("inline", "throughput"), Cell("tail", "tail-p99")
LIMITS = limits("cpu", 0.002, 0.005)
PLANNED = {CPU: LIMITS, RATE: LIMITS, TAIL: limits("tail-p99", 0.3, 1.0)}
LOOK = Look(rounds=12, alarm=0.01, miss=0.01, last=False)


def values(center: float, spread: float = 0.001, count: int = 12, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [center + chance.gauss(0, spread) for _ in range(count)]


def samples(**changes: list[float]) -> dict[Cell, list[float]]:
    by_name = {"cpu": CPU, "rate": RATE, "tail": TAIL}
    given = {CPU: values(0.0), RATE: values(0.0, seed=2), TAIL: values(0.0, 0.1, seed=3)}
    return {**given, **{by_name[name]: changed for name, changed in changes.items()}}


def zones(given: Samples, look: Look = LOOK, **options: object) -> list[Zone]:
    return [result.zone for result in judge(given, PLANNED, look, **options)]  # type: ignore[arg-type]


def test_the_three_zones() -> None:
    assert zones(samples()) == [Zone.PASS] * 3
    assert zones(samples(cpu=values(0.01))) == [Zone.REGRESSION, Zone.PASS, Zone.PASS]
    assert zones(samples(cpu=values(0.0, spread=0.05))) == [Zone.INCONCLUSIVE, Zone.PASS, Zone.PASS]
    # Above what is tolerated and below what matters, both for sure: it is a loss, and one that was to be called.
    assert zones(samples(cpu=values(0.0035, spread=0.0001)))[0] is Zone.REGRESSION


def test_swapped_sides_flip_the_sign() -> None:
    lost, won = judge(samples(cpu=values(0.01)), PLANNED, LOOK)[0], judge(
        samples(cpu=[-value for value in values(0.01)]), PLANNED, LOOK)[0]
    assert (lost.zone, won.zone) == (Zone.REGRESSION, Zone.PASS)
    assert won.loss == pytest.approx(-lost.loss) and lost.ratio == pytest.approx(1.01, abs=0.002)


def test_no_loss_below_the_layout_floor_is_called() -> None:
    given = samples(cpu=values(0.01))
    assert zones(given, floors={CPU: 0.02})[0] is Zone.INCONCLUSIVE
    assert zones(given, floors={CPU: 0.001})[0] is Zone.REGRESSION
    result = judge(given, PLANNED, LOOK, {CPU: 0.02})[0]
    assert result.smallest_visible == pytest.approx(0.02 + result.high - result.low)


def test_too_few_rounds_bound_nothing_and_call_nothing() -> None:
    look = Look(rounds=6, alarm=0.01, miss=0.01, last=True)
    given = {cell: values(1.0, count=6) for cell in PLANNED}
    for result in judge(given, PLANNED, look):
        assert (result.zone, result.low, result.high, result.smallest_visible) == (
            Zone.INCONCLUSIVE, -math.inf, math.inf, math.inf)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, 1e300, -21.0, None, "0.1", True])
def test_a_value_that_is_no_number_is_invalid(wrong: float) -> None:
    for place in (0, 5, 11):
        broken = values(0.0)
        broken[place] = wrong
        with pytest.raises(InvalidRun, match=f"inline cpu: round {place + 1} "):
            judge(samples(cpu=broken), PLANNED, LOOK)


def test_a_missing_cell_a_missing_round_and_a_cell_too_many_are_invalid() -> None:
    given = samples()
    del given[TAIL]
    with pytest.raises(InvalidRun, match="tail tail-p99 has 0 of 12 rounds"):
        judge(given, PLANNED, LOOK)
    with pytest.raises(InvalidRun, match="11 of 12"):
        judge(samples(rate=values(0.0, count=11)), PLANNED, LOOK)
    with pytest.raises(InvalidRun, match="13 of 12"):
        judge(samples(rate=values(0.0, count=13)), PLANNED, LOOK)
    with pytest.raises(InvalidRun, match="not planned"):
        judge({**samples(), Cell("other", "cpu"): values(0.0)}, PLANNED, LOOK)


def test_a_measure_that_never_moves_is_invalid() -> None:
    """Whoever compares a file with itself finds no loss, ever."""
    with pytest.raises(InvalidRun, match="nothing was measured"):
        judge(samples(tail=[0.0] * 12), PLANNED, LOOK)


@pytest.mark.parametrize("floor", [math.nan, math.inf, -0.001])
def test_a_floor_that_is_none_is_invalid(floor: float) -> None:
    with pytest.raises(InvalidRun):
        judge(samples(), PLANNED, LOOK, {CPU: floor})
    with pytest.raises(InvalidRun):
        judge(samples(), PLANNED, LOOK, {Cell("other", "cpu"): 0.001})


def test_a_sabotaged_plan_is_refused() -> None:
    for planned in ({}, {Cell("inline", "luck"): LIMITS}, {CPU: Limits(0.0, 0.5)}):
        with pytest.raises(UsageError):
            check_plan(planned)
        with pytest.raises(UsageError):
            judge({cell: values(0.0) for cell in planned}, planned, LOOK)
    with pytest.raises(UsageError):
        plan_looks(0)


@pytest.mark.parametrize("tolerated, matters", [
    (5.0, 6.0), (0.0, 5.0), (0.0, 0.26), (0.005, 0.005), (0.01, 0.005), (-0.01, 0.01), (math.nan, 0.01), (0.0, math.nan),
    (0.0, math.inf), (-1.0, 0.01), (0.0, 0.0)])
def test_absurd_margins_are_refused(tolerated: float, matters: float) -> None:
    with pytest.raises(UsageError):
        limits("cpu", tolerated, matters)


def test_every_metric_takes_sensible_margins() -> None:
    for name in METRICS:
        assert limits(name, 0.002, 0.01) == Limits(math.log1p(0.002), math.log1p(0.01))
    assert limits("tail-p99.9", 0.3, 1.0).matters == pytest.approx(math.log(2))


def test_holm_by_hand() -> None:
    """Of four at 4 %: the least against 1 %, then 1.33 %, then 2 %, which is missed; then the same for all."""
    cells = [Cell(f"row{i}", "cpu") for i in range(4)]
    levels = holm_levels(dict(zip(cells, (0.03, 0.013, 0.005, 0.021))), 0.04)
    assert [levels[cell] for cell in cells] == pytest.approx([0.02, 0.04 / 3, 0.01, 0.02])
    # Nothing after the first miss is called, however small its own level would let it.
    assert holm_levels(dict(zip(cells[:2], (0.021, 0.022))), 0.04) == pytest.approx(dict(zip(cells[:2], (0.02, 0.02))))


def test_a_cell_is_called_exactly_where_holm_rejects() -> None:
    """The interval, its level and the p-value are one test: in 2,000 cells around their bars none of them disagrees."""
    chance = random.Random(4)
    called = 0
    for _ in range(500):
        cells = [Cell(f"row{index}", "cpu") for index in range(4)]
        given = {cell: values(0.002 + chance.gauss(0.002, 0.002), 0.002, 12, chance.getrandbits(30)) for cell in cells}
        results = judge(given, dict.fromkeys(cells, LIMITS), Look(12, 0.05, 0.01, False))
        p_values = {result.cell: result.p for result in results}
        levels = holm_levels(p_values, 0.05)
        for result in results:
            rejected = p_values[result.cell] <= levels[result.cell]
            assert (result.zone is Zone.REGRESSION) == rejected == (result.low > result.bar)
            called += rejected
    assert 500 < called < 1500


def test_holms_error_is_that_of_the_worst_number_of_innocent_cells() -> None:
    """Of twelve rounds at 0.5 %: one cell errs in 19 of 4,096, two at half the level in 10 each, three at a third in 5 each."""
    assert holm_error(12, 0.005, 1) == 19 / 4096
    assert holm_error(12, 0.005, 2) == holm_error(12, 0.005, 3) == 2 * 10 / 4096
    # Eleven cells could err if one of them were called first; at an eleventh of the level nothing is.
    assert holm_error(9, 0.005, 11) == 0.0


def test_the_looks_spend_no_more_than_there_is() -> None:
    for cells in (1, 2, 3, 6, 8, 12, 40):
        looks = plan_looks(cells)
        assert [look.rounds for look in looks] == list(ROUNDS)
        assert sum(holm_error(look.rounds, look.alarm, cells) for look in looks) <= 0.01 + 1e-15
        # What a look cannot spend it leaves to the next.
        assert looks[-1].alarm > 0.01 / 4 and [look.last for look in looks] == [False, False, False, True]
        # The first look is of use, and a round fewer would not be.
        assert attained(looks[0].rounds, looks[0].miss) > 0 == attained(8, 0.01 * 8 / 24)
    assert rounds_needed(1) == 7 and rounds_needed(8) == 10


@pytest.mark.parametrize("cells, rounds", [(1, []), (1, [8, 8]), (1, [12, 8]), (1, [0, 8]), (1, [6]), (8, [9]), (0, [12])])
def test_looks_that_are_none_or_can_call_nothing_are_refused(cells: int, rounds: list[int]) -> None:
    with pytest.raises(UsageError):
        plan_looks(cells, rounds)


@pytest.mark.parametrize("rate", [0.0, -0.01, 0.2, math.nan, 1.0])
def test_absurd_error_rates_are_refused(rate: float) -> None:
    with pytest.raises(UsageError):
        plan_looks(3, false_alarms=rate)
    with pytest.raises(UsageError):
        plan_looks(3, misses=rate)


def test_decide_stops_at_the_first_look_that_tells() -> None:
    asked = []

    def until(rounds: int, center: float, spread: float) -> dict[Cell, list[float]]:
        asked.append(rounds)
        return {cell: values(center, spread, rounds) for cell in PLANNED}

    looks = plan_looks(len(PLANNED))
    assert done(decide(lambda rounds: until(rounds, 0.0, 0.001), PLANNED, looks)) and asked == [9]
    asked.clear()
    # Three cells share the error: of nine rounds no sign is surprising enough.
    assert done(decide(lambda rounds: until(rounds, 1.5, 0.001), PLANNED, looks)) and asked == [9, 12]
    asked.clear()
    assert not done(decide(lambda rounds: until(rounds, 0.0, 2.0), PLANNED, looks)) and asked == [9, 12, 18, 24]


def test_one_loss_ends_it_and_a_pass_needs_every_cell() -> None:
    results = judge(samples(cpu=values(0.01), rate=values(0.0, 0.05)), PLANNED, LOOK)
    assert [result.zone for result in results] == [Zone.REGRESSION, Zone.INCONCLUSIVE, Zone.PASS] and done(results)
    assert not done(results[1:]) and done(results[2:])


CELLS = judge(samples(), PLANNED, LOOK)
LOST = judge(samples(cpu=values(0.01)), PLANNED, LOOK)
OPEN = judge(samples(cpu=values(0.0, 0.05)), PLANNED, LOOK)
COUNT = CountResult("inline", "allocations", Zone.PASS, 1, 1)
MORE = CountResult("inline", "allocations", Zone.REGRESSION, 1, 2)
SHAKY = CountResult("inline", "instructions", Zone.INCONCLUSIVE, 1000, 1004)
SHOWN = CountResult("pool", "instructions", None, 1000, 1100)


@pytest.mark.parametrize("outcome, results, counts, options", [
    (Outcome.PASS, CELLS, [COUNT], {}),
    (Outcome.PASS, CELLS, [], {}),
    (Outcome.PASS, [], [COUNT], {"timed": False}),
    (Outcome.REGRESSION, LOST, [COUNT], {}),
    (Outcome.REGRESSION, CELLS, [MORE], {}),
    (Outcome.REGRESSION, [], [MORE], {"timed": False}),
    (Outcome.REGRESSION, [], [MORE], {"unfit": ["busy"]}),
    (Outcome.INCONCLUSIVE, OPEN, [COUNT], {}),
    (Outcome.UNFIT, LOST, [COUNT], {"unfit": ["busy"]}),
    (Outcome.UNFIT, OPEN, [COUNT], {"unfit": ["busy"]}),
    (Outcome.UNFIT, CELLS, [COUNT], {"unfit": ["busy"]}),
    (Outcome.INCONCLUSIVE, CELLS, [COUNT, SHAKY], {}),
    (Outcome.INCONCLUSIVE, [], [COUNT, SHAKY], {"timed": False}),
    (Outcome.REGRESSION, LOST, [SHAKY], {}),
    (Outcome.UNFIT, [], [COUNT, SHAKY], {"unfit": ["busy"]}),
    (Outcome.PASS, CELLS, [SHOWN], {}),
    (Outcome.PASS, [], [COUNT, SHOWN], {"timed": False}),
    (Outcome.INVALID, [], [SHOWN], {"timed": False}),
    (Outcome.UNFIT, [], [COUNT], {"unfit": ["busy"]}),
    (Outcome.INVALID, CELLS, [COUNT], {"invalid": ["a server died"]}),
    (Outcome.INVALID, LOST, [MORE], {"invalid": ["a server died"], "unfit": ["busy"]}),
    (Outcome.INVALID, [], [], {}),
    (Outcome.INVALID, [], [COUNT], {}),
    (Outcome.INVALID, [], [], {"timed": False}),
    (Outcome.INVALID, CELLS, [CountResult("inline", "allocations", Zone.PASS, 1, math.nan)], {}),
    (Outcome.INVALID, CELLS, [CountResult("inline", "allocations", Zone.PASS, math.inf, 1)], {}),
    (Outcome.ERROR, CELLS, [COUNT], {"error": "disk full"}),
])
def test_what_a_run_comes_to(outcome: Outcome, results: list, counts: list, options: dict) -> None:
    verdict = conclude(results, counts, {}, **options)
    assert verdict.outcome is outcome and verdict.reasons


def test_a_run_says_all_that_lost() -> None:
    verdict = conclude(LOST, [MORE], {})
    assert verdict.reasons == ("exact counts are not as they should be: inline allocations", "REGRESSION: inline cpu")
    # On an unfit machine nothing timed is said to have.
    assert conclude(LOST, [MORE], {}, unfit=["busy"]).reasons == (
        "exact counts are not as they should be: inline allocations", "busy")


def test_exit_codes_are_those_of_the_documentation() -> None:
    assert [(outcome.name, outcome.exit_code) for outcome in Outcome] == [
        ("PASS", 0), ("REGRESSION", 1), ("ERROR", 2), ("INCONCLUSIVE", 3), ("UNFIT", 4), ("INVALID", 5)]
