"""The history of the gate's runs: a file with a line of JSON for each, to which is only added."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import StoreError
from .judge import CellResult
from .outcome import Verdict

# Of the provenance; against_reference are the ratios to a build that stays the same (reference.py).
_KEPT = ("date", "base", "base_commit", "head", "head_commit", "reference", "reference_commit", "against_reference", "machine")


def line_of(verdict: Verdict) -> dict[str, Any]:
    """What a plot over time needs."""
    return {
        "outcome": verdict.outcome.name,
        **{key: verdict.provenance[key] for key in _KEPT if key in verdict.provenance},
        "cells": _ratios(verdict.results),
        "counts": [{"row": count.row, "name": count.name, "base": count.base, "head": count.head} for count in verdict.counts],
    }


def append(path: Path, line: Mapping[str, Any]) -> None:
    """Whole or not at all: a full disk leaves the file as it was."""
    content = (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n").encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"cannot open {path.name}: {error.strerror}") from error
    try:
        size = os.fstat(file).st_size
        try:
            rest = content
            while rest:
                rest = rest[os.write(file, rest):]
            os.fsync(file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise StoreError(f"cannot write {path.name}: {error.strerror}") from error
    finally:
        os.close(file)


def _ratios(results: Sequence[CellResult]) -> list[dict[str, Any]]:
    return [
        {"row": result.cell.row, "metric": result.cell.metric, "zone": result.zone.value, "rounds": result.rounds,
         "ratio": result.ratio, "low": _ratio(result.low), "high": _ratio(result.high)}
        for result in results
    ]


def _ratio(bound: float) -> float | None:
    """A bound that so few rounds do not have is none."""
    return math.exp(bound) if math.isfinite(bound) else None
