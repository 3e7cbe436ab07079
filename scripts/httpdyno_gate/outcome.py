"""What a run of the gate comes to: one outcome with its exit code, and everything that it rests on.

Nothing but PASS is green, and PASS needs evidence: timed cells that all passed, and no exact count that changed.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .judge import CellResult, Zone


class Outcome(enum.Enum):
    """By exit code."""

    PASS = 0
    REGRESSION = 1
    ERROR = 2
    INCONCLUSIVE = 3
    UNFIT = 4
    INVALID = 5

    @property
    def exit_code(self) -> int:
        return int(self.value)


@dataclasses.dataclass(frozen=True)
class CountResult:
    """One exact count per request, judged without error rates: it has no noise. `zone` is None where it is shown and not
    judged, INCONCLUSIVE where it should have been. `base` is the base's count, or the committed budget; `note` says what to do
    or where it comes from."""

    row: str
    name: str
    zone: Zone | None
    base: float | None
    head: float
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`reasons`: for people, one line each, the first is the one that decided. `provenance`: which base, head, machine, seed
    and how long."""

    outcome: Outcome
    results: Sequence[CellResult]
    counts: Sequence[CountResult]
    reasons: Sequence[str]
    provenance: Mapping[str, Any]


def conclude(
    results: Sequence[CellResult], counts: Sequence[CountResult], provenance: Mapping[str, Any],
    unfit: Sequence[str] = (), invalid: Sequence[str] = (), error: str | None = None, timed: bool = True,
) -> Verdict:
    """An error says nothing of the change, an invalid run must not. Exact counts need no quiet machine, so a loss of theirs
    stands where nothing timed does. `timed`: whether cells were to be judged, or exact counts alone."""
    unknown = [f"{count.row}: {count.name} is {count.head} per request" for count in counts if not _known(count)]
    outcome, reasons = _weigh(results, counts, unfit, [*invalid, *unknown], error, timed)
    return Verdict(outcome, tuple(results), tuple(counts), tuple(reasons), dict(provenance))


def _of(named: Sequence[tuple[str, Zone | None]], wanted: Zone) -> str:
    return ", ".join(name for name, zone in named if zone is wanted)


def _known(count: CountResult) -> bool:
    return math.isfinite(count.head) and math.isfinite(count.base or 0)


def _weigh(
    results: Sequence[CellResult], counts: Sequence[CountResult], unfit: Sequence[str], invalid: Sequence[str],
    error: str | None, timed: bool,
) -> tuple[Outcome, list[str]]:
    if error is not None:
        return Outcome.ERROR, [error]
    if invalid:
        return Outcome.INVALID, list(invalid)
    counted = [(f"{count.row} {count.name}", count.zone) for count in counts]
    timed_cells = [(str(result.cell), result.zone) for result in results]
    if lost := _of(counted, Zone.REGRESSION):
        slower = _of(timed_cells, Zone.REGRESSION)
        also = unfit or ([f"REGRESSION: {slower}"] if slower else [])
        return Outcome.REGRESSION, [f"exact counts are not as they should be: {lost}", *also]
    if unfit:
        return Outcome.UNFIT, list(unfit)
    for outcome, zone in ((Outcome.REGRESSION, Zone.REGRESSION), (Outcome.INCONCLUSIVE, Zone.INCONCLUSIVE)):
        if named := _of([*timed_cells, *counted], zone):
            return outcome, [f"{zone.value}: {named}"]
    if not (timed_cells if timed else _of(counted, Zone.PASS)):
        return Outcome.INVALID, [f"no {'cell was judged' if timed else 'count was compared'}: nothing can pass"]
    return Outcome.PASS, [f"{len(results)} timed cells and {len(counts)} exact counts passed"]
