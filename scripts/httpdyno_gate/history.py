"""The history of the gate's runs: a file with a line of JSON for each, to which is only added."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .judge import CellResult
from .outcome import Verdict

# Of the provenance; against_reference are the ratios to a build that stays the same (reference.py).
_KEPT = ("date", "base", "base_commit", "head", "head_commit", "reference", "reference_commit", "against_reference", "machine")


def line_of(verdict: Verdict) -> str:
    """What a plot over time needs, as a line of JSON."""
    return json.dumps({
        "outcome": verdict.outcome.name,
        **{key: verdict.provenance[key] for key in _KEPT if key in verdict.provenance},
        "cells": _ratios(verdict.results),
        "counts": [{"row": count.row, "name": count.name, "base": count.base, "head": count.head} for count in verdict.counts],
    }, ensure_ascii=False, allow_nan=False) + "\n"


def _ratios(results: Sequence[CellResult]) -> list[dict[str, Any]]:
    return [
        {"row": result.cell.row, "metric": result.cell.metric, "zone": result.zone.value, "rounds": result.rounds,
         "ratio": result.ratio, "low": _ratio(result.low), "high": _ratio(result.high)}
        for result in results
    ]


def _ratio(bound: float) -> float | None:
    """A bound that so few rounds do not have is none."""
    return math.exp(bound) if math.isfinite(bound) else None
