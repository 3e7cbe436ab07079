"""At which numbers of rounds the gate looks, and how much error each look may spend.

The error is spent along a straight line over the rounds (Lan and DeMets 1983; Kim and DeMets 1987 with power 1), and bounded
by a sum, not by a joint distribution: that holds however the looks depend on each other. A test by signs has steps, so a
look mostly cannot spend all that it is allowed; what it leaves, the next one has. docs/decisions/0010 says why.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from httpdyno_bench.errors import UsageError

from .statistics import attained

# The first is the fewest whose share of the error buys anything.
ROUNDS = (9, 12, 18, 24)
# Of one run of the gate: the chance of any REGRESSION of cells that have none; the chance of PASS in spite of a loss that
# matters.
FALSE_ALARMS = 0.01
MISSES = 0.01


@dataclasses.dataclass(frozen=True)
class Look:
    """`alarm`: error of all cells together in calling REGRESSION at this look. `miss`: error of a cell in calling it PASS; of
    the family too, since PASS needs every cell."""

    rounds: int
    alarm: float
    miss: float
    last: bool


def plan_looks(
    cells: int, rounds: Sequence[int] = ROUNDS, false_alarms: float = FALSE_ALARMS, misses: float = MISSES
) -> tuple[Look, ...]:
    _check(cells, rounds, false_alarms, misses)
    alarm_spent = miss_spent = 0.0
    looks = []
    for count in rounds:
        due = count / rounds[-1]
        alarm, miss = false_alarms * due - alarm_spent, misses * due - miss_spent
        alarm_spent += holm_error(count, alarm, cells)
        miss_spent += attained(count, miss)
        looks.append(Look(count, alarm, miss, last=count == rounds[-1]))
    return tuple(looks)


def holm_error(rounds: int, level: float, cells: int) -> float:
    """What Holm's procedure at this level errs at most, whichever of the cells have no loss: if m of them have none, the
    first that is called wrongly has p <= level/m. Where no cell can be the first to be called, none is."""
    if not attained(rounds, level / cells):
        return 0.0
    return max(innocent * attained(rounds, level / innocent) for innocent in range(1, cells + 1))


def rounds_needed(cells: int, false_alarms: float = FALSE_ALARMS, misses: float = MISSES) -> int:
    """The fewest rounds that could call anything: as many signs must be more surprising than the error allows."""
    return math.ceil(-math.log2(min(false_alarms / cells, misses)))


def _check(cells: int, rounds: Sequence[int], false_alarms: float, misses: float) -> None:
    if cells < 1:
        raise UsageError("nothing is planned to be judged: name at least one row and one metric")
    # A gate that may err more often than in one of ten runs proves nothing.
    if not (0 < false_alarms <= 0.1 and 0 < misses <= 0.1):
        raise UsageError(f"error rates of {false_alarms} and {misses}: each must be above 0 and at most 0.1")
    if not rounds or rounds[0] < 1 or any(later <= earlier for earlier, later in zip(rounds, rounds[1:])):
        raise UsageError(f"looks at {list(rounds)} rounds: give rising numbers, such as {', '.join(map(str, ROUNDS))}")
    needed = rounds_needed(cells, false_alarms, misses)
    if rounds[-1] < needed:
        raise UsageError(f"{rounds[-1]} rounds of {cells} cells can never call a loss: at least {needed} are needed")
