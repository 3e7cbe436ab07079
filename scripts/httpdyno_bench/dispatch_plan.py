"""The suite "dispatch": what a pool of workers costs and what it is worth, and what another allocator changes.

What is measured of a workload beyond one cell of each contender, its row of scenarios.json says.
"""

from __future__ import annotations

from collections.abc import Sequence

from .contenders import Contender
from .plan import Profile, Step, arranged, share
from .tables import Workload

# In the place of a step's row, where all contenders of a step are measured right after each other.
ALL = "all"
_PASSES = 10


def make_plan(
    profile: Profile, contenders: Sequence[Contender], workloads: Sequence[Workload], seed: int
) -> list[Step]:
    """All steps of a run, in the order in which they are measured; the same arguments give the same plan."""

    def steps_of_block(block: int) -> list[Step]:
        steps = _cells(contenders, workloads, block)
        for number in share(profile.turn_rounds, block, profile.rounds):
            steps += _turns(contenders, workloads, number)
        for number in share(profile.sweep_rounds, block, profile.rounds):
            steps += _sweeps(contenders, workloads, number, profile.sweep_stride)
        for number in share(profile.share_rounds, block, profile.rounds):
            steps += _shares(contenders, workloads, number)
        for number in share(profile.burst_rounds, block, profile.rounds):
            steps += _bursts(contenders, workloads, number)
        for number in share(profile.calls_rounds, block, profile.rounds):
            steps += _calls(contenders, workloads, number)
        return steps

    return arranged(profile, seed, steps_of_block)


def swept(contenders: Sequence[Contender]) -> list[Contender]:
    """Those whose crossings are sought: the simplest server, inline and with each size of its pool."""
    return [contender for contender in contenders if contender.is_plain]


def shared(contenders: Sequence[Contender]) -> list[Contender]:
    """Those that are held against each other at a share of what the first one bears: the simplest server, and its largest
    pool."""
    plain = swept(contenders)
    return plain if len(plain) < 2 else [plain[0], plain[-1]]


def sweep_seconds(profile: Profile, workload: Workload, micros: int) -> float:
    """Long enough for each connection to be answered several times where one handler runs after the other."""
    return max(profile.sweep_seconds, _PASSES * workload.connections * micros / 1e6)


def allocators(contenders: Sequence[Contender]) -> list[Contender]:
    """Those that differ from their reference in the allocator alone, and these references."""
    others = [contender for contender in contenders if contender.changed_axis == "allocator"]
    references = {contender.reference for contender in others}
    return [contender for contender in contenders if contender in others or contender.name in references]


def _takes_part(contender: Contender, workload: Workload) -> bool:
    axes = contender.variant.axes
    if contender.is_layout_pair:
        return False
    if contender.spin_us is not None:
        return "spin" in workload.dispatch
    if axes["allocator"] != "system":
        return "allocators" in workload.dispatch
    return axes["loops"] == 1 or "loops" in workload.dispatch


def _cells(contenders: Sequence[Contender], workloads: Sequence[Workload], number: int) -> list[Step]:
    return [
        Step("cell", contender.name, workload.name, number, generator="loadgen")
        for workload in workloads if workload.kind == "load"
        for contender in contenders if _takes_part(contender, workload)
    ]


def _turns(contenders: Sequence[Contender], workloads: Sequence[Workload], number: int) -> list[Step]:
    """With the pair of two link orders wherever anything is compared."""
    names = {contender.name for contender in contenders}
    return [
        Step("turn", contender.name, workload.name, number, reference=contender.reference)
        for workload in workloads if "turns" in workload.dispatch
        for contender in contenders
        if contender.reference in names and (contender.is_layout_pair or _takes_part(contender, workload))
    ]


def _sweeps(contenders: Sequence[Contender], workloads: Sequence[Workload], number: int, stride: int) -> list[Step]:
    return [
        Step("sweep", ALL, workload.name, number, micros=micros)
        for workload in workloads if workload.kind == "sweep" and swept(contenders)
        for micros in workload.micros[::stride]
    ]


def _shares(contenders: Sequence[Contender], workloads: Sequence[Workload], number: int) -> list[Step]:
    return [
        Step("share", ALL, workload.name, number)
        for workload in workloads if workload.kind == "share" and swept(contenders)
    ]


def _bursts(contenders: Sequence[Contender], workloads: Sequence[Workload], number: int) -> list[Step]:
    return [
        Step("burst", ALL, workload.name, number)
        for workload in workloads if workload.kind == "burst" and allocators(contenders)
    ]


def _calls(contenders: Sequence[Contender], workloads: Sequence[Workload], number: int) -> list[Step]:
    return [
        Step("calls", contender.name, workload.name, number)
        for workload in workloads if "calls" in workload.dispatch
        for contender in swept(contenders)
    ]
