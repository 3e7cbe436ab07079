"""A round: both servers started afresh, driven in turn for a few seconds, and gone. It gives one value for each metric; rounds,
not slices or requests, are the replicates of the gate.

What a start fixes is drawn anew: who starts first and gets which port, the size of the environment, where things lie (ASLR), and
the links.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import statistics
from collections.abc import Collection, Mapping
from pathlib import Path
from random import Random

from httpdyno_bench.errors import RunError
from httpdyno_bench.machine import Placement, Reading
from httpdyno_bench.measure import named, scratch_folder

from .alternation import BASE, HEAD, SETTLE_PAIRS, Alternation, alternate
from .errors import InvalidRun
from .fitness import Watch, quota
from .rows import Row
from .sides import Running, Side
from .tail import PERCENTILES, tail

_ENVIRONMENT_PADDING_MAX = 4096


@dataclasses.dataclass(frozen=True)
class Round:
    """What a round of a row gave: by metric the logarithm of head over base, positive where head is worse."""

    row: Row
    number: int
    values: Mapping[str, float]
    alternation: Alternation

    @property
    def loss_of_cpu(self) -> float:
        """Also where it is none of the row's metrics."""
        return _cpu(self.alternation)


@dataclasses.dataclass(frozen=True)
class Ring:
    """What all rounds have in common. `scale` stretches the rows' times."""

    loadgen: Path
    cores: Placement
    seed: int
    scale: float = 1.0

    def fight(self, base: Side, head: Side, row: Row, number: int, watch: Watch | None = None) -> Round:
        chance = Random(f"{self.seed}/{base.name}/{head.name}/{row.name}/{number}")
        order: list[tuple[str, Side]] = [(BASE, base), (HEAD, head)]
        if chance.random() < 0.5:
            order.reverse()
        with contextlib.ExitStack() as stack:
            scratch = stack.enter_context(scratch_folder())
            running: dict[str, Running] = {}
            for key, side in order:
                padding = {"HTTPDYNO_PADDING": "x" * chance.randrange(_ENVIRONMENT_PADDING_MAX)}
                with named(side.name):
                    running[key] = stack.enter_context(side.serving(row, number, self.cores.server, padding))
            pairs = row.pairs(self.scale)
            before, held_back = Reading.now(self.cores), quota().throttled
            try:
                alternation = alternate(self.loadgen, running[BASE], running[HEAD], row, self.cores.generator,
                                        pairs, chance.getrandbits(31), scratch / "slices.ndjson")
            except RunError:
                # The first cause, if a server died.
                for key, side in order:
                    with named(side.name):
                        running[key].check_alive()
                raise
            if watch is not None:
                # The servers' time in the pairs that settle is not counted, but is theirs.
                servers_ns = sum(each["cpu_ns"] for each in alternation.slices) * (pairs + SETTLE_PAIRS) / pairs
                watch.add(before, Reading.now(self.cores), round(servers_ns) + alternation.finished.cpu_ns,
                          quota().throttled - held_back)
            for key, side in order:
                counted, answered = running[key].stop(), alternation.requests[key]
                if counted is not None and counted != answered:
                    raise RunError(f"counts differ: {side.name} says that it served {counted} requests, loadgen {answered}")
        return Round(row, number, values_of(row, alternation), alternation)


def values_of(row: Row, alternation: Alternation) -> dict[str, float]:
    """One value of each of the row's metrics."""
    values = {"cpu": _cpu(alternation), "throughput": _throughput(alternation)}
    if wanted := row.metrics.keys() & PERCENTILES:
        values |= _tail(row, alternation, wanted)
    return {metric: values[metric] for metric in row.metrics}


def _tail(row: Row, alternation: Alternation, wanted: Collection[str]) -> dict[str, float]:
    base, head = ([pair[side] for pair in alternation.pairs()] for side in (BASE, HEAD))
    found = tail(base, head, row.rate)
    for metric in wanted:
        if metric in found.refused:
            raise InvalidRun(f"{row.name} {metric}: {found.refused[metric]}")
    return {metric: found.shares[metric].loss for metric in wanted}


def _cpu(alternation: Alternation) -> float:
    return _log_ratio(alternation, "cpu_ns")


def _throughput(alternation: Alternation) -> float:
    """Of time per request, so that more is worse here, too."""
    return _log_ratio(alternation, "wall_ns")


def _log_ratio(alternation: Alternation, key: str) -> float:
    """The median over the pairs. On a guest whose time is stolen one pair in four is wild: over 12 rounds of twins the means of
    the pairs spread by 1.7 to 14 %, their medians by 0.5 to 2.6 %."""
    pairs = [[pair[side][key] / pair[side]["requests"] for side in (BASE, HEAD)] for pair in alternation.pairs()]
    return statistics.median(math.log(head) - math.log(base) for base, head in pairs)
