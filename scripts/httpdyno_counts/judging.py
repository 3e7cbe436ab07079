"""Whether counts are what they should be: those of a base in the same run, or those of the budget."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping

from .counting import AGREEMENT, Counts, Instructions

# A count of instructions may be larger than the base's by this share: five times what repeats may differ by, and half of the
# half percent that is always to be seen.
LIMIT = 0.0025
# Of a pool: even where repeats agree by chance, who was woken when moves its count by up to two percent.
_SCHEDULED_LIMIT = 0.025
_FUNCTIONS_SHOWN = 8
# Memory and calls are counted to the twentieth of a batch, of up to sixteen requests, and written to so many digits.
_EXACT = 1e-6


class State(enum.Enum):
    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    # Fewer than the budget allows: it is to be lowered, or it would let the loss of what was won pass.
    STALE = "stale"
    # Not judged: the scheduler has a part in it.
    DEMOTED = "demoted"
    # Not judged, though it should be.
    UNSTEADY = "unsteady"


@dataclasses.dataclass(frozen=True)
class FunctionChange:
    """What one function, without those it calls, adds to the instructions of a request."""

    name: str
    base: float
    head: float

    @property
    def more(self) -> float:
        return self.head - self.base


@dataclasses.dataclass(frozen=True)
class CountResult:
    """One count for a request: "instructions", or one of Counts.exact."""

    row: str
    workload: str
    count: str
    against: str  # "base" or "budget"
    reference: float
    value: float
    state: State
    note: str = ""
    limit: float = 0.0  # share that may be more
    functions: tuple[FunctionChange, ...] = ()

    @property
    def ratio(self) -> float:
        if self.reference == 0:
            return 1.0 if self.value == 0 else math.inf
        return self.value / self.reference

    @property
    def red(self) -> bool:
        return self.state in (State.WORSE, State.STALE)


def budget_of(counts: Counts) -> dict[str, float]:
    """What a request may take, no more and no less."""
    return {name: count for name, count in counts.exact.items() if name not in counts.scheduled}


def compare(base: Counts, head: Counts, limit: float = LIMIT) -> list[CountResult]:
    """Every count of the head against the base's."""
    results = []
    if base.instructions is not None and head.instructions is not None:
        results.append(_instructions(base.instructions, head, limit))
    return results + _exact(base.exact, head, "base", State.BETTER)


def check(head: Counts, budget: Mapping[str, float]) -> list[CountResult]:
    """Memory and calls to the kernel against the budget: it holds both ways."""
    return _exact(budget, head, "budget", State.STALE)


def judge(head: Counts, base: Counts | None, budget: Mapping[str, float] | None, limit: float = LIMIT) -> list[CountResult]:
    """Instructions against the base. Memory and calls against the budget, which a change may raise on purpose; against the
    base only where there is none."""
    compared = compare(base, head, limit) if base is not None else []
    if budget is None:
        return compared
    return [result for result in compared if result.count == "instructions"] + check(head, budget)


def _instructions(base: Instructions, head: Counts, limit: float) -> CountResult:
    assert head.instructions is not None
    own = head.instructions
    difference = own.per_request / base.per_request - 1
    note, state = "", State.SAME
    if head.scheduled:
        limit = max(limit, _SCHEDULED_LIMIT)
    if not (base.steady and own.steady):
        state = State.DEMOTED if head.scheduled else State.UNSTEADY
        note = (f"repeats differ by {max(base.agreement, own.agreement):.2%}, more than {AGREEMENT:.2%}: not judged"
                + (", threads take turns as the scheduler likes" if head.scheduled else ""))
    elif difference > limit:
        state = State.WORSE
    elif difference < -limit:
        state = State.BETTER
    functions = _changes(base, own) if state is State.WORSE else ()
    return CountResult(head.row, head.workload, "instructions", "base", base.per_request, own.per_request, state, note, limit,
                       functions)


def _changes(base: Instructions, head: Instructions) -> tuple[FunctionChange, ...]:
    """The largest first."""
    changes = [
        FunctionChange(name, base.functions.get(name, 0.0), head.functions.get(name, 0.0))
        for name in sorted({*base.functions, *head.functions})
    ]
    changes.sort(key=lambda change: -abs(change.more))
    return tuple(change for change in changes[:_FUNCTIONS_SHOWN] if change.more)


def _exact(reference: Mapping[str, float], head: Counts, against: str, fewer: State) -> list[CountResult]:
    """What is not there is 0."""
    results = []
    for name in sorted({*reference, *head.exact}):
        before, now = reference.get(name, 0.0), head.exact.get(name, 0.0)
        state, note = State.SAME, ""
        if name in head.scheduled:
            state = State.DEMOTED
        elif not math.isclose(before, now, rel_tol=0, abs_tol=_EXACT):
            state = State.WORSE if now > before else fewer
        if state is State.STALE:
            note = "lower the budget: run scripts/counts.py --accept"
        results.append(CountResult(head.row, head.workload, name, against, before, now, state, note))
    return results
