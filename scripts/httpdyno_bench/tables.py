"""The two tables that say what can be measured: variants/variants.json and bench/scenarios.json."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .errors import UsageError

# Names become program names, file names and command lines.
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The runs that a row takes part in. The first is what is measured where nothing else is asked for.
SUITES = ("base", "dispatch", "generators")


class Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def suites(self) -> tuple[str, ...]: ...


Row = TypeVar("Row", bound=Named)


@dataclasses.dataclass(frozen=True)
class Variant:
    """A row of variants.json: a program, and the one axis in which it differs from its reference."""

    name: str
    kind: str
    axes: Mapping[str, str | int]
    reference: str | None
    changed_axis: str | None
    question: str
    suites: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Workload:
    """A row of scenarios.json: what is asked of a server, in the words of each program."""

    name: str
    title: str
    path: str
    connections: int
    pipeline: int
    loadgen: tuple[str, ...]
    wrk: tuple[str, ...]
    floor: tuple[str, ...]
    suites: tuple[str, ...]
    # "load": loadgen asks for `path`. "sweep": for `path` with each of `micros` behind it. "burst": `connections` upload
    # `body_bytes` at the same time, so many times. "paced": several generators ask for `rate` requests a second of the
    # floor, which is stopped for `stall_ms` of each `period_ms`. "share": loadgen asks each server for `rate_share` of what
    # the simplest one can bear.
    kind: str = "load"
    # Flags of our servers.
    server: tuple[str, ...] = ()
    # What the suite "dispatch" measures of it beyond its cells: "turns", "calls"; and of which rows: "allocators", "loops",
    # "spin".
    dispatch: tuple[str, ...] = ()
    micros: tuple[int, ...] = ()
    # Kinds of requests in a mix, as loadgen takes them; `path` then says nothing.
    mix: tuple[Mapping[str, str | int], ...] = ()
    # Whether the server may use every core, the generator's too.
    spread: bool = False
    body_bytes: int = 0
    bursts: int = 0
    rate: int = 0
    stall_ms: int = 0
    period_ms: int = 0
    rate_share: float = 0.0


def load_variants(path: Path) -> list[Variant]:
    variants = [_variant(row) for row in _rows(path, "variants")]
    _refuse_duplicates(path, variants)
    earlier: list[Variant] = []
    for variant in variants:
        _refuse_muddle(path, variant, earlier)
        earlier.append(variant)
    return variants


def load_workloads(path: Path) -> list[Workload]:
    workloads = [_workload(row) for row in _rows(path, "workloads")]
    _refuse_duplicates(path, workloads)
    return workloads


def select(rows: Sequence[Row], names: str | None, what: str, suite: str = SUITES[0]) -> list[Row]:
    """The rows named in a comma-separated list, in the table's order; without a list those of the suite."""
    if names is None:
        return [row for row in rows if suite in row.suites]
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = [row.name for row in rows]
    for name in wanted:
        if name not in known:
            raise UsageError(f"unknown {what} '{name}' (there are: {', '.join(known)})")
    if not wanted:
        raise UsageError(f"no {what} named (there are: {', '.join(known)})")
    return [row for row in rows if row.name in wanted]


def _rows(path: Path, key: str) -> list[dict[str, Any]]:
    try:
        rows: Any = json.loads(path.read_text(encoding="utf-8"))[key]
    except OSError as error:
        raise UsageError(f"cannot read {path.name}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path.name} is no table of {key}: {error!r}") from error
    if not rows or not isinstance(rows, list):
        raise UsageError(f"{path.name} has no {key}")
    return rows


def _variant(row: Mapping[str, Any]) -> Variant:
    try:
        return Variant(
            name=_checked_name(row["name"]),
            kind=row["kind"],
            axes=dict(row["axes"]),
            reference=row["reference"],
            changed_axis=row["changed_axis"],
            question=row["question"],
            suites=_checked_suites(row),
        )
    except KeyError as error:
        raise UsageError(f"variants.json: row {row.get('name', '?')} lacks {error}") from error


def _workload(row: Mapping[str, Any]) -> Workload:
    try:
        return Workload(
            name=_checked_name(row["name"]),
            title=row["title"],
            path=row["path"],
            connections=int(row["connections"]),
            pipeline=int(row["pipeline"]),
            loadgen=tuple(row["loadgen"]),
            wrk=tuple(row["wrk"]),
            floor=tuple(row["floor"]),
            suites=_checked_suites(row),
            kind=row.get("kind", "load"),
            server=tuple(row.get("server", ())),
            dispatch=tuple(row.get("dispatch", ())),
            micros=tuple(row.get("micros", ())),
            mix=tuple(row.get("mix", ())),
            spread=bool(row.get("spread", False)),
            body_bytes=int(row.get("body_bytes", 0)),
            bursts=int(row.get("bursts", 0)),
            rate=int(row.get("rate", 0)),
            stall_ms=int(row.get("stall_ms", 0)),
            period_ms=int(row.get("period_ms", 0)),
            rate_share=float(row.get("rate_share", 0.0)),
        )
    except KeyError as error:
        raise UsageError(f"scenarios.json: row {row.get('name', '?')} lacks {error}") from error


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name for a row: lower-case letters, digits and single hyphens")
    return name


def _checked_suites(row: Mapping[str, Any]) -> tuple[str, ...]:
    suites = tuple(row["suites"])
    if not suites or any(suite not in SUITES for suite in suites):
        raise UsageError(f"'{row['name']}' is in the suites {list(suites)}; there are: {', '.join(SUITES)}")
    return suites


def _refuse_muddle(path: Path, row: Variant, earlier: Sequence[Variant]) -> None:
    """A row differs from its reference in one axis, the one that it names, and is no other row by another name."""
    for other in earlier:
        if other.axes == row.axes:
            raise UsageError(f"{path.name}: '{row.name}' has the axes of '{other.name}'")
    if row.reference is None:
        return
    # A reference stands above its row, so there is no cycle.
    reference = next((other for other in earlier if other.name == row.reference), None)
    if reference is None:
        raise UsageError(f"{path.name}: reference '{row.reference}' of '{row.name}' is no row above it")
    differing = [axis for axis in row.axes if row.axes[axis] != reference.axes.get(axis)]
    if row.axes.keys() != reference.axes.keys() or differing != [row.changed_axis]:
        raise UsageError(f"{path.name}: '{row.name}' differs from '{row.reference}' in {differing}, not in "
                         f"'{row.changed_axis}' alone")


def _refuse_duplicates(path: Path, rows: Sequence[Named]) -> None:
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{path.name}: '{name}' is there twice")
