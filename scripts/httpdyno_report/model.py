"""A record as the report needs it: rows with estimates, comparisons with verdicts, targets met or not. No words beyond
a verdict and no layout: those are the template's and wording.py's."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from httpdyno_bench.contenders import LAYOUT_AXIS

from .records import Record
from .estimates import Estimate, hodges_lehmann, median_estimate, median_if_known
from .idle import IdleRow, idle_rows

Sample = Mapping[str, Any]
LATENCIES = ("p50", "p90", "p99", "p99_9", "max")


@dataclasses.dataclass(frozen=True)
class Row:
    """One variant under one workload and one generator. An estimate is None where there is no usable figure."""

    variant: str
    kind: str
    generator: str
    rounds: int
    requests_per_second: Estimate
    server_cpu_ns: Estimate
    floor_ratio: Estimate | None
    generator_cpu_ns: Estimate
    bound_rounds: int
    latency_ns: Mapping[str, Estimate | None]
    rss_bytes: Estimate

    @property
    def bound(self) -> bool:
        return self.bound_rounds * 2 > self.rounds


@dataclasses.dataclass(frozen=True)
class Turn:
    """A row against its reference under one workload, in turn. layout_floor is a logarithm of a ratio; None if the
    record has no pair that shows it."""

    workload: str
    ratio: Estimate
    layout_floor: float | None
    is_layout_pair: bool

    @property
    def verdict(self) -> str:
        """one-round, layout, none (no difference seen), below-layout, more or less."""
        if self.ratio.count < 2:
            return "one-round"
        if self.is_layout_pair:
            return "layout"
        if self.ratio.holds(1.0):
            return "none"
        if self.layout_floor is not None and abs(math.log(self.ratio.value)) <= self.layout_floor:
            return "below-layout"
        return "more" if self.ratio.value > 1 else "less"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A row of the table of variants against its reference."""

    variant: str
    reference: str
    axis: str
    question: str
    turns: tuple[Turn, ...]


@dataclasses.dataclass(frozen=True)
class GeneratorRow:
    """loadgen against wrk on the floor, under one workload."""

    workload: str
    loadgen_cpu_ns: Estimate
    wrk_cpu_ns: Estimate
    ratio: Estimate


