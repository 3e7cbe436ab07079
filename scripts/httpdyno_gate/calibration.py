"""How often the gate was right: results/gate/calibration.ndjson, one line a trial, added to and never changed, and the rates that
come of it. More trials make the intervals narrower, so later runs add to those before them."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench.errors import UsageError

from .tally import Tally

# What was tried: a fault that must be seen, a difference that is none, a loss that must not pass, an answer that is none, a gate
# that is none.
ROLES = ("plant", "control", "loss", "cheat", "sabotage")
# Where the rounds came from: measured for the trial; measured, and their labels drawn anew; made up.
KINDS = ("real", "replay", "simulation")
OUTCOMES = ("PASS", "REGRESSION", "ERROR", "INCONCLUSIVE", "UNFIT", "INVALID")


@dataclasses.dataclass(frozen=True)
class Trial:
    """One run of the gate on a plant, or on a control by its name, or so many alike that nothing but their outcomes are told apart (`trials` of replays).

    `seen`: how many of them had the outcome that is counted for the role: REGRESSION of plants and controls, PASS of losses, INVALID
    of cheats, a refusal of sabotages. `seen_by`: the cells or counts that were a REGRESSION. `losses`: by cell, as shares; `values`: by
    cell, each round's log ratio, for replays.
    """

    date: str
    revision: str
    kind: str
    role: str
    plant: str
    argument: str
    row: str
    outcome: str
    seen_by: Sequence[str]
    rounds: int
    seconds: float
    trials: int = 1
    seen: int = 0
    losses: Mapping[str, float] = dataclasses.field(default_factory=dict)
    floors: Mapping[str, float] = dataclasses.field(default_factory=dict)
    values: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for given, known in ((self.kind, KINDS), (self.role, ROLES), (self.outcome, OUTCOMES)):
            if given not in known:
                raise ValueError(f"'{given}' is none of {', '.join(known)}")
        if self.trials < 1 or not 0 <= self.seen <= self.trials:
            raise ValueError(f"{self.seen} seen of {self.trials} trials")
        if not (math.isfinite(self.seconds) and self.seconds >= 0 and self.rounds >= 0):
            raise ValueError(f"{self.rounds} rounds in {self.seconds} s")

    def line(self) -> str:
        """Without what it has not."""
        members = {key: value for key, value in dataclasses.asdict(self).items() if value != {} or key in ("row", "argument")}
        return json.dumps(members, ensure_ascii=False) + "\n"


@dataclasses.dataclass(frozen=True)
class Group:
    """All trials of one thing in one way."""

    role: str
    plant: str
    argument: str
    row: str
    kind: str
    trials: Sequence[Trial]

    @property
    def title(self) -> str:
        return f"{self.plant}:{self.argument}" if self.argument else self.plant

    @property
    def judged(self) -> list[Trial]:
        """A machine that is UNFIT says nothing of the gate's eyes."""
        return [trial for trial in self.trials if trial.outcome != "UNFIT"]

    @property
    def unfit(self) -> int:
        return len(self.trials) - len(self.judged)

    @property
    def tally(self) -> Tally | None:
        """None where no trial was judged."""
        return total(self.judged) if self.judged else None

    @property
    def seen_by(self) -> list[str]:
        return sorted({cell for trial in self.trials for cell in trial.seen_by})

    @property
    def rounds(self) -> float:
        return statistics.median(trial.rounds for trial in self.trials)

    @property
    def seconds_longest(self) -> float:
        return max(trial.seconds for trial in self.trials)

    @property
    def outcomes(self) -> dict[str, int]:
        """How many of each, the frequent ones first. Of replays it is only known which were a REGRESSION."""
        counts: dict[str, int] = {}
        for trial in self.trials:
            told = {trial.outcome: 1} if trial.trials == 1 else {"REGRESSION": trial.seen, "others": trial.trials - trial.seen}
            for outcome, count in told.items():
                counts[outcome] = counts.get(outcome, 0) + count
        return {outcome: count for outcome, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count}

    def losses(self, cell: str) -> list[float]:
        return [trial.losses[cell] for trial in self.trials if cell in trial.losses]


def total(trials: Iterable[Trial]) -> Tally:
    counted = [(trial.seen, trial.trials) for trial in trials]
    return Tally(sum(seen for seen, _ in counted), sum(count for _, count in counted))


def groups(trials: Iterable[Trial]) -> list[Group]:
    """By role in its order, then by plant, argument, row and kind."""
    found: dict[tuple[str, ...], list[Trial]] = {}
    for trial in trials:
        found.setdefault((trial.role, trial.plant, trial.argument, trial.row, trial.kind), []).append(trial)
    order = sorted(found, key=lambda key: (ROLES.index(key[0]), *key[1:4], KINDS.index(key[4])))
    return [Group(*key, found[key]) for key in order]


def read(path: Path) -> list[Trial]:
    """All lines, in their order. A file that is not there has none; a line that is none is an error, not left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path.name}: {error}") from error
    trials = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            trials.append(Trial(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise UsageError(f"{path.name}, line {number}, is no trial: {error}") from error
    if text and not text.endswith("\n"):
        raise UsageError(f"{path.name} ends within line {len(trials)}: remove that line")
    return trials


def smallest_always_seen(found: Sequence[Group], least: int) -> list[Group]:
    """Of each row, the weakest spin by share that was seen in every one of at least so many real trials."""
    best: dict[str, Group] = {}
    for group in found:
        if (group.plant, group.kind) != ("spin", "real") or not group.argument.endswith("%"):
            continue
        if group.tally is not None and group.tally.seen == group.tally.trials >= least and (
            group.row not in best or _percent(group) < _percent(best[group.row])
        ):
            best[group.row] = group
    return [best[row] for row in sorted(best)]


def _percent(group: Group) -> float:
    return float(group.argument.rstrip("%"))
