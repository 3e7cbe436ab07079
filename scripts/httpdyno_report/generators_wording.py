"""The sentences and cells of the part on load generators. Every one with a figure is made from the record."""

from __future__ import annotations

from . import wording
from .estimates import Estimate
from .generators import REFERENCE, GeneratorsReport, Saturation


def summary(part: GeneratorsReport) -> list[str]:
    return [_saturation_sentence(saturation) for saturation in part.saturations]


def _saturation_sentence(saturation: Saturation) -> str:
    others = [row for row in saturation.rows if row.generator != REFERENCE and row.over_reference is not None]
    parts = [f"{row.generator} {wording.significant(row.over_reference.value)} times" for row in others
             if row.over_reference is not None]
    name = saturation.workload["name"]
    if not parts:
        return f"**Requests for a second of the generator's CPU time**, {name}: {REFERENCE} was not measured."
    return f"**Requests for a second of the generator's CPU time**, over {REFERENCE}'s, {name}: {wording.joined(parts)}."


def busy(estimate: Estimate) -> str:
    return f"{100 * estimate.value:.0f} %"


def claim(estimate: Estimate) -> str:
    """A generator's own figure over what was counted, as a difference."""
    share = 100 * (estimate.value - 1)
    return "equal" if estimate.low == estimate.high == 1.0 else f"{share:+.2f} %"
