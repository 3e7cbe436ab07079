"""The verdict as data: verdict.json, as results/verdict.schema.json describes it. Losses are ratios of head over base, and what
nothing bounds is null."""

from __future__ import annotations

import math
from typing import Any

from ..judge import CellResult, Zone
from ..looks import FALSE_ALARMS, MISSES
from ..outcome import Verdict
from . import wording

SCHEMA_VERSION = 1


def to_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": verdict.outcome.name,
        "exit_code": verdict.outcome.exit_code,
        "reasons": list(verdict.reasons),
        "error_rates": {"false_alarms": FALSE_ALARMS, "misses": MISSES},
        "cells": [{**_cell(result), "zone": _zone(verdict, result.zone)} for result in verdict.results],
        "counts": [
            {
                "row": count.row, "name": count.name, "zone": _zone(verdict, count.zone), "base": count.base,
                "head": count.head, "note": count.note,
            }
            for count in verdict.counts
        ],
        "provenance": dict(verdict.provenance),
    }


def _cell(result: CellResult) -> dict[str, Any]:
    return {
        "row": result.cell.row,
        "metric": result.cell.metric,
        "ratio": result.ratio,
        "low": _ratio(result.low),
        "high": _ratio(result.high),
        "p": result.p,
        "rounds": result.rounds,
        "smallest_visible": _ratio(result.smallest_visible),
        "tolerated": _ratio(result.limits.tolerated),
        "matters": _ratio(result.limits.matters),
        "layout_floor": None if result.layout_floor is None else _ratio(result.layout_floor),
    }


def _zone(verdict: Verdict, zone: Zone | None) -> str | None:
    return None if zone is None or wording.void(verdict) else zone.value


def _ratio(loss: float) -> float | None:
    return math.exp(loss) if math.isfinite(loss) else None
