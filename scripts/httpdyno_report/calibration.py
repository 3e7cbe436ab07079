"""The part on how often the gate is wrong: every figure from the trials in results/gate/calibration.ndjson."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from pathlib import Path

from httpdyno_gate import calibration
from httpdyno_gate.calibration import Group, Trial
from httpdyno_gate.tally import Tally

from . import wording

FILE = "gate/calibration.ndjson"
# Of so many trials all must be seen before a loss counts as one that is always seen.
ALWAYS_TRIALS = 12
_RELINKED = "relinked"
_COUNTS = "counts"
_SKEWED = ", skewed"


@dataclasses.dataclass(frozen=True)
class Floor:
    """What two links of one source differ by, in a cell: the largest loss that relinked twins showed, of so many trials, and the
    largest floor that the gate itself took."""

    row: str
    cell: str
    largest: float
    trials: int
    taken: float | None


@dataclasses.dataclass(frozen=True)
class Simulated:
    """All lines of one truth: how often the gate erred, by saying `outcome`, and in which of them most often."""

    truth: str
    outcome: str
    all: Tally
    where: str
    worst: Tally


@dataclasses.dataclass(frozen=True)
class Calibration:
    trials: Sequence[Trial]
    groups: Sequence[Group]

    def of(self, *roles: str) -> list[Group]:
        """Of rounds that were measured."""
        return [group for group in self.groups if group.role in roles and group.kind != "simulation"]

    @property
    def simulated(self) -> list[Simulated]:
        """Skewed rounds apart: of those the gate promises nothing."""
        found: dict[str, list[Trial]] = {}
        for trial in self.trials:
            if trial.kind == "simulation":
                found.setdefault(trial.plant + (" (skewed rounds)" if _SKEWED in trial.row else ""), []).append(trial)
        return [_simulated(truth, lines) for truth, lines in found.items()]

    @property
    def begun(self) -> str:
        return min(trial.date for trial in self.trials)

    @property
    def ended(self) -> str:
        return max(trial.date for trial in self.trials)

    @property
    def revisions(self) -> int:
        return len({trial.revision for trial in self.trials})

    @property
    def floors(self) -> list[Floor]:
        twins = [trial for trial in self.trials if trial.plant == _RELINKED and trial.kind == "real"]
        keys = sorted({(trial.row, cell) for trial in twins for cell in trial.losses})
        found = []
        for row, cell in keys:
            losses = [abs(trial.losses[cell]) for trial in twins if trial.row == row and cell in trial.losses]
            taken = [trial.floors[cell] for trial in twins if trial.row == row and cell in trial.floors]
            found.append(Floor(row, cell, max(losses), len(losses), max(taken, default=None)))
        return found

    @property
    def always_seen(self) -> list[Group]:
        return calibration.smallest_always_seen(self.groups, ALWAYS_TRIALS)


def _simulated(truth: str, lines: Sequence[Trial]) -> Simulated:
    worst = max(lines, key=lambda trial: calibration.total([trial]).interval[1])
    return Simulated(truth, lines[0].outcome, calibration.total(lines), worst.row, calibration.total([worst]))


def load(results: Path) -> Calibration | None:
    """None where no trial was made yet."""
    trials = calibration.read(results / FILE)
    return Calibration(trials, calibration.groups(trials)) if trials else None


def summary(part: Calibration) -> list[str]:
    """What a reader takes home: what is seen, and how often the gate cried wolf."""
    sentences = []
    for group in part.always_seen:
        sentences.append(f"**+{group.argument.rstrip('%')} % of CPU time per request** on {group.row} was called REGRESSION in "
                         f"{count(group.tally)} real runs, the longest of {group.seconds_longest:.0f} s: the smallest loss that was "
                         "always seen.")
    if counted := [trial for group in part.of("plant") if group.row == _COUNTS for trial in group.judged]:
        sentences.append(f"**Plants that exact counts must see** were called REGRESSION in {count(calibration.total(counted))}.")
    if unfit := sum(group.unfit for group in part.groups):
        timed = sum(group.kind == "real" and group.row != _COUNTS for group in part.groups for _ in group.trials)
        sentences.append(f"**The machine was UNFIT** in {unfit} of {timed} real gates: those judged nothing.")
    for kind in ("real", "replay"):
        if found := [trial for group in part.of("control") if group.kind == kind for trial in group.judged]:
            total = calibration.total(found)
            sentences.append(f"**False alarms**, {kind}: {count(total)} (at 95 %: {interval(total)}).")
    if cheats := [trial for group in part.of("cheat") for trial in group.judged]:
        total = calibration.total(cheats)
        sentences.append(f"**Cheats** (short bodies, status 500, cut connections) were INVALID in {count(total)}.")
    return sentences


def count(tally: Tally | None) -> str:
    return "–" if tally is None else f"{tally.seen:,} of {tally.trials:,}"


def interval(tally: Tally | None) -> str:
    if tally is None:
        return "–"
    low, high = tally.interval
    return f"{_bound(low)} – {_bound(high)} %"


def losses(group: Group) -> str:
    """The median over its trials, by the cells that saw it; of controls by all."""
    cells = group.seen_by if group.role == "plant" and group.seen_by else sorted({c for t in group.trials for c in t.losses})
    parts = [f"{cell} {100 * statistics.median(values):+.2f} %" for cell in cells if (values := group.losses(cell))]
    return "<br>".join(parts) or "–"


def seen_by(group: Group) -> str:
    return "<br>".join(group.seen_by) or "–"


def others(group: Group) -> str:
    return wording.joined([f"{number:,} {name}" for name, number in group.outcomes.items()])


def rounds(group: Group) -> str:
    return f"{group.rounds:g}" if group.rounds else "–"


def floor(value: float | None) -> str:
    return "–" if value is None else wording.percent(value)


def _bound(share: float) -> str:
    return "0" if share == 0 else "100" if share == 1 else wording.significant(100 * share, 2 if share < 0.1 else 3)
