"""The controls that were kept, replayed: what the gate would have said of their rounds, had the coin called the other side head."""

from __future__ import annotations

import time
from collections.abc import Sequence

from . import looks
from .calibration import Trial
from .limits import Cell
from .replay import Round, replay
from .rows import load_rows
from .selftest_gate import TABLE

# Controls whose sides differ in nothing but layout; the others are disturbed on purpose.
_ALIKE = ("same-binary", "relinked")
_SEED = 1


def replayed(trials: Sequence[Trial], count: int, date: str, revision: str) -> list[Trial]:
    """A line for each control and row of which as many rounds were kept as a gate may take."""
    found = []
    for name in _ALIKE:
        for row in load_rows(TABLE):
            recorded = _rounds([trial for trial in trials if (trial.plant, trial.row, trial.kind) == (name, row.name, "real")], row.cells)
            if len(recorded) < looks.ROUNDS[-1]:
                continue
            begin = time.monotonic()
            tally = replay(recorded, row.cells, looks.plan_looks(len(row.cells)), _SEED, count)
            found.append(Trial(
                date=date, revision=revision, kind="replay", role="control", plant=name, argument="", row=row.name,
                outcome="REGRESSION" if tally.seen else "PASS", seen_by=[], rounds=looks.ROUNDS[-1],
                seconds=round(time.monotonic() - begin, 1), trials=count, seen=tally.seen,
            ))
    return found


def _rounds(trials: Sequence[Trial], cells: Sequence[Cell]) -> list[Round]:
    return [
        {cell: [trial.values[str(cell)][number]] for cell in cells}
        for trial in trials if all(str(cell) in trial.values for cell in cells)
        for number in range(trial.rounds)
    ]
