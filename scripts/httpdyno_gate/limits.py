"""What is judged (cells: a row's metric), and which loss is tolerated or matters. A loss is a log ratio, head over base, and
positive is worse.

A gate is sabotaged most easily here, by a margin beyond anything or by nothing to judge: both are refused before anything
is measured.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import NamedTuple

from httpdyno_bench.errors import UsageError


class Cell(NamedTuple):
    row: str
    metric: str

    def __str__(self) -> str:
        return f"{self.row} {self.metric}"


@dataclasses.dataclass(frozen=True)
class Metric:
    """One kind of value. `matters_max`: a loss that nobody may declare not to matter, as a share."""

    title: str
    matters_max: float


# A round's value of each is a log ratio of which positive is worse: of throughput it is base over head.
METRICS: Mapping[str, Metric] = {
    "cpu": Metric("CPU time per request", 0.25),
    "throughput": Metric("throughput", 0.25),
    "tail-p99": Metric("share beyond the base's p99", 4.0),
    "tail-p99.9": Metric("share beyond the base's p99.9", 4.0),
}


@dataclasses.dataclass(frozen=True)
class Limits:
    """REGRESSION needs a loss proven to be above `tolerated`, PASS one proven to be below `matters`."""

    tolerated: float
    matters: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerated) and math.isfinite(self.matters)):
            raise UsageError(f"the limits {self.tolerated} and {self.matters} are no numbers")
        if self.tolerated < 0:
            raise UsageError(f"a tolerated loss of {share(self.tolerated):.2%} is a gain: give 0 or more")
        if self.matters <= self.tolerated:
            raise UsageError(f"the loss that matters ({share(self.matters):.2%}) must be above the tolerated one "
                             f"({share(self.tolerated):.2%})")


def limits(metric: str, tolerated: float, matters: float) -> Limits:
    """Of shares, as people write them: 0.01 is 1 % more per request."""
    if not (tolerated > -1 and matters > -1):  # not: <=, which a NaN would pass
        raise UsageError(f"{metric}: a loss of {tolerated} or {matters} is none")
    checked = Limits(math.log1p(tolerated), math.log1p(matters))
    refuse_blindness(metric, checked)
    return checked


def check_plan(planned: Mapping[Cell, Limits]) -> None:
    """Refuses a plan that could be green without having looked."""
    if not planned:
        raise UsageError("nothing is planned to be judged: name at least one row and one metric")
    for cell, limit in planned.items():
        if cell.metric not in METRICS:
            raise UsageError(f"{cell.row}: there is no metric '{cell.metric}' (there are: {', '.join(METRICS)})")
        refuse_blindness(cell.metric, limit)


def refuse_blindness(metric: str, limit: Limits) -> None:
    if metric not in METRICS:
        raise UsageError(f"there is no metric '{metric}' (there are: {', '.join(METRICS)})")
    most = METRICS[metric].matters_max
    if share(limit.matters) > most * (1 + 1e-9):
        raise UsageError(f"{metric}: a gate that first minds {share(limit.matters):.0%} sees nothing: at most {most:.0%}")


def share(loss: float) -> float:
    """A log ratio as a share: 0.01 is 1 % more per request."""
    return math.expm1(loss)
