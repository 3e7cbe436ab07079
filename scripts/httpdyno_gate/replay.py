"""Recorded rounds of two sides that are the same, played again with the labels drawn anew: which side was called head is a
coin, so each relabelled order of the rounds is a run that might have been.

This holds the judging to the spread, the tails and the outliers of a real machine, ten thousand times over. It cannot show
what favours one side in reality: the coin takes that away. Real runs show that.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
from httpdyno_bench.errors import UsageError

from .judge import NO_FLOORS, Samples, Zone, bar, decide
from .limits import Cell, Limits
from .looks import Look
from .tally import Tally

TRIALS = 10_000
# What a round has of each cell: the log ratios of its pairs of slices.
Round = Mapping[Cell, Sequence[float]]


def replay(
    recorded: Sequence[Round], planned: Mapping[Cell, Limits], looks: Sequence[Look], seed: int,
    trials: int = TRIALS, floors: Mapping[Cell, float] = NO_FLOORS, at_bar: bool = False,
) -> Tally:
    """How many of so many replays end in a REGRESSION. `at_bar`: with a true loss of just what is not called one, where a
    false alarm is likeliest.

    The metrics of a row came from the same processes, so they turn together; rows do not.
    """
    if len(recorded) < looks[-1].rounds:
        raise UsageError(f"{len(recorded)} recorded rounds cannot be played as {looks[-1].rounds}")
    values = {cell: np.array([statistics.fmean(pairs[cell]) for pairs in recorded]) for cell in planned}
    shifts = {cell: bar(limits, floors.get(cell)) if at_bar else 0.0 for cell, limits in planned.items()}
    rows = dict.fromkeys(cell.row for cell in planned)
    chance = np.random.default_rng(seed)
    alarms = 0
    for _ in range(trials):
        order = chance.permutation(len(recorded))
        coins = {row: chance.choice((-1.0, 1.0), len(recorded)) for row in rows}
        relabelled = {cell: (values[cell] * coins[cell.row])[order] + shifts[cell] for cell in planned}

        def until(rounds: int, relabelled: Mapping[Cell, np.ndarray] = relabelled) -> Samples:
            return {cell: series[:rounds].tolist() for cell, series in relabelled.items()}

        alarms += any(result.zone is Zone.REGRESSION for result in decide(until, planned, looks, floors))
    return Tally(alarms, trials)
