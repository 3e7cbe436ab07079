"""The sentences and cells of the part on dispatch. Every one with a figure is made from the record."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import wording
from .crossings import Crossing, Sweep
from .dispatch import AllocatorRow, BurstRow, CallRow, Dispatch
from .estimates import Estimate
from .mixes import Share
from .wording import joined, significant


def summary(dispatch: Dispatch) -> list[str]:
    """What a reader takes home, losses beside wins."""
    sentences = [*price(dispatch), *mix(dispatch), *map(share_sentence, dispatch.shares)]
    sentences += [crossing_sentence(sweep) for sweep in dispatch.sweeps]
    sentences += [allocator_sentence(row, dispatch) for row in dispatch.allocators]
    for axis in ("loops", "spin"):
        sentences += [wording.comparison_sentence(comparison) for comparison in dispatch.by_axis(axis)]
    sentences += calls(dispatch)
    return sentences


def price(dispatch: Dispatch) -> list[str]:
    """What a hand-over costs, by the least pool and the largest one."""
    parts = []
    for name in dict.fromkeys((*dispatch.pools[:1], *dispatch.pools[-1:])):
        turns = [turn for comparison in dispatch.report.comparisons if comparison.variant == name
                 for turn in comparison.turns]
        if turns:
            ratios = joined([f"{wording.ratio(turn.ratio.value)} on {turn.workload}" for turn in turns])
            parts.append(f"of {name} {ratios}")
    if not parts:
        return []
    return [f"**The price of a pool** whose handlers never wait, as CPU per request over {dispatch.inline}'s: "
            f"{'; '.join(parts)}."]


def mix(dispatch: Dispatch) -> list[str]:
    """What a hand-over gives where some handlers wait, by the largest pool."""
    if dispatch.worth is None:
        return []
    inline, own = dispatch.worth
    return [f"**What a pool is worth**: under {own.workload} the p99 of the trivial requests is "
            f"{milliseconds(own.p99_ns.value)} with {own.contender} and {milliseconds(inline.p99_ns.value)} with "
            f"{inline.contender}, a ratio of {wording.ratio(own.p99_over_inline.value)}"
            f"{interval_behind(own.p99_over_inline)}."]


def share_sentence(share: Share) -> str:
    parts = [f"{milliseconds(row.p99_ns.value)} with {row.contender}" for row in share.rows]
    over = [f", a ratio of {wording.ratio(row.p99_over_inline.value)}{interval_behind(row.p99_over_inline)}"
            for row in share.rows[1:]]
    return (f"**At a fixed rate**, {wording.whole(share.rate.value)} requests/s of {share.workload['name']}, the p99 of the "
            f"trivial requests from their due time on is {joined(parts)}{''.join(over)}.")


def crossing_sentence(sweep: Sweep) -> str:
    parts = [f"{line.contender} {plain(crossing_text(crossing, sweep))}" for line, crossing in sweep.pools]
    return f"**Where they cross**, {sweep.title}, {sweep.reference} overtaken by pools: {'; '.join(parts)}."


def crossing_text(crossing: Crossing, sweep: Sweep) -> str:
    """A cell: where it crosses, and below that the interval and in how many rounds it does."""
    last = micros(sweep.micros[-1])
    seen = f"{crossing.crossed_rounds} of {wording.counted(crossing.rounds, 'round')}"
    if not crossing.crosses:
        return (f"not ahead up to {last}<br><sub>at best {wording.ratio(crossing.best.value)} times the "
                f"rate{interval_behind(crossing.best)}</sub>")
    value = "ahead from the first time on" if crossing.value == 0 else f"from {micros(crossing.value)} on"
    if crossing.rounds < 2:
        return f"{value}<br><sub>one round</sub>"
    high = micros(crossing.high) if math.isfinite(crossing.high) else f"not up to {last}"
    text = f"{value}<br><sub>{micros(crossing.low)} – {high}"
    return f"{text}, in {seen}</sub>" if crossing.crossed_rounds < crossing.rounds else f"{text}</sub>"


def allocator_sentence(row: AllocatorRow, dispatch: Dispatch) -> str:
    comparison = next((c for c in dispatch.by_axis("allocator") if c.variant == row.contender), None)
    parts = [] if comparison is None else [wording.comparison_sentence(comparison)]
    kept = [f"{wording.mebibytes(burst.after_rest.value)} MiB {rest(burst)} after {burst.workload} "
            f"({more_than_reference(burst)})" for burst in row.bursts]
    if kept:
        parts.append(f"Resident are {joined(kept)}.")
    return " ".join(parts)


def more_than_reference(burst: BurstRow) -> str:
    more = burst.more_than_reference
    if more is None:
        return "nothing to compare with"
    if burst.verdict in ("more", "less"):
        return f"{wording.mebibytes(abs(more.value))} MiB {burst.verdict} than with the system's malloc"
    return "no difference seen" if burst.verdict == "none" else "one round"


def calls(dispatch: Dispatch) -> list[str]:
    sentences = []
    for workload in list(dict.fromkeys(row.workload for row in dispatch.calls))[:1]:
        pools = [row for row in dispatch.calls if row.workload == workload and row.contender in dispatch.pools]
        if pools:
            sentences.append(
                f"**Calls of a request** to the kernel, pools of every size, {workload} (under strace): "
                f"{_range(pools, 'write')} writes to the eventfd, {_range(pools, 'futex')} futex, "
                f"{_range(pools, 'epoll_wait')} epoll_wait, {_range(pools, 'epoll_ctl')} epoll_ctl."
            )
    return sentences


def best_sizes(sweep: Sweep, time: int) -> tuple[str, str]:
    """At a time of the handler the pool with the highest rate, and the first that no interval tells from it."""
    at = sweep.micros.index(time)
    lines = [line for line, _ in sweep.pools]
    best = max(lines, key=lambda line: line.requests_per_second[at].value)
    least = next(line for line in lines if line.requests_per_second[at].high >= best.requests_per_second[at].low)
    return best.contender, least.contender


def rest(burst: BurstRow) -> str:
    return f"{burst.rest_seconds:.0f} s"


def micros(value: float) -> str:
    return f"{value / 1000:g} ms" if value >= 1000 and value % 100 == 0 else f"{significant(value, 2)} µs"


def milliseconds(value_ns: float) -> str:
    return f"{significant(value_ns / 1e6)} ms"


def interval_behind(estimate: Estimate) -> str:
    return " (one round)" if estimate.count < 2 else f" ({wording.interval(estimate, wording.ratio)})"


def plain(cell: str) -> str:
    """A cell within a sentence."""
    return cell.replace("<br><sub>", " (").replace("</sub>", ")")


def _range(rows: Sequence[CallRow], call: str) -> str:
    values = sorted(row.calls[call].value for row in rows)
    # A call more in the short run is none less for a request.
    ends = [significant(max(value, 0.0), 2) for value in (values[0], values[-1])]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"
