"""The three zones of each cell from the values of its rounds, and when to stop. Pure: what it is given is all it knows.

A cell whose whole interval lies above its bar (the tolerated loss, or the layout floor where that is higher) is a REGRESSION;
one whose interval lies below the loss that matters is a PASS; of any other cell it cannot be told, and more rounds may tell.
Nothing that is missing, not a number or of another number of rounds than planned is judged: that is an invalid run.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from .errors import InvalidRun
from .limits import Cell, Limits, check_plan
from .looks import Look
from .statistics import SignedRanks

# One value a round: the log ratio of head over base, positive is worse.
Samples = Mapping[Cell, Sequence[float]]
# No two servers differ by more: beyond it something was divided by nothing.
LOSS_MAX = math.log(1e9)
NO_FLOORS: Mapping[Cell, float] = MappingProxyType({})


class Zone(enum.Enum):
    PASS = "PASS"
    REGRESSION = "REGRESSION"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclasses.dataclass(frozen=True)
class CellResult:
    """All losses are log ratios. `layout_floor` is None where none was measured.

    `low` and `high` are the bounds that decided: `low` at the level that Holm's procedure held this cell to at this look,
    `high` at the look's error of missing; infinite where so few rounds bound nothing.

    `smallest_visible`: whatever the true loss is, the chance that it is at least this much and that the cell is not called
    REGRESSION is at most the look's error of missing: if it is not called, its low is below the bar, so its high is below
    the bar and the interval's length, and above its high a true loss is that rarely.
    """

    cell: Cell
    zone: Zone
    loss: float
    low: float
    high: float
    rounds: int
    smallest_visible: float
    limits: Limits
    layout_floor: float | None
    # Of values whose true loss is at the bar.
    p: float

    @property
    def bar(self) -> float:
        return bar(self.limits, self.layout_floor)

    @property
    def ratio(self) -> float:
        return math.exp(self.loss)


def judge(
    samples: Samples, planned: Mapping[Cell, Limits], look: Look, floors: Mapping[Cell, float] = NO_FLOORS
) -> list[CellResult]:
    """Of every planned cell, in the order of the plan. `samples` are all rounds since the beginning."""
    check_plan(planned)
    _check_samples(samples, planned, look)
    _check_floors(floors, planned)
    ranks = {cell: SignedRanks(samples[cell]) for cell in planned}
    p_values = {cell: ranks[cell].p(bar(limits, floors.get(cell))) for cell, limits in planned.items()}
    levels = holm_levels(p_values, look.alarm)
    return [
        _result(cell, limits, ranks[cell], levels[cell], look, floors.get(cell), p_values[cell])
        for cell, limits in planned.items()
    ]


def done(results: Sequence[CellResult]) -> bool:
    """One loss is enough to stop; for a PASS every cell must have told."""
    zones = {result.zone for result in results}
    return Zone.REGRESSION in zones or Zone.INCONCLUSIVE not in zones


def decide(
    samples_until: Callable[[int], Samples], planned: Mapping[Cell, Limits], looks: Sequence[Look],
    floors: Mapping[Cell, float] = NO_FLOORS,
) -> list[CellResult]:
    """The whole sequential procedure. `samples_until(n)`: the first n rounds, measured if they have not been yet."""
    results: list[CellResult] = []
    for look in looks:
        results = judge(samples_until(look.rounds), planned, look, floors)
        if done(results):
            break
    return results


def holm_levels(p_values: Mapping[Cell, float], alarm: float) -> dict[Cell, float]:
    """Holm 1979: the level at which each cell is tested. From the least p on, alarm over the number of cells not called yet;
    after the first that is not called, the same for all."""
    levels: dict[Cell, float] = {}
    called = 0
    for cell in sorted(p_values, key=lambda cell: p_values[cell]):
        levels[cell] = alarm / (len(p_values) - called)
        # None is called behind one that is not: its p is no less, and its level is the same.
        called += p_values[cell] <= levels[cell]
    return levels


def bar(limits: Limits, layout_floor: float | None) -> float:
    """What a loss must be above to be called one."""
    return max(limits.tolerated, layout_floor or 0.0)


def _result(
    cell: Cell, limits: Limits, ranks: SignedRanks, level: float, look: Look, floor: float | None, p: float
) -> CellResult:
    low, high = ranks.bounds(level, look.miss)
    at_least = bar(limits, floor)
    if low > at_least:
        zone = Zone.REGRESSION
    elif high < limits.matters:
        zone = Zone.PASS
    else:
        zone = Zone.INCONCLUSIVE
    return CellResult(cell, zone, ranks.estimate(), low, high, look.rounds, at_least + (high - low), limits, floor, p)


def _check_samples(samples: Samples, planned: Mapping[Cell, Limits], look: Look) -> None:
    for cell in samples:
        if cell not in planned:
            raise InvalidRun(f"{cell} was measured and is not planned: the run is not the plan's")
    for cell in planned:
        values = samples.get(cell, ())
        if len(values) != look.rounds:
            raise InvalidRun(f"{cell} has {len(values)} of {look.rounds} rounds: no verdict from what is left")
        for number, value in enumerate(values, start=1):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LOSS_MAX:
                raise InvalidRun(f"{cell}: round {number} has the value {value}, which is no log ratio of two servers")
        if len(values) > 1 and len(set(values)) == 1:
            raise InvalidRun(f"{cell} has the value {values[0]} in each of {look.rounds} rounds: nothing was measured")


def _check_floors(floors: Mapping[Cell, float], planned: Mapping[Cell, Limits]) -> None:
    for cell, floor in floors.items():
        if cell not in planned:
            raise InvalidRun(f"there is a layout floor of {cell}, which is not planned")
        if not math.isfinite(floor) or floor < 0:
            raise InvalidRun(f"{cell}: a layout floor of {floor} is none")
