"""What the self-test tries, and what the gate has to say of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from httpdyno_bench.errors import UsageError

INLINE, POOL = "inline-system", "pool-system"
KEEP_ALIVE, PIPELINED, POOLED, TAIL = "keep-alive", "pipelined", "pool", "tail"


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One question to the gate. `seers`: the metrics, or names of counts, of which one at least has to be called REGRESSION;
    none: REGRESSION is wrong. `counts`: the exact counts are asked instead of the rounds. `place`: how the two commands differ besides
    (commands.py); `beside`: what goes on meanwhile (disturbances.py)."""

    role: str
    name: str
    argument: str = ""
    row: str = KEEP_ALIVE
    variant: str = INLINE
    seers: Sequence[str] = ()
    counts: bool = False
    place: str = "same"
    beside: str = ""
    # A single round instead of a gate: for machines that are unfit to judge, on which a cheat is one all the same.
    one_round: bool = False
    # It may be missed: a limit of the gate that the table shows. What may not is a fault of the gate.
    may_be_missed: bool = False

    @property
    def plant(self) -> str:
        """As --plant takes it; empty for a control."""
        named = self.role in ("plant", "cheat") or self.name == "swapped"
        if not named:
            return ""
        name = "spin" if self.name == "swapped" else self.name
        return f"{name}:{self.argument}" if self.argument else name

    @property
    def title(self) -> str:
        name = f"{self.name}:{self.argument}" if self.argument else self.name
        return f"{self.role} {name} ({'counts' if self.counts else self.row})"


def _spin(share: str, may_be_missed: bool = False) -> Attempt:
    return Attempt("plant", "spin", share, seers=("cpu",), may_be_missed=may_be_missed)


def _count(name: str, seer: str, argument: str = "") -> Attempt:
    return Attempt("plant", name, argument, row="counts", seers=(seer,), counts=True)


COUNTS = (
    _count("spin", "instructions", "6"),
    _count("malloc", "allocations"),
    _count("syscall", "calls.getppid"),
    _count("split-send", "calls.sendto"),
    _count("stall", "calls.clock_nanosleep", "2%,1ms"),
    _count("leak", "allocations"),
)
PLANTS = (
    _spin("1%"),
    _spin("0.5%", may_be_missed=True),
    _spin("2%"),
    _spin("5%"),
    Attempt("plant", "syscall", seers=("cpu",), may_be_missed=True),
    Attempt("plant", "split-send", seers=("cpu", "throughput")),
    Attempt("plant", "pollute", seers=("cpu", "throughput")),
    Attempt("plant", "convoy", row=POOLED, variant=POOL, seers=("cpu", "throughput")),
    Attempt("plant", "stall", "0.2%,5ms", row=TAIL, seers=("tail-p99", "tail-p99.9")),
)
CHEATS = (
    Attempt("cheat", "truncate"),
    Attempt("cheat", "status500"),
    Attempt("cheat", "close-early"),
)
CONTROLS = (
    Attempt("control", "same-binary"),
    Attempt("control", "relinked", place="relinked"),
    Attempt("control", "other-place", place="other"),
    Attempt("control", "swapped", "1%", place="swapped"),
    Attempt("control", "neighbour", beside="neighbour"),
    Attempt("control", "drift", beside="drift"),
)
SABOTAGES = (
    Attempt("sabotage", "no-metrics"),
    Attempt("sabotage", "margin-500"),
)
ALL = (*COUNTS, *CHEATS, *SABOTAGES, *PLANTS, *CONTROLS)
# For CI: seconds, and one of each kind that needs no statistics.
SHORT = (*COUNTS[:3], *(dataclasses.replace(cheat, one_round=True) for cheat in CHEATS), *SABOTAGES)


def chosen(names: str | None, plan: Sequence[Attempt] = ALL) -> list[Attempt]:
    """By a list, with spaces between, of NAME, NAME:ARGUMENT, ROLE or ROW."""
    if names is None:
        return list(plan)
    found: list[Attempt] = []
    for name in names.split():
        matching = [attempt for attempt in plan if name in (attempt.name, f"{attempt.name}:{attempt.argument}", attempt.role, attempt.row)]
        if not matching:
            known = ", ".join(dict.fromkeys(attempt.name for attempt in plan))
            raise UsageError(f"there is no trial '{name}' (there are: {known})")
        found += [attempt for attempt in matching if attempt not in found]
    if not found:
        raise UsageError("no trial is named")
    return found
