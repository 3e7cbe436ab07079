"""The sentences and cells of the part on load generators. Every one with a figure is made from the record."""

from __future__ import annotations

from . import wording
from .estimates import Estimate
from .generators import REFERENCE, GeneratorsReport, Saturation
from .paced import Paced, Said


def summary(part: GeneratorsReport) -> list[str]:
    return [*map(_saturation_sentence, part.saturations), *map(_paced_sentence, part.paced)]


def _saturation_sentence(saturation: Saturation) -> str:
    others = [row for row in saturation.rows if row.generator != REFERENCE and row.over_reference is not None]
    parts = [f"{row.generator} {wording.significant(row.over_reference.value)} times" for row in others
             if row.over_reference is not None]
    name = saturation.workload["name"]
    if not parts:
        return f"**Requests for a second of the generator's CPU time**, {name}: {REFERENCE} was not measured."
    return f"**Requests for a second of the generator's CPU time**, over {REFERENCE}'s, {name}: {wording.joined(parts)}."


def _paced_sentence(paced: Paced) -> str:
    """What each calls the time of a request; the truth behind it where something stalls."""
    key = "p50" if paced.truth is None else "p99"
    parts = [
        f"{row.generator} {wording.microseconds(said.value)} µs" for row in paced.rows
        if row.what == "latency_ns" and (said := row.latency_ns[key]) is not None
    ]
    true = "" if paced.truth is None else f" (true: {wording.microseconds(paced.truth.wait_ns(0.99))} µs more than without)"
    if not parts:
        return f"**{key}**, {paced.workload['title']}: nobody prints one."
    return f"**{key} as it is printed**, {paced.workload['title']}{true}: {wording.joined(parts)}."


def what(row: Said) -> str:
    """What a generator's figure is the time of, and how it was asked for the rate."""
    asked = {"loadgen": "loadgen `-R`", "h2load": "h2load `--rps`", "hey": "hey `-q`"}
    name = asked.get(row.generator, f"{row.generator}, which has no rate")
    part = {"queue_ns": ", of these due and not sent", "service_ns": ", of these sent and not answered"}
    return name + part.get(row.what, "")


def printed(row: Said, key: str) -> str:
    estimate = row.latency_ns[key]
    return "n/a" if estimate is None else wording.cell(estimate, wording.microseconds)


def busy(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.0f} %"


def claim(estimate: Estimate) -> str:
    """A generator's own figure over what was counted, as a difference."""
    share = 100 * (estimate.value - 1)
    return "equal" if estimate.low == estimate.high == 1.0 else f"{share:+.2f} %"
