"""Is the machine fit to judge on? What is found before the first round, and what went on while it was measured.

Alternation cancels whatever lasts longer than two slices, so that the limits are those of a machine on which nothing can be seen
any more, not those of a quiet one.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
from scipy import stats

from httpdyno_bench.machine import Placement, Reading, disturbance

# Of the two cores' time.
STEAL_SHARE_MAX = 0.15
FOREIGN_SHARE_MAX = 0.15
# Of others, per core, before anything was built or begun.
LOAD_PER_CORE_MAX = 2.0
# How sure the canary must be that one and the same program differs from itself; and how wide its interval may be where the
# loss that matters is as small as this: at ten times it the interval of 24 whole rounds is about as wide as that loss.
CANARY_CONFIDENCE = 0.999
CANARY_WIDTH_MAX = 10.0
_GROUPS = Path("/sys/fs/cgroup")


@dataclasses.dataclass(frozen=True)
class Quota:
    """The cores' worth of time that a control group leaves us; None: no bound. And how often it has held us back."""

    cores: float | None
    throttled: int


def static_faults(cores: Placement, load_average: float, quota: Quota) -> list[str]:
    """What is known before anything is measured."""
    faults = []
    if cores.relation == "same":
        faults.append("there is one core for us: servers and load generator need one each")
    if quota.cores is not None and quota.cores < 2.0:
        faults.append(f"a control group bounds us to {quota.cores:g} cores' time: two are needed")
    if load_average > LOAD_PER_CORE_MAX * (os.cpu_count() or 1):
        faults.append(f"the load average is {load_average:.1f}: wait until others have done")
    return faults


def canary_faults(values: Sequence[float], matters: float) -> list[str]:
    """Of rounds in which both sides were one and the same program, against the smallest loss that matters (a log ratio).
    Student's interval: so few rounds are too few for signed ranks at this confidence."""
    if len(values) < 3 or not all(math.isfinite(value) for value in values):
        return [f"the A/A canary gave {len(values)} usable rounds"]
    mean = float(numpy.mean(values))
    half = float(stats.t.ppf((1 + CANARY_CONFIDENCE) / 2, len(values) - 1) * stats.sem(values))
    shown = f"one program against itself differs by {100 * mean:+.2f} % ± {100 * half:.2f} %"
    if abs(mean) > half:
        return [f"{shown}: the comparison is not even"]
    if half > CANARY_WIDTH_MAX * matters:
        return [f"{shown}: too much to see a loss of {100 * matters:.2g} %"]
    return []


class Watch:
    """What goes on beside the measuring, from the first start() to the last stop(), the stretches between them left out."""

    def __init__(self, cores: Placement) -> None:
        self._cores = cores
        self._throttled = 0
        self._total = Reading(0, 0, 0)
        self._own_ns = 0

    def add(self, before: Reading, after: Reading, own_cpu_ns: int, throttled: int) -> None:
        self._total = Reading(self._total.busy_ns + after.busy_ns - before.busy_ns,
                              self._total.steal_ns + after.steal_ns - before.steal_ns,
                              self._total.total_ns + after.total_ns - before.total_ns)
        self._own_ns += own_cpu_ns
        self._throttled += throttled

    def shares(self) -> dict[str, float]:
        return {**disturbance(Reading(0, 0, 0), self._total, self._own_ns), "throttled": float(self._throttled)}

    def faults(self) -> list[str]:
        shares = self.shares()
        faults = []
        if shares["steal_share"] > STEAL_SHARE_MAX:
            faults.append(f"the hypervisor took {100 * shares['steal_share']:.0f} % of our cores' time")
        if shares["foreign_cpu_share"] > FOREIGN_SHARE_MAX:
            faults.append(f"other programs used {100 * shares['foreign_cpu_share']:.0f} % of our cores' time")
        if shares["throttled"]:
            faults.append(f"a control group held us back {shares['throttled']:g} times")
        return faults


def quota(proc: Path = Path("/proc/self/cgroup"), groups: Path = _GROUPS) -> Quota:
    """The tightest bound of our control group and those above it, of either version of them."""
    cores, throttled = math.inf, 0
    for folder in _own_groups(proc, groups):
        cores = min(cores, _bound(folder))
        # The innermost group that counts is ours.
        throttled = throttled or _throttled(folder)
    return Quota(None if math.isinf(cores) else cores, throttled)


def _own_groups(proc: Path, groups: Path) -> Iterator[Path]:
    try:
        lines = proc.read_text(encoding="ascii").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        for root in (groups / "cpu", groups / "cpu,cpuacct") if controllers else (groups, groups / "unified"):
            here = root / path.lstrip("/")
            while here.is_relative_to(root):
                yield here
                here = here.parent


def _bound(folder: Path) -> float:
    words = _words(folder / "cpu.max")
    if not words:
        words = _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
    if len(words) != 2 or words[0] in ("max", "-1"):
        return math.inf
    return int(words[0]) / int(words[1])


def _throttled(folder: Path) -> int:
    words = _words(folder / "cpu.stat")
    return int(words[words.index("nr_throttled") + 1]) if "nr_throttled" in words else 0


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except OSError:
        return []
