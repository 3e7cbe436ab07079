"""What load generators say of a floor that they ask at a rate, beside what is true of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from httpdyno_bench.generators_plan import GENERATORS

from .estimates import Estimate, median_estimate, median_if_known
from .model import Sample, Target

SHOWN = ("mean", "p50", "p99", "max")
# How long a request may be due and not sent where nothing stalls, as the project has it for itself.
_SEND_LAG_TARGET_NS = 50_000


@dataclasses.dataclass(frozen=True)
class Said:
    """One figure of one generator over rounds: what the time of a request is, as it calls it. A value is None where it
    prints none, or where a run had too few requests for it."""

    generator: str
    what: str
    rate: Estimate  # that the server counted, per second
    latency_ns: Mapping[str, Estimate | None]


@dataclasses.dataclass(frozen=True)
class Truth:
    """Of a server that stops for D in each period T and bears a rate with a share of rho of its time: a request that is
    due t after the beginning of a stall waits D - t(1 - rho), if that is more than nothing."""

    stall_seconds: float
    period_seconds: float
    busy_share: float

    def wait_ns(self, share: float) -> float:
        """How long such a share of all requests has waited at most, beyond what each takes anyway."""
        return 1e9 * max(0.0, self.stall_seconds - (1 - share) * (1 - self.busy_share) * self.period_seconds)

    @property
    def mean_wait_ns(self) -> float:
        return 1e9 * self.stall_seconds**2 / (2 * (1 - self.busy_share) * self.period_seconds)


@dataclasses.dataclass(frozen=True)
class Paced:
    workload: Mapping[str, Any]
    rows: tuple[Said, ...]
    truth: Truth | None  # None: nothing stalls


def paced_of(data: Mapping[str, Any]) -> tuple[Paced, ...]:
    found: list[Paced] = []
    for workload in data["workloads"]:
        rounds = [step["samples"] for step in data["paced"] if step["workload"] == workload["name"]]
        if rounds:
            rows = [
                said for name in GENERATORS if name in rounds[0]
                for said in _said(name, workload, [samples[name] for samples in rounds])
            ]
            found.append(Paced(workload, tuple(rows), _truth(workload, rounds)))
    return tuple(found)


def send_lag_targets(paced: Sequence[Paced]) -> tuple[Target, ...]:
    lags = [
        (each, lag) for each in paced if not each.workload["stall_ms"]
        for row in each.rows if row.what == "queue_ns" and (lag := row.latency_ns["p99"]) is not None
    ]
    return tuple(
        Target(
            f"p99 of the time that loadgen sends too late, at {each.workload['rate']:,} requests/s, µs",
            _SEND_LAG_TARGET_NS / 1e3, lag.map(lambda value: value / 1e3), decimals=1,
        )
        for each, lag in lags
    )


def _said(name: str, workload: Mapping[str, Any], samples: Sequence[Sample]) -> list[Said]:
    rate = median_estimate([sample["requests"] / sample["wall_seconds"] for sample in samples])
    figures = [figure for figure in ("latency_ns", "queue_ns", "service_ns") if figure in samples[0]]
    return [
        Said(name, figure, rate, {key: median_if_known([sample[figure][key] for sample in samples]) for key in SHOWN})
        for figure in figures
    ]


def _truth(workload: Mapping[str, Any], rounds: Sequence[Mapping[str, Sample]]) -> Truth | None:
    """With the stalls as they came out, and the time that the floor worked for those who kept to the rate."""
    stalls = sorted(
        seconds for samples in rounds for sample in samples.values() for seconds in sample.get("stalls", ())
    )
    if not stalls:
        return None
    own = sorted(samples["loadgen"]["server_cpu_share"] for samples in rounds if "loadgen" in samples)
    return Truth(stalls[len(stalls) // 2], workload["period_ms"] / 1000, own[len(own) // 2])
