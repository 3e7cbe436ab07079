"""A record of the suite "dispatch" as the report needs it: what a pool costs and gives, and what an allocator changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from httpdyno_bench.allocations import TAKING
from httpdyno_bench.contenders import LAYOUT_AXIS

from .crossings import Sweep, sweeps
from .estimates import Estimate, median_estimate
from .mixes import MixRow, Share, mixes_of, shares_of
from .model import Comparison, Report, Row, Target, Turn, contenders, make_report
from .records import Record

# Calls that are shown by name; a pool's only writes are those to the eventfd that wakes its loop.
CALLS = ("futex", "write", "epoll_wait", "epoll_ctl", "recvfrom", "sendto")


@dataclasses.dataclass(frozen=True)
class BurstRow:
    """Memory of one server. `more_than_reference` is what it keeps after the rest beyond its reference, bytes."""

    workload: str
    contender: str
    reference: str
    empty: Estimate
    after_burst: Estimate
    after_rest: Estimate
    rest_seconds: float
    more_than_reference: Estimate | None

    @property
    def verdict(self) -> str:
        """none (no difference seen), more or less than the reference; one-round; no-reference."""
        more = self.more_than_reference
        if more is None:
            return "no-reference"
        if more.count < 2:
            return "one-round"
        if more.holds(0.0):
            return "none"
        return "more" if more.value > 0 else "less"


@dataclasses.dataclass(frozen=True)
class CallRow:
    """What a request of one server costs in calls: to the kernel by name, under strace, and to the allocator."""

    workload: str
    contender: str
    calls: Mapping[str, Estimate]
    allocations: Estimate


@dataclasses.dataclass(frozen=True)
class AllocatorRow:
    """One server with another allocator: its ratios in turn and its memory, by workload."""

    contender: str
    reference: str
    allocator: str
    turns: tuple[Turn, ...]
    bursts: tuple[BurstRow, ...]


@dataclasses.dataclass(frozen=True)
class Dispatch:
    report: Report
    # The server without a pool, and those with one by their size, in the record's order.
    inline: str
    pools: tuple[str, ...]
    sweeps: tuple[Sweep, ...]
    mixes: tuple[MixRow, ...]
    shares: tuple[Share, ...]
    bursts: tuple[BurstRow, ...]
    calls: tuple[CallRow, ...]
    allocators: tuple[AllocatorRow, ...]
    targets: tuple[Target, ...]

    @property
    def record(self) -> Mapping[str, Any]:
        return self.report.record

    def row(self, workload: str, contender: str) -> Row | None:
        return next((row for row in self.report.tables.get(workload, ()) if row.variant == contender), None)

    def turn(self, workload: str, contender: str) -> Turn | None:
        return next(
            (turn for comparison in self.report.comparisons if comparison.variant == contender
             for turn in comparison.turns if turn.workload == workload), None
        )

    def mix(self, contender: str) -> MixRow | None:
        return next((row for row in self.mixes if row.contender == contender), None)

    @property
    def worth(self) -> tuple[MixRow, MixRow] | None:
        """What a pool gives where some handlers wait: inline, and the largest pool. None if either was not measured."""
        inline = self.mix(self.inline)
        own = self.mix(self.pools[-1]) if self.pools else None
        return None if inline is None or own is None else (inline, own)

    def by_axis(self, axis: str) -> list[Comparison]:
        return [comparison for comparison in self.report.comparisons if comparison.axis == axis]


# The bounds that the project has set itself: a pool of one worker over inline, in turn; the trivial requests' p99 in a
# mix, a pool of eight over inline; calls of each request, the worst of all sizes.
_PRICE_TARGETS = (("keepalive-get", 1.35), ("pipelined-16", 1.60))
_MIX_TARGET = ("pool-system@8", 0.2)
_CALL_TARGETS = (
    ("write", "writes to the eventfd for each request", 0.2),
    ("epoll_ctl", "epoll_ctl for each request beyond its connection's own", 0.0),
)


def make_dispatch(record: Record) -> Dispatch:
    data = record.data
    report = make_report(record)
    plain = [
        row for row in contenders(data)
        if row["axes"]["allocator"] == "system" and row["axes"]["loops"] == 1
        and row["changed_axis"] not in (LAYOUT_AXIS, "spin")
    ]
    inline = next((row["name"] for row in plain if row["axes"]["dispatch"] == "inline"), "")
    pools = tuple(row["name"] for row in plain if row["axes"]["dispatch"] == "pool")
    mixes, shares, bursts, calls = mixes_of(data, inline), shares_of(data, inline), _bursts(data), _calls(data)
    of_rates = [row for share in shares for row in share.rows]
    return Dispatch(
        report, inline, pools, sweeps(data), mixes, shares, bursts, calls, _allocators(data, report, bursts),
        _targets(report, [*mixes, *of_rates], calls, pools),
    )


def _bursts(data: Mapping[str, Any]) -> tuple[BurstRow, ...]:
    rows: list[BurstRow] = []
    for workload in data["workloads"]:
        rounds = [step["samples"] for step in data.get("bursts", ()) if step["workload"] == workload["name"]]
        for row in contenders(data):
            name, reference = row["name"], row["reference"]
            if not rounds or name not in rounds[0]:
                continue
            more = None
            if row["changed_axis"] == "allocator" and reference in rounds[0]:
                more = median_estimate([_kept(samples[name]) - _kept(samples[reference]) for samples in rounds])
            empty, burst, rest = (
                median_estimate([float(samples[name][when]["rss_bytes"]) for samples in rounds])
                for when in ("empty", "after_burst", "after_rest")
            )
            least = min(samples[name]["rest_seconds"] for samples in rounds)
            rows.append(BurstRow(workload["name"], name, str(reference), empty, burst, rest, least, more))
    return tuple(rows)


def _kept(sample: Mapping[str, Any]) -> float:
    return float(sample["after_rest"]["rss_bytes"])


def _calls(data: Mapping[str, Any]) -> tuple[CallRow, ...]:
    rows: list[CallRow] = []
    for workload in data["workloads"]:
        for row in contenders(data):
            steps = [
                step for step in data.get("calls", ())
                if (step["workload"], step["variant"]) == (workload["name"], row["name"])
            ]
            if steps:
                calls = {name: median_estimate([_each(step["runs"], name) for step in steps]) for name in CALLS}
                taken = [
                    sum(step["allocations"]["calls"].get(name, 0) for name in TAKING) / step["allocations"]["requests"]
                    for step in steps
                ]
                rows.append(CallRow(workload["name"], row["name"], calls, median_estimate(taken)))
    return tuple(rows)


def _each(runs: Sequence[Mapping[str, Any]], name: str) -> float:
    """Of a short run and a long one the difference, for each request."""
    short, long = runs
    return (long["calls"].get(name, 0) - short["calls"].get(name, 0)) / (long["requests"] - short["requests"])


def _allocators(
    data: Mapping[str, Any], report: Report, bursts: Sequence[BurstRow]
) -> tuple[AllocatorRow, ...]:
    turns = {comparison.variant: comparison.turns for comparison in report.comparisons}
    return tuple(
        AllocatorRow(
            row["name"], row["reference"], str(row["axes"]["allocator"]), turns.get(row["name"], ()),
            tuple(burst for burst in bursts if burst.contender == row["name"]),
        )
        for row in contenders(data) if row["changed_axis"] == "allocator"
    )


def _targets(
    report: Report, mixes: Sequence[MixRow], calls: Sequence[CallRow], pools: Sequence[str]
) -> tuple[Target, ...]:
    targets: list[Target] = []
    measured = {
        (comparison.variant, turn.workload): (comparison.reference, turn.ratio)
        for comparison in report.comparisons for turn in comparison.turns
    }
    for workload, bound in _PRICE_TARGETS:
        if ("pool-system@1", workload) in measured:
            reference, ratio = measured["pool-system@1", workload]
            targets.append(Target(f"server CPU per request, pool-system@1 over {reference}, {workload}", bound, ratio))
    for row in mixes:
        if row.contender == _MIX_TARGET[0]:
            what = f"p99 of the trivial requests, {row.contender} over inline, {row.workload}"
            targets.append(Target(what, _MIX_TARGET[1], row.p99_over_inline))
    for name, what, bound in _CALL_TARGETS:
        for workload in dict.fromkeys(row.workload for row in calls):
            of_pools = [row.calls[name] for row in calls if row.workload == workload and row.contender in pools]
            if of_pools:
                worst = max(of_pools, key=lambda estimate: estimate.value)
                targets.append(Target(f"{what}, the worst of {len(of_pools)} sizes of the pool, {workload}", bound, worst))
    return tuple(targets)
