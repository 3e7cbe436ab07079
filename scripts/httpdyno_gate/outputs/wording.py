"""How figures and zones are said in every format."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..judge import CellResult, Zone
from ..limits import METRICS, share
from ..outcome import CountResult, Outcome, Verdict

HEADER = ("row", "metric", "verdict", "loss", "interval", "rounds", "sees from", "tolerated", "matters", "layout floor")

MEANINGS = {
    Outcome.PASS: "no loss that matters",
    Outcome.REGRESSION: "slower than the base",
    Outcome.ERROR: "the gate itself failed: no verdict",
    Outcome.INCONCLUSIVE: "it cannot be told: neither a loss nor its absence is proven",
    Outcome.UNFIT: "this machine cannot judge what is timed, now",
    Outcome.INVALID: "the run may not be believed: no verdict",
}


def loss(value: float) -> str:
    """A log ratio as people say it: +0.51 %. Where nothing bounds it, "unbounded"."""
    if not math.isfinite(value):
        return "unbounded"
    percent = 100 * share(value)
    return f"{percent:+.2f} %" if abs(percent) < 10 else f"{percent:+.0f} %"


def limit(value: float | None) -> str:
    """A loss that is never negative: without its sign."""
    return "not measured" if value is None else loss(value).removeprefix("+")


def interval(result: CellResult) -> str:
    return f"{loss(result.low)} … {loss(result.high)}"


def cells(verdict: Verdict) -> list[tuple[str, ...]]:
    """The rows below HEADER."""
    return [
        (
            result.cell.row, METRICS[result.cell.metric].title, zone(verdict, result.zone), loss(result.loss),
            interval(result), str(result.rounds), limit(result.smallest_visible), limit(result.limits.tolerated),
            limit(result.limits.matters), limit(result.layout_floor),
        )
        for result in verdict.results
    ]


def zone(verdict: Verdict, its: Zone | None) -> str:
    """Of a run that may not be believed nothing has passed, nor failed."""
    return "not judged" if its is None or void(verdict) else its.value


def void(verdict: Verdict) -> bool:
    return verdict.outcome in (Outcome.INVALID, Outcome.ERROR)


def remarkable(verdict: Verdict) -> list[CountResult]:
    return [count for count in verdict.counts if count.zone is not Zone.PASS]


def count_line(verdict: Verdict, count: CountResult) -> str:
    before = "none" if count.base is None else f"{count.base:,.10g}"
    note = f" ({count.note})" if count.note else ""
    return f"{zone(verdict, count.zone)}: {count.row}, {count.name}: {before} → {count.head:,.10g} per request{note}"


def counted(counts: Sequence[CountResult]) -> str:
    judged = [count.zone for count in counts if count.zone is not None]
    red = sum(its is not Zone.PASS for its in judged)
    shown = f", {len(counts) - len(judged)} shown and not judged" if len(judged) < len(counts) else ""
    return f"exact counts per request: {len(judged)} judged, {red} not as they should be{shown}"
