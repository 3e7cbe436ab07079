"""The gate's error rates over drawn rounds: the whole procedure of looks, cells and zones, where the truth is known.

Each trial is a run of the gate. What a run should not do is counted: call a cell that has not lost more than its bar (a false
alarm), or pass though a cell has lost what matters (a miss).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.stats

from .judge import CellResult, Samples, Zone, decide
from .limits import Cell, Limits, limits
from .looks import Look, plan_looks
from .tally import Tally

Noise = npt.NDArray[np.float64]
# The median of the mean of two values: what Hodges and Lehmann's estimate estimates.
_EXPONENTIAL_CENTER = float(scipy.stats.gamma.median(2)) / 2

# Of one round's value about its truth, in units of a round's usual spread. Rows are cells, columns rounds.
SHAPES: Mapping[str, Callable[[np.random.Generator, tuple[int, int]], Noise]] = {
    "normal": lambda chance, size: chance.normal(0, 1, size),
    "wild rounds": lambda chance, size: chance.normal(0, 1, size) * np.where(chance.random(size) < 0.1, 20, 1),
    # Cut off where no log ratio of two servers lies.
    "heavy tails": lambda chance, size: np.clip(chance.standard_cauchy(size), -1000, 1000),
    "unequal rounds": lambda chance, size: chance.normal(0, 1, size) * np.exp(chance.normal(0, 1, size)),
    "restless machine": lambda chance, size: chance.normal(0, 1, size) * np.linspace(0.2, 3, size[1]),
    "cells alike": lambda chance, size: chance.normal(0, 1, size) * 0.2 + chance.normal(0, 1, (1, size[1])),
    "coarse values": lambda chance, size: _coarse(chance, size),
}
# The sides are not disturbed alike: beyond what the test's exactness needs. Simulated to know by how much it matters.
SKEWED: Mapping[str, Callable[[np.random.Generator, tuple[int, int]], Noise]] = {
    "skewed": lambda chance, size: chance.exponential(1, size) - _EXPONENTIAL_CENTER,
    "skewed the other way": lambda chance, size: _EXPONENTIAL_CENTER - chance.exponential(1, size),
}
SPREAD = 0.003


@dataclasses.dataclass(frozen=True)
class Truth:
    """`losses` of the cells, from their limits. A run errs when it calls one of the first `innocent` cells REGRESSION; where it
    `must_not_pass`, when it passes."""

    name: str
    losses: Callable[[Sequence[Limits]], list[float]]
    innocent: Callable[[int], int] = lambda cells: cells
    must_not_pass: bool = False


TRUTHS = (
    Truth("no loss", lambda all_limits: [0.0] * len(all_limits)),
    Truth("the tolerated loss", lambda all_limits: [each.tolerated for each in all_limits]),
    # The lost cell is called, and leaves more of the error to the others: where Holm's procedure may go wrong. It loses
    # little, or the run would end at once, before the others have had their chance.
    Truth(
        "the tolerated loss beside a lost cell",
        lambda all_limits: [*(each.tolerated for each in all_limits[:-1]), all_limits[-1].tolerated + SPREAD],
        innocent=lambda cells: cells - 1,
    ),
    Truth(
        "the loss that matters in one cell",
        lambda all_limits: [*(0.0 for _ in all_limits[:-1]), all_limits[-1].matters],
        must_not_pass=True,
    ),
)


def plan(cells: int, matters: float = 0.0021) -> dict[Cell, Limits]:
    """By default with limits so close that hardly a cell is decided rightly, which would end a run before it can err."""
    return {Cell(f"row{index}", "cpu"): limits("cpu", 0.002, matters) for index in range(cells)}


def simulate(
    truth: Truth, shape: str, planned: Mapping[Cell, Limits], trials: int, seed: int, looks: Sequence[Look] | None = None,
) -> Tally:
    """How many of so many runs err."""
    cells = len(planned)
    looks = plan_looks(cells) if looks is None else looks
    chance = np.random.default_rng(seed)
    centers = np.array(truth.losses(list(planned.values())))[:, None]
    innocent = truth.innocent(cells)
    errors = 0
    for _ in range(trials):
        rounds = centers + SPREAD * {**SHAPES, **SKEWED}[shape](chance, (cells, looks[-1].rounds))
        results = decide(_until(planned, rounds), planned, looks)
        errors += _errs(truth, results, innocent)
    return Tally(errors, trials)


def _coarse(chance: np.random.Generator, size: tuple[int, int]) -> Noise:
    """Ties and zeros throughout; but a cell whose every round is the same would be refused as not measured."""
    noise = np.round(chance.normal(0, 1, size)) / 2
    noise[:, 0] = chance.choice((-0.25, 0.25), size[0])
    return noise


def _until(planned: Mapping[Cell, Limits], rounds: Noise) -> Callable[[int], Samples]:
    series = dict(zip(planned, rounds.tolist()))
    return lambda count: {cell: values[:count] for cell, values in series.items()}


def _errs(truth: Truth, results: Sequence[CellResult], innocent: int) -> bool:
    zones = [result.zone for result in results]
    if truth.must_not_pass:
        return all(zone is Zone.PASS for zone in zones)
    return Zone.REGRESSION in zones[:innocent]
