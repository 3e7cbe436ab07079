"""What some requests that wait cost the others: the latency of the trivial requests of a mix."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .estimates import Estimate, median_estimate, median_if_known
from .model import Sample, contenders

# The kind of request whose latency tells in a mix what the others cost it.
TRIVIAL = "trivial"


@dataclasses.dataclass(frozen=True)
class MixRow:
    """One server under a mix: the latency of its trivial requests, and that over inline's in the same round. A percentile
    for which a round had too few requests is None."""

    workload: str
    contender: str
    p50_ns: Estimate
    p99_ns: Estimate
    p99_9_ns: Estimate | None
    p99_over_inline: Estimate


@dataclasses.dataclass(frozen=True)
class Share:
    """Servers under a mix at a fixed rate, a share of what the first of them bears. Latencies are from the due time on."""

    workload: Mapping[str, Any]
    rate: Estimate
    rows: tuple[MixRow, ...]


def mixes_of(data: Mapping[str, Any], inline: str) -> tuple[MixRow, ...]:
    rows: list[MixRow] = []
    for workload in data["workloads"]:
        samples = [
            (cell["variant"], cell["round"], cell["sample"]) for cell in data["cells"]
            if cell["workload"] == workload["name"] and TRIVIAL in cell["sample"].get("kinds", {})
        ]
        rows += _trivial(data, inline, workload["name"], samples)
    return tuple(rows)


def shares_of(data: Mapping[str, Any], inline: str) -> tuple[Share, ...]:
    shares: list[Share] = []
    for workload in data["workloads"]:
        steps = [step for step in data.get("shares", ()) if step["workload"] == workload["name"]]
        samples = [(name, step["round"], sample) for step in steps for name, sample in step["samples"].items()]
        if rows := _trivial(data, inline, workload["name"], samples):
            shares.append(Share(workload, median_estimate([float(step["rate"]) for step in steps]), tuple(rows)))
    return tuple(shares)


def _trivial(
    data: Mapping[str, Any], inline: str, workload: str, samples: Sequence[tuple[str, int, Sample]]
) -> list[MixRow]:
    """`samples` by contender and round. A round without a p99, of too few requests, is none."""
    latency: dict[str, dict[int, Mapping[str, Any]]] = {}
    for name, number, sample in samples:
        if sample["kinds"][TRIVIAL]["latency_ns"]["p99"] is not None:
            latency.setdefault(name, {})[number] = sample["kinds"][TRIVIAL]["latency_ns"]
    rows: list[MixRow] = []
    for row in contenders(data):
        own = latency.get(row["name"], {})
        shared = sorted(own.keys() & latency.get(inline, {}).keys())
        if shared:
            p50, p99, p99_9 = (median_if_known([own[number][key] for number in shared]) for key in ("p50", "p99", "p99_9"))
            assert p50 is not None and p99 is not None
            over_inline = median_estimate([own[number]["p99"] / latency[inline][number]["p99"] for number in shared])
            rows.append(MixRow(workload, row["name"], p50, p99, p99_9, over_inline))
    return rows
