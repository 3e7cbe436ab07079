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


class Named(Protocol):
    @property
    def name(self) -> str: ...


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


def load_variants(path: Path) -> list[Variant]:
    variants = [_variant(row) for row in _rows(path, "variants")]
    _refuse_duplicates(path, variants)
    earlier: set[str] = set()
    for variant in variants:
        # A reference stands above its row, so there is no cycle.
        if variant.reference is not None and variant.reference not in earlier:
            raise UsageError(f"{path.name}: reference '{variant.reference}' of '{variant.name}' is no row above it")
        earlier.add(variant.name)
    return variants


def load_workloads(path: Path) -> list[Workload]:
    workloads = [_workload(row) for row in _rows(path, "workloads")]
    _refuse_duplicates(path, workloads)
    return workloads


def select(rows: Sequence[Row], names: str | None, what: str) -> list[Row]:
    """The rows named in a comma-separated list, in the table's order; all of them without a list."""
    if names is None:
        return list(rows)
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
        )
    except KeyError as error:
        raise UsageError(f"scenarios.json: row {row.get('name', '?')} lacks {error}") from error


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name for a row: lower-case letters, digits and single hyphens")
    return name


def _refuse_duplicates(path: Path, rows: Sequence[Named]) -> None:
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{path.name}: '{name}' is there twice")
