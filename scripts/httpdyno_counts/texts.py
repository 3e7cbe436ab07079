"""Counts and results as lines for a terminal, and as JSON."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .counting import Counts
from .judging import CountResult, State

_NAME_SHOWN = 120
# In these a bracket is no bracket.
_OPERATOR = re.compile(r"operator *(?:<<=?|>>=?|<=>|<=?|>=?|->\*?)|->")


def cell_line(counts: Counts, results: Sequence[CountResult]) -> str:
    """What one row costs under one workload, and whether all of it is as it should be."""
    parts = [f"{counts.row} {counts.workload}:"]
    if counts.instructions is not None:
        part = f"{counts.instructions.per_request:.1f} instructions"
        against = next((result for result in results if result.count == "instructions"), None)
        if against is not None:
            part += f" ({against.ratio - 1:+.3%} against the base's {against.reference:.1f})"
        parts.append(f"{part}, repeats agree to {counts.instructions.agreement:.4%};")
    calls = ", ".join(f"{name.removeprefix('calls.')} {count:g}" for name, count in counts.exact.items() if "." in name)
    parts.append(f"{counts.exact['allocations']:g} allocations, {counts.exact['allocated_bytes']:g} octets; calls: {calls or 'none'}")
    return " ".join(parts) + f": {_word(results)}"


def _word(results: Sequence[CountResult]) -> str:
    if not results:
        return "counted"
    if any(result.red for result in results):
        return "RED"
    if any(result.state is State.UNSTEADY for result in results):
        return "UNSTEADY"
    return "ok"


def result_lines(result: CountResult) -> Iterator[str]:
    """Of what is not as it was."""
    if result.state is State.SAME or (result.state is State.DEMOTED and not result.note):
        return
    change = f"{result.reference:.6g} -> {result.value:.6g}"
    if result.count == "instructions":
        change += f" ({result.ratio - 1:+.3%}, limit {result.limit:+.2%})"
    note = f"; {result.note}" if result.note else ""
    yield (f"  {result.state.value.upper() if result.red else result.state.value}: {result.row} {result.workload} "
           f"{result.count} against the {result.against}: {change}{note}")
    for function in result.functions:
        yield f"    {function.more:+10.1f}  {short_name(function.name)}"


def short_name(name: str) -> str:
    """A C++ function without what its templates are filled with."""
    shown, depth, at = "", 0, 0
    while at < len(name):
        match = _OPERATOR.match(name, at)
        piece = match[0] if match else name[at]
        at += len(piece)
        if piece == "<":
            shown += "<" if depth == 0 else ""
            depth += 1
        elif piece == ">":
            depth -= 1
        if depth == 0:
            shown += piece
    return shown if len(shown) <= _NAME_SHOWN else f"{shown[:_NAME_SHOWN]}..."


def as_json(counts: Sequence[Counts], results: Sequence[CountResult], outcome: str) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "counts": [_counts_json(each) for each in counts],
        "results": [
            {**dataclasses.asdict(result), "state": result.state.value, "red": result.red} for result in results
        ],
    }


def _counts_json(counts: Counts) -> dict[str, Any]:
    own = counts.instructions
    return {
        "row": counts.row,
        "workload": counts.workload,
        "instructions": None if own is None else {
            "per_request": own.per_request,
            "repeats": list(own.repeats),
            "agreement": own.agreement,
        },
        "exact": dict(counts.exact),
        "scheduled": sorted(counts.scheduled),
    }
