"""A record of the suite "generators" as the report needs it: what a request costs each load generator, and what each says
of a server that is known."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from httpdyno_bench.generators_plan import GENERATORS

from .estimates import Estimate, hodges_lehmann, median_estimate
from .model import Sample, Target
from .paced import Paced, paced_of, send_lag_targets
from .records import Record

# Whom the others are held against, and by what factor the project wants to be ahead of it, by workload.
REFERENCE = "wrk"
_OWN = "loadgen"
_TARGETS = (("keepalive-get", 1.25), ("pipelined-16", 1.5))


@dataclasses.dataclass(frozen=True)
class Saturated:
    """One generator that drives the floor as fast as it can."""

    generator: str
    # Requests that the server counted, for each second of CPU time of the generator.
    per_core_second: Estimate
    # That over the reference's in the same round; None where the reference took no part.
    over_reference: Estimate | None
    cpu_ns: Estimate
    # What the server counted over the time that the generator's process lived.
    requests_per_second: Estimate
    cpu_share: Estimate
    server_cpu_share: Estimate
    # What it says itself, over what was counted.
    claimed_requests: Estimate
    claimed_rate: Estimate


@dataclasses.dataclass(frozen=True)
class Saturation:
    """One workload. `absent` are the generators that cannot do what it asks for."""

    workload: Mapping[str, Any]
    rows: tuple[Saturated, ...]
    absent: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class GeneratorsReport:
    record: Mapping[str, Any]
    saturations: tuple[Saturation, ...]
    paced: tuple[Paced, ...]
    targets: tuple[Target, ...]

    @property
    def samples(self) -> list[Sample]:
        steps = [*self.record["saturation"], *self.record["paced"]]
        return [sample for step in steps for sample in step["samples"].values()]


def make_generators(record: Record) -> GeneratorsReport:
    data = record.data
    saturations = tuple(
        saturation for workload in data["workloads"] if (saturation := _saturation(data, workload)) is not None
    )
    paced = paced_of(data)
    return GeneratorsReport(data, saturations, paced, (*_targets(saturations), *send_lag_targets(paced)))


def _saturation(data: Mapping[str, Any], workload: Mapping[str, Any]) -> Saturation | None:
    rounds = [step["samples"] for step in data["saturation"] if step["workload"] == workload["name"]]
    if not rounds:
        return None
    names = [name for name in GENERATORS if name in rounds[0]]
    rows = tuple(
        _saturated(name, [samples[name] for samples in rounds],
                   [samples[REFERENCE] for samples in rounds] if REFERENCE in names else [])
        for name in names
    )
    return Saturation(workload, rows, tuple(name for name in GENERATORS if name not in names))


def _saturated(name: str, own: list[Sample], reference: list[Sample]) -> Saturated:
    cost = [float(sample["generator_cpu_ns_per_request"]) for sample in own]
    over = None
    if reference:
        ratios = [sample["generator_cpu_ns_per_request"] / each for sample, each in zip(reference, cost, strict=True)]
        over = hodges_lehmann([math.log(ratio) for ratio in ratios]).map(math.exp)
    counted = [sample["requests"] / sample["wall_seconds"] for sample in own]
    return Saturated(
        generator=name,
        per_core_second=median_estimate([1e9 / each for each in cost]),
        over_reference=over,
        cpu_ns=median_estimate(cost),
        requests_per_second=median_estimate(counted),
        cpu_share=median_estimate([sample["generator_cpu_share"] for sample in own]),
        server_cpu_share=median_estimate([sample["server_cpu_share"] for sample in own]),
        claimed_requests=median_estimate([sample["claimed_requests"] / sample["requests"] for sample in own]),
        claimed_rate=median_estimate(
            [sample["requests_per_second"] / rate for sample, rate in zip(own, counted, strict=True)]
        ),
    )


def _targets(saturations: tuple[Saturation, ...]) -> tuple[Target, ...]:
    ratios = {
        saturation.workload["name"]: row.over_reference
        for saturation in saturations for row in saturation.rows if row.generator == _OWN
    }
    return tuple(
        Target(f"requests per core of the generator, {_OWN} over {REFERENCE}, {workload}", bound, ratio, at_least=True)
        for workload, bound in _TARGETS if (ratio := ratios.get(workload)) is not None
    )
