"""Where a pool overtakes inline: the time of a handler from which it answers more requests per second."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from .estimates import Estimate, hodges_lehmann, median_coverage, median_estimate, median_rank

# A lead of less than this is none.
TIE = 0.02


@dataclasses.dataclass(frozen=True)
class Crossing:
    """In µs of the handler's time. Infinite where a round, or half of them, shows none up to the last time measured.
    `best`: the pool's rate over inline's at the time at which it is most clearly ahead."""

    value: float
    low: float
    high: float
    coverage: float
    rounds: int
    crossed_rounds: int
    best: Estimate

    @property
    def crosses(self) -> bool:
        """Two that draw level change places by chance: the pool must be ahead somewhere, too."""
        return math.isfinite(self.value) and self.best.low > 1 + TIE


@dataclasses.dataclass(frozen=True)
class Line:
    """One server over the times of the handler."""

    contender: str
    requests_per_second: tuple[Estimate, ...]
    server_cpu_ns: tuple[Estimate, ...]
    # None of the server that the others are compared with.
    crossing: Crossing | None


@dataclasses.dataclass(frozen=True)
class Sweep:
    workload: str
    title: str
    spread: bool
    micros: tuple[int, ...]
    reference: str
    lines: tuple[Line, ...]

    @property
    def pools(self) -> list[tuple[Line, Crossing]]:
        return [(line, line.crossing) for line in self.lines if line.crossing is not None]


def crossing_of_round(micros: Sequence[float], log_ratios: Sequence[float]) -> float:
    """Where the logarithm of a pool's rate over inline's turns from less to more. Noise may turn it several times: the
    cut is the one that leaves least on the wrong side; between its two neighbours the logarithm is taken as a straight
    line. Zero if the pool is ahead from the first time on, infinite if it is not at the last."""
    wrong = [
        sum(max(value, 0.0) for value in log_ratios[:cut]) + sum(max(-value, 0.0) for value in log_ratios[cut:])
        for cut in range(len(log_ratios) + 1)
    ]
    cut = wrong.index(min(wrong))
    if cut == 0:
        return 0.0
    if cut == len(log_ratios):
        return math.inf
    before, after = log_ratios[cut - 1], log_ratios[cut]
    share = before / (before - after) if before < after else 0.0
    return micros[cut - 1] + share * (micros[cut] - micros[cut - 1])


def crossing(micros: Sequence[float], rounds: Sequence[Sequence[float]]) -> Crossing:
    """Of each round's logarithms of the pool's rate over inline's, time by time: the median over rounds, with order
    statistics as its interval."""
    of_rounds = [crossing_of_round(micros, log_ratios) for log_ratios in rounds]
    ratios = [hodges_lehmann(at_time).map(math.exp) for at_time in zip(*rounds, strict=True)]
    ordered = sorted(of_rounds)
    count = len(ordered)
    rank = median_rank(count)
    return Crossing(
        value=_middle(ordered), low=ordered[rank - 1], high=ordered[-rank],
        coverage=median_coverage(count, rank), rounds=count, crossed_rounds=sum(map(math.isfinite, ordered)),
        best=max(ratios, key=lambda ratio: ratio.low),
    )


def sweeps(data: Mapping[str, Any]) -> tuple[Sweep, ...]:
    """In the order of the table of workloads. Each is held against its first server, the one without a pool."""
    found: list[Sweep] = []
    for workload in data["workloads"]:
        steps = [step for step in data.get("sweeps", ()) if step["workload"] == workload["name"]]
        names = [row["name"] for row in data.get("contenders", ()) if steps and row["name"] in steps[0]["samples"]]
        if not names:
            continue
        micros = sorted({int(step["micros"]) for step in steps})
        by_point = {(step["round"], step["micros"]): step["samples"] for step in steps}
        rounds = sorted({int(step["round"]) for step in steps})
        found.append(
            Sweep(
                workload["name"], workload["title"], bool(workload.get("spread")), tuple(micros), names[0],
                tuple(_line(name, names[0], micros, rounds, by_point) for name in names),
            )
        )
    return tuple(found)


def _line(
    name: str, reference: str, micros: Sequence[int], rounds: Sequence[int],
    by_point: Mapping[tuple[int, int], Mapping[str, Any]],
) -> Line:
    def over_rounds(key: str) -> tuple[Estimate, ...]:
        return tuple(median_estimate([by_point[number, time][name][key] for number in rounds]) for time in micros)

    def log_ratio(number: int, time: int) -> float:
        samples = by_point[number, time]
        return math.log(samples[name]["requests_per_second"] / samples[reference]["requests_per_second"])

    own = None
    if name != reference:
        own = crossing(micros, [[log_ratio(number, time) for time in micros] for number in rounds])
    return Line(name, over_rounds("requests_per_second"), over_rounds("server_cpu_ns_per_request"), own)


def _middle(ordered: Sequence[float]) -> float:
    """Of an even number the mean of the middle two; infinite if one of them is."""
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
