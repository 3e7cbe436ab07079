"""docs/TUNING.md: advice, each line with the figure that it stands on. Where the record shows nothing, it says so."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import wording
from .crossings import Crossing, Line, Sweep
from .dispatch import AllocatorRow, Dispatch
from .estimates import Estimate
from .dispatch_wording import allocator_sentence, best_sizes, interval_behind, micros, milliseconds
from .wording import joined

# A handler of so many µs is one that waits for something, such as another server nearby.
_TYPICAL_WAIT = 1000
# So large a gain of the slowest requests is worth a hand-over to those who care about them.
_WORTH = 0.5
_NOT_MEASURED = "The record does not have it measured."

Chapter = tuple[str, list[str]]


def chapters(dispatch: Dispatch) -> list[Chapter]:
    """Each with its lines; none is empty."""
    found = [
        ("Inline or pool", [*_price(dispatch), *_mix(dispatch), *_crossings(dispatch)]),
        ("How many workers", _sizes(dispatch)),
        ("Which allocator", _allocators(dispatch)),
        ("How many loops", [*_along(dispatch, "loops"), *_note_on_loops(dispatch)]),
        ("How long workers spin before they sleep", _along(dispatch, "spin")),
        ("Reasons to doubt", wording.doubts(dispatch.record, dispatch.report.samples)),
    ]
    return [(title, lines or [_NOT_MEASURED]) for title, lines in found]


def _price(dispatch: Dispatch) -> list[str]:
    turns = [
        turn for comparison in dispatch.report.comparisons if comparison.variant in dispatch.pools[:1]
        for turn in comparison.turns
    ]
    dearer = [turn for turn in turns if turn.verdict in ("more", "one-round")]
    if not turns:
        return []
    if not dearer:
        return [f"A pool costs nothing that was seen where no handler waits ({joined([t.workload for t in turns])}): let "
                "what your handlers do decide."]
    parts = [f"{wording.ratio(turn.ratio.value)} times on {turn.workload}{interval_behind(turn.ratio)}" for turn in dearer]
    advice = "Handlers that never wait: inline, if more rounds say the same."
    if dearer[0].verdict == "more":
        advice = "**Handlers that never wait: inline.**"
    return [f"{advice} {dispatch.pools[0]} takes of {dispatch.inline}'s CPU per request "
            f"{joined(parts)}."]


def _mix(dispatch: Dispatch) -> list[str]:
    if dispatch.worth is None:
        return []
    inline, own = dispatch.worth
    figures = (f"the trivial requests' p99 is {milliseconds(own.p99_ns.value)} with {own.contender} and "
               f"{milliseconds(inline.p99_ns.value)} inline, a ratio of {wording.ratio(own.p99_over_inline.value)}"
               f"{interval_behind(own.p99_over_inline)} ({own.workload})")
    if own.p99_over_inline.high <= _WORTH:
        return [f"**A few handlers that wait: a pool**, if the others are not to wait with them: {figures}."]
    if own.p99_over_inline.low < 1:
        return [f"A few handlers that wait: a pool spares the others some of that: {figures}."]
    return [f"A few handlers that wait: a pool was not seen to spare the others that: {figures}."]


def _crossings(dispatch: Dispatch) -> list[str]:
    lines = []
    for sweep in dispatch.sweeps:
        crossed = [(line, crossing) for line, crossing in sweep.pools if crossing.crosses]
        last = micros(sweep.micros[-1])
        if not crossed:
            lines.append(f"{_capital(sweep.title)}: **inline**; no pool answers more requests per second up to {last} a handler.")
            continue
        line, crossing = min(crossed, key=lambda pair: pair[1].value)
        text = (f"{_capital(sweep.title)}: **a pool** from a handler of {micros(crossing.value)} on "
                f"({line.contender}; {_interval(crossing, sweep)})")
        never = [line.contender for line, crossing in sweep.pools if not crossing.crosses]
        lines.append(f"{text}; but {joined(never)} {'does' if len(never) == 1 else 'do'} not up to {last}." if never
                     else f"{text}.")
    return lines


def _sizes(dispatch: Dispatch) -> list[str]:
    lines = []
    for sweep in dispatch.sweeps:
        if not sweep.pools:
            continue
        time = min(sweep.micros, key=lambda each: abs(each - _TYPICAL_WAIT))
        at = sweep.micros.index(time)
        best, least = best_sizes(sweep, time)
        rates = [f"{_rate(line, at)} with {line.contender}" for line, _ in sweep.pools]
        inline = next(line for line in sweep.lines if line.contender == sweep.reference)
        text = (f"{_capital(sweep.title)}, {micros(time)} each: {joined(rates)}, {_rate(inline, at)} inline, in thousand requests/s; "
                f"most with {best}")
        lines.append(f"{text}, and {least} is not told from it." if least != best else f"{text}.")
    ratios = [
        f"{wording.ratio(turn.ratio.value)} with {comparison.variant}{interval_behind(turn.ratio)}"
        for comparison in dispatch.by_axis("dispatch") if comparison.variant in dispatch.pools
        for turn in comparison.turns[:1]
    ]
    if ratios:
        workload = dispatch.by_axis("dispatch")[0].turns[0].workload
        lines.append(f"What more workers than needed cost: CPU per request over inline on {workload} is {joined(ratios)}.")
    return lines


def _allocators(dispatch: Dispatch) -> list[str]:
    lines = []
    for reference in dict.fromkeys(row.reference for row in dispatch.allocators):
        rows = [row for row in dispatch.allocators if row.reference == reference]
        faster = [row for row in rows if any(turn.verdict == "less" for turn in row.turns)]
        slower = [row for row in rows if any(turn.verdict == "more" for turn in row.turns)]
        lighter = [row for row in rows if any(burst.verdict == "less" for burst in row.bursts)]
        heavier = [row for row in rows if any(burst.verdict == "more" for burst in row.bursts)]
        lines.append(f"Beside {reference}: " + "; ".join((
            _named(faster, "less CPU on at least one workload", "none was seen to take less CPU"),
            _named(slower, "more CPU on at least one", "none was seen to take more"),
            _named(lighter, "keeps less after bursts of uploads", "none was seen to keep less after bursts of uploads"),
            _named(heavier, "keeps more", "none was seen to keep more"),
        )) + ".")
        lines += [allocator_sentence(row, dispatch) for row in rows]
    return lines


def _named(rows: Sequence[AllocatorRow], what: str, none: str) -> str:
    return f"{what}: {joined([row.allocator for row in rows])}" if rows else none


def _along(dispatch: Dispatch, axis: str) -> list[str]:
    """What differs in an axis: CPU in turn, then the rates of each workload that both have."""
    lines = [wording.comparison_sentence(comparison) for comparison in dispatch.by_axis(axis)]
    for comparison in dispatch.by_axis(axis):
        for workload, table in dispatch.report.tables.items():
            rows = {row.variant: row for row in table}
            own, other = rows.get(comparison.variant), rows.get(comparison.reference)
            if own is not None and other is not None:
                lines.append(
                    f"{workload}: {wording.thousands(own.requests_per_second.value)} thousand requests/s with "
                    f"{comparison.variant}, {wording.thousands(other.requests_per_second.value)} with "
                    f"{comparison.reference}{_told_apart(own.requests_per_second, other.requests_per_second)}."
                )
    return lines


def _note_on_loops(dispatch: Dispatch) -> list[str]:
    if not dispatch.by_axis("loops"):
        return []
    return ["All threads of a server shared one core there: what a second loop gives on a core of its own, this record does "
            "not tell."]


def _told_apart(a: Estimate, b: Estimate) -> str:
    if a.count < 2:
        return " (one round)"
    return "" if a.low > b.high or b.low > a.high else ": no difference seen, the intervals overlap"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _rate(line: Line, at: int) -> str:
    return wording.thousands(line.requests_per_second[at].value)


def _interval(crossing: Crossing, sweep: Sweep) -> str:
    if crossing.rounds < 2:
        return "one round"
    high = micros(crossing.high) if math.isfinite(crossing.high) else f"not up to {micros(sweep.micros[-1])}"
    return f"{micros(crossing.low)} – {high}"
