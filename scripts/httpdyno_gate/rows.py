"""What is gated: the rows of bench/gate.json. A table that would let everything pass is refused."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench.errors import UsageError

from .limits import Cell, Limits, limits
from .tail import PERCENTILES, requests_needed

CLOSED_LOOP = ("cpu", "throughput")
# At a fixed rate there is as much throughput as is asked for.
OPEN_LOOP = ("cpu", *PERCENTILES)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclasses.dataclass(frozen=True)
class Row:
    """A program under a load."""

    name: str
    variant: str
    target: str
    connections: int
    pipeline: int
    # Requests a second of an open loop; 0: a closed one.
    rate: int
    round_seconds: float
    slice_ms: float
    metrics: Mapping[str, Limits]

    @property
    def cells(self) -> dict[Cell, Limits]:
        return {Cell(self.name, metric): limit for metric, limit in self.metrics.items()}

    def pairs(self, scale: float = 1.0) -> int:
        """Of slices in a round; one is too few to tell a slice from its pair."""
        return max(2, round(self.round_seconds * scale * 1000 / (2 * self.slice_ms)))


def load_rows(path: Path) -> list[Row]:
    try:
        table: Any = json.loads(path.read_text(encoding="utf-8"))
        listed = table["rows"]
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name} is no table of rows: {error!r}") from error
    if not isinstance(listed, list) or not listed:
        raise UsageError(f"{path.name} has no rows: nothing would be gated")
    rows = []
    for number, row in enumerate(listed, 1):
        try:
            rows.append(_row(row))
        except (KeyError, TypeError, ValueError, AttributeError, UsageError) as error:
            said = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            name = row.get("name", number) if isinstance(row, dict) else number
            raise UsageError(f"{path.name}: row {name}: {said}") from error
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{path.name}: row {name} is there twice")
    return rows


def chosen(rows: Sequence[Row], names: str | None) -> list[Row]:
    """Those that a comma-separated list names, in the table's order."""
    if names is None:
        return list(rows)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = [row.name for row in rows]
    for name in wanted:
        if name not in known:
            raise UsageError(f"unknown row '{name}' (there are: {', '.join(known)})")
    if not wanted:
        raise UsageError(f"no row named (there are: {', '.join(known)})")
    return [row for row in rows if row.name in wanted]


def _row(row: Mapping[str, Any]) -> Row:
    name = str(row["name"])
    if not _NAME.fullmatch(name):
        raise ValueError("a name is lower-case letters, digits and single hyphens")
    load = row["load"]
    rate = _whole(load.get("rate", 0), "rate", 0, 10_000_000)
    target = str(load["target"])
    if not target.startswith("/"):
        raise ValueError(f"target '{target}' does not begin with /")
    found = Row(
        name=name,
        variant=str(row["variant"]),
        target=target,
        connections=_whole(load["connections"], "connections", 1, 10_000),
        pipeline=_whole(load["pipeline"], "pipeline", 1, 1024),
        rate=rate,
        round_seconds=_number(row["round_seconds"], "round_seconds", 0.05, 60.0),
        slice_ms=_number(row["slice_ms"], "slice_ms", 1.0, 10_000.0),
        metrics=_metrics(row["metrics"], OPEN_LOOP if rate else CLOSED_LOOP),
    )
    _refuse_tails_of_few(found)
    return found


def _refuse_tails_of_few(row: Row) -> None:
    asked = row.rate * row.round_seconds / 2
    for metric in row.metrics:
        if metric in PERCENTILES and asked < requests_needed(metric):
            raise ValueError(f"{metric} needs {requests_needed(metric)} requests to each side in a round, and {asked:.0f} are asked for: "
                             "more round_seconds or a higher rate")


def _metrics(metrics: Mapping[str, Any], known: Sequence[str]) -> dict[str, Limits]:
    if not metrics:
        raise ValueError("no metrics: nothing of it would be gated")
    found = {}
    for metric, given in metrics.items():
        if metric not in known:
            raise ValueError(f"metric '{metric}' is none of this load (there are: {', '.join(known)})")
        found[metric] = limits(metric, float(given["tolerated"]), float(given["matters"]))
    return found


def _whole(value: Any, what: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{what} must be a whole number from {low} to {high}, not {value!r}")
    return value


def _number(value: Any, what: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{what} must be a number from {low:g} to {high:g}, not {value!r}")
    return float(value)