@dataclasses.dataclass(frozen=True)
class Target:
    """A bound that the project has set itself, and how it came out."""

    what: str
    bound: float
    measured: Estimate
    # Of the measured value; ratios have three.
    decimals: int = 3
    # The measured value is to be no less than the bound, not no more.
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self._on_the_right_side(self.measured.value)

    @property
    def certain(self) -> bool:
        """Whether the interval lies on one side of the bound."""
        ends = {self._on_the_right_side(end) for end in (self.measured.low, self.measured.high)}
        return self.measured.count > 1 and ends == {self.met}

    def _on_the_right_side(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


@dataclasses.dataclass(frozen=True)
class Report:
    record: Mapping[str, Any]
    workloads: tuple[Mapping[str, Any], ...]
    tables: Mapping[str, tuple[Row, ...]]
    comparisons: tuple[Comparison, ...]
    generators: tuple[GeneratorRow, ...]
    idle: tuple[IdleRow, ...]
    targets: tuple[Target, ...]

    @property
    def rows(self) -> list[Row]:
        return [row for table in self.tables.values() for row in table]

    @property
    def samples(self) -> list[Sample]:
        cells = [cell["sample"] for cell in self.record["cells"]]
        steps = [*self.record["generators"], *self.record.get("shares", ())]
        return cells + [sample for step in steps for sample in step["samples"].values()]


# The bounds that the project has set itself: CPU per request over the floor, at 64 connections, and over wrk; octets for
# each of ten thousand idle connections.
_FLOOR_TARGETS = (("inline-system", "keepalive-get", 1.05), ("inline-system", "pipelined-16", 1.20))
_GENERATOR_TARGET = 1.0
_IDLE_TARGET = ("inline-system", 256)


def make_report(record: Record) -> Report:
    data = record.data
    workloads = [workload for workload in data["workloads"] if workload.get("kind", "load") == "load"]
    comparisons = _comparisons(data)
    generators = _generators(data)
    idle = idle_rows(data)
    return Report(
        record=data,
        workloads=tuple(workloads),
        tables={workload["name"]: _table(data, workload["name"]) for workload in workloads},
        comparisons=comparisons,
        generators=generators,
        idle=idle,
        targets=_targets(comparisons, generators, idle),
    )


def contenders(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table of variants, as often and by the names by which they were compared."""
    rows = {variant["name"]: variant for variant in data["variants"]}
    named = data.get("contenders") or [
        {"name": name, "variant": name, "reference": row["reference"]} for name, row in rows.items()
    ]
    return [{**rows[contender["variant"]], **contender} for contender in named]


def _samples(data: Mapping[str, Any], workload: str) -> dict[tuple[str, str], dict[int, Sample]]:
    """For each (generator, variant) the samples by round."""
    found: dict[tuple[str, str], dict[int, Sample]] = collections.defaultdict(dict)
    for cell in data["cells"]:
        if cell["workload"] == workload:
            found[cell["generator"], cell["variant"]][cell["round"]] = cell["sample"]
    for step in data["generators"]:
        # wrk's row on the floor comes out of its comparison with loadgen.
        if step["workload"] == workload:
            found["wrk", step["variant"]][step["round"]] = step["samples"]["wrk"]
    return found


def _table(data: Mapping[str, Any], workload: str) -> tuple[Row, ...]:
    samples = _samples(data, workload)
    competing = contenders(data)
    floors = [variant["name"] for variant in competing if variant["kind"] == "floor"]
    rows: list[Row] = []
    for generator in ("loadgen", "wrk"):
        for variant in competing:
            by_round = samples.get((generator, variant["name"]))
            if by_round:
                floor = next((samples[generator, name] for name in floors if (generator, name) in samples), None)
                rows.append(_row(variant, generator, by_round, floor))
    return tuple(rows)


def _row(
    variant: Mapping[str, Any], generator: str, by_round: Mapping[int, Sample], floor: Mapping[int, Sample] | None
) -> Row:
    rounds = sorted(by_round)
    samples = [by_round[number] for number in rounds]

    def over_rounds(key: str) -> Estimate:
        return median_estimate([float(sample[key]) for sample in samples])

    latency: dict[str, Estimate | None] = {}
    for key in LATENCIES:
        latency[key] = median_if_known([sample["latency_ns"][key] for sample in samples])
    ratios = [
        by_round[number]["server_cpu_ns_per_request"] / floor[number]["server_cpu_ns_per_request"]
        for number in rounds
        if floor is not None and number in floor
    ]
    return Row(
        variant=variant["name"],
        kind=variant["kind"],
        generator=generator,
        rounds=len(rounds),
        requests_per_second=over_rounds("requests_per_second"),
        server_cpu_ns=over_rounds("server_cpu_ns_per_request"),
        floor_ratio=median_estimate(ratios) if ratios else None,
        generator_cpu_ns=over_rounds("generator_cpu_ns_per_request"),
        bound_rounds=sum(bool(sample["generator_bound"]) for sample in samples),
        latency_ns=latency,
        rss_bytes=over_rounds("server_rss_bytes"),
    )


def _comparisons(data: Mapping[str, Any]) -> tuple[Comparison, ...]:
    competing = contenders(data)
    ratios: dict[tuple[str, str], Estimate] = {}
    for variant in competing:
        for workload in data["workloads"]:
            # Two levels, one estimator: pairs of slices within a round, then rounds. Only rounds are replicates.
            rounds = [
                hodges_lehmann(turn["pair_log_ratios"]).value
                for turn in data["turns"]
                if (turn["variant"], turn["workload"]) == (variant["name"], workload["name"])
            ]
            if rounds:
                ratios[variant["name"], workload["name"]] = hodges_lehmann(rounds)
    layout_rows = [variant["name"] for variant in competing if variant["changed_axis"] == LAYOUT_AXIS]
    comparisons: list[Comparison] = []
    for variant in competing:
        turns = tuple(
            Turn(
                workload=workload["name"],
                ratio=ratios[variant["name"], workload["name"]].map(math.exp),
                layout_floor=_layout_floor(ratios, layout_rows, workload["name"]),
                is_layout_pair=variant["name"] in layout_rows,
            )
            for workload in data["workloads"]
            if (variant["name"], workload["name"]) in ratios
        )
        if turns:
            comparisons.append(
                Comparison(
                    variant["name"], variant["reference"], variant["changed_axis"], variant["question"], turns
                )
            )
    return tuple(comparisons)


def _layout_floor(
    ratios: Mapping[tuple[str, str], Estimate], layout_rows: Sequence[str], workload: str
) -> float | None:
    """How far layout alone may have moved a figure under a workload: the far end of the interval that the pairs of
    one source show."""
    ends = [
        max(abs(estimate.low), abs(estimate.high))
        for (variant, of_workload), estimate in ratios.items()
        if variant in layout_rows and of_workload == workload
    ]
    return max(ends, default=None)


def _generators(data: Mapping[str, Any]) -> tuple[GeneratorRow, ...]:
    rows: list[GeneratorRow] = []
    for workload in data["workloads"]:
        steps = [step["samples"] for step in data["generators"] if step["workload"] == workload["name"]]
        if not steps:
            continue
        cost = {
            name: [float(step[name]["generator_cpu_ns_per_request"]) for step in steps] for name in ("loadgen", "wrk")
        }
        logs = [math.log(ours / theirs) for ours, theirs in zip(cost["loadgen"], cost["wrk"], strict=True)]
        rows.append(
            GeneratorRow(
                workload=workload["name"],
                loadgen_cpu_ns=median_estimate(cost["loadgen"]),
                wrk_cpu_ns=median_estimate(cost["wrk"]),
                ratio=hodges_lehmann(logs).map(math.exp),
            )
        )
    return tuple(rows)


def _targets(
    comparisons: Sequence[Comparison], generators: Sequence[GeneratorRow], idle: Sequence[IdleRow]
) -> tuple[Target, ...]:
    targets: list[Target] = []
    measured = {
        (comparison.variant, turn.workload): (comparison.reference, turn.ratio)
        for comparison in comparisons
        for turn in comparison.turns
    }
    for variant, workload, bound in _FLOOR_TARGETS:
        if (variant, workload) in measured:
            reference, ratio = measured[variant, workload]
            targets.append(Target(f"server CPU per request, {variant} over {reference}, {workload}", bound, ratio))
    for row in generators:
        what = f"generator CPU per request on the floor, loadgen over wrk, {row.workload}"
        targets.append(Target(what, _GENERATOR_TARGET, row.ratio))
    server, bound = _IDLE_TARGET
    for idle_row in idle:
        if idle_row.server == server and idle_row.each_bytes is not None:
            what = f"octets of memory for an idle connection, {server}, {idle_row.connections:,} connections"
            targets.append(Target(what, bound, idle_row.each_bytes, decimals=1))
    return tuple(targets)
