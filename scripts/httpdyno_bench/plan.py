"""Which measurements a run makes, and in which order: what all suites share, and the suite "base".

The unit is a step: fresh processes, one value. A run is cut into blocks of equal length, each with one round of every
cell and its share of the rounds of every comparison in turn, in random order drawn from the seed: whatever drifts
within the minutes of a run reaches all rows alike.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Callable, Sequence
from typing import Any

from .contenders import Contender
from .errors import UsageError
from .tables import SUITES, Workload

ROUNDS_MIN = 5
SLICE_MS = 25
# Pairs of slices before those that count, in which caches and branch predictors get used to both servers.
SETTLE_PAIRS = 1
# Start and stop of a process. Only the forecast of the time left uses it, and corrects it.
OVERHEAD_SECONDS = 0.02
# Connections that are opened and answered, and closed again, in a second, roughly.
CROWD_PER_SECOND = 10_000
# Load generators that drive the floor in a step. Only the forecast uses it.
GENERATORS_FORECAST = 4
# Forecast of a sweep's step: servers that are driven; of bursts, several servers'; of a trace: its start and its end.
SWEPT_FORECAST = 5
BURSTS_SECONDS = 3.7
TRACING_SECONDS = 0.5
# What the steps of kind "idle" have in the place of a workload.
IDLE = "idle-connections"
# wrk looks at the clock every 100 ms to see whether it is to stop.
WRK_OVERHEAD_SECONDS = 0.12


@dataclasses.dataclass(frozen=True)
class Profile:
    """How long and how often is measured. Seconds are of one step's measured time."""

    name: str
    rounds: int
    # More and shorter ones than of cells: the spread between starts weighs more than that within one.
    turn_rounds: int
    cell_seconds: float
    warmup_seconds: float
    turn_seconds: float
    # wrk takes whole seconds only.
    wrk_seconds: int
    # loadgen's time where it is compared with wrk; equal to wrk's, so that start-up weighs the same in both.
    generator_seconds: float
    # Rows that wrk drives (None: all), and the number of workloads, from the top of the table, for wrk (None: all).
    wrk_variants: tuple[str, ...] | None
    wrk_workloads: int | None
    # The memory of idle connections hardly differs from start to start.
    idle_rounds: int
    idle_connections: int
    # Of a sweep over the time of a handler every so manieth point is measured.
    sweep_rounds: int = 0
    sweep_seconds: float = 0.0
    sweep_stride: int = 1
    # Bursts of uploads, and how long the server is left alone after them.
    burst_rounds: int = 0
    rest_seconds: float = 0.0
    # Calls to the kernel are counted in a short and in a long run, allocations in the long one.
    calls_rounds: int = 0
    calls_seconds: tuple[float, float] = (0.0, 0.0)
    # Of a run at a rate: long enough for a p99 to be known where requests that wait come in crowds.
    paced_seconds: float = 0.0
    # Rounds of what is asked for at a share of what the simplest server bears.
    share_rounds: int = 0


PROFILES = {
    "base": {
        profile.name: profile
        for profile in (
            Profile("quick", 6, 10, 0.3, 0.05, 0.25, 1, 1.0, ("floor-epoll", "inline-system"), None, 3, 10_000),
            Profile("full", 12, 20, 3.0, 0.3, 2.0, 3, 3.0, None, None, 6, 10_000),
            Profile("smoke", 1, 1, 0.1, 0.02, 0.1, 1, 0.3, ("floor-epoll", "inline-system"), 2, 1, 1000),
        )
    },
    "dispatch": {
        profile.name: profile
        for profile in (
            Profile("quick", 6, 8, 0.25, 0.05, 0.25, 1, 1.0, (), None, 0, 1, 6, 0.15, 1, 6, 5.0, 2, (0.1, 0.4), 6.0, 3),
            Profile("full", 12, 20, 2.0, 0.3, 2.0, 1, 1.0, (), None, 0, 1, 12, 1.0, 1, 12, 5.0, 4, (0.2, 1.0), 20.0, 12),
            Profile("smoke", 1, 1, 0.2, 0.05, 0.1, 1, 1.0, (), None, 0, 1, 1, 0.2, 4, 1, 0.1, 1, (0.05, 0.1), 0.5, 1),
        )
    },
    # All generators have wrk's seconds: who starts more slowly is not to have less to divide that by.
    "generators": {
        profile.name: profile
        for profile in (
            Profile("quick", 6, 1, 2.0, 0.0, 1.0, 2, 2.0, None, None, 0, 1, paced_seconds=4.0),
            Profile("full", 12, 1, 10.0, 0.0, 1.0, 10, 10.0, None, None, 0, 1, paced_seconds=10.0),
            Profile("smoke", 1, 1, 1.0, 0.0, 1.0, 1, 1.0, None, None, 0, 1, paced_seconds=1.0),
        )
    },
}


@dataclasses.dataclass(frozen=True)
class Step:
    """One measurement.

    kind "cell": `generator` drives `variant`. "turn": loadgen drives `reference` (side a) and `variant` (side b) in
    turn. "generators": loadgen and wrk drive the floor `variant`, one after the other. "idle": connections to `variant`,
    which may also be a peer, are opened and held. "sweep": loadgen drives several servers, one after the other, whose
    handlers take `micros`. "burst": uploads to several servers that differ in the allocator, then rest.
    "calls": calls to the kernel and allocations of `variant` are counted. "saturation": all load generators drive the floor
    `variant`, one after the other, as fast as they can; "paced": at a rate. "share": loadgen drives several servers at a
    share of what the simplest one can bear.
    """

    kind: str
    variant: str
    workload: str
    round: int
    generator: str | None = None
    reference: str | None = None
    micros: int | None = None
    # Which part of the run it belongs to, from 1; no part of what it is.
    block: int = 0

    @property
    def id(self) -> str:
        several = "loadgen-wrk" if self.kind == "generators" else "all"
        what = self.generator or self.reference or (several if self.micros is None else f"{self.micros}us")
        return f"{self.kind}/{self.workload}/{self.variant}/{what}/{self.round}"

    def __str__(self) -> str:
        who = self.variant if self.reference is None else f"{self.variant} against {self.reference}"
        if self.kind == "idle":
            return f"{who}, memory of idle connections, round {self.round}"
        if self.kind == "sweep":
            return f"{self.workload}, {self.micros} µs, round {self.round}"
        if self.kind == "burst":
            return f"{self.workload}, round {self.round}"
        if self.kind == "calls":
            return f"{who} × {self.workload}, calls, round {self.round}"
        if self.kind == "share":
            return f"{self.workload}, round {self.round}"
        if self.kind in ("saturation", "paced"):
            return f"{self.workload}, all generators, round {self.round}"
        how = "in turn" if self.kind == "turn" else self.generator or "loadgen and wrk"
        return f"{who} × {self.workload}, {how}, round {self.round}"


def profile_of(
    name: str, rounds: int | None = None, seconds: float | None = None, suite: str = SUITES[0]
) -> Profile:
    """A suite's profile by name, with the changes that were asked for on the command line."""
    profile = PROFILES[suite][name]
    if rounds is not None:
        if rounds < 1 or (rounds < ROUNDS_MIN and name != "smoke"):
            raise UsageError(f"--rounds {rounds}: a figure needs at least {ROUNDS_MIN} rounds (--profile smoke: 1)")
        profile = dataclasses.replace(
            profile, rounds=rounds, turn_rounds=rounds, sweep_rounds=rounds if profile.sweep_rounds else 0,
            burst_rounds=rounds if profile.burst_rounds else 0, share_rounds=rounds if profile.share_rounds else 0,
        )
    if seconds is not None:
        if not 0.05 <= seconds <= 3600:
            raise UsageError(f"--seconds {seconds:g}: give between 0.05 and 3600")
        whole = max(1, round(seconds))
        profile = dataclasses.replace(
            profile, cell_seconds=seconds, turn_seconds=seconds, wrk_seconds=whole, generator_seconds=float(whole),
            sweep_seconds=seconds if profile.sweep_rounds else 0.0, paced_seconds=float(whole),
        )
    return profile


def make_plan(
    profile: Profile, contenders: Sequence[Contender], workloads: Sequence[Workload], seed: int,
    peers: Sequence[str] = (),
) -> list[Step]:
    """All steps of a run, in the order in which they are measured; the same arguments give the same plan. `peers` are
    the names of the servers of others that are there."""

    def steps_of_block(block: int) -> list[Step]:
        steps = _cells(profile, contenders, workloads, block)
        for turn_round in share(profile.turn_rounds, block, profile.rounds):
            steps += _turns(contenders, workloads, turn_round)
        for idle_round in share(profile.idle_rounds, block, profile.rounds):
            steps += _idle(contenders, peers, idle_round)
        return steps

    return arranged(profile, seed, steps_of_block)


def arranged(profile: Profile, seed: int, steps_of_block: Callable[[int], list[Step]]) -> list[Step]:
    """The blocks one after the other, each in an order of its own."""
    plan: list[Step] = []
    for block in range(1, profile.rounds + 1):
        steps = steps_of_block(block)
        random.Random(f"{seed}/order/{block}").shuffle(steps)
        plan += [dataclasses.replace(step, block=block) for step in steps]
    return plan


def plan_digest(plan: Sequence[Step]) -> str:
    """Tells whether a run that goes on is still the run that began."""
    return hashlib.sha256("\n".join(step.id for step in plan).encode()).hexdigest()


def coins(step: Step, seed: int) -> random.Random:
    """What chance decides within a step. By step, so that a run which goes on later draws the same."""
    return random.Random(f"{seed}/{step.id}")


def forecast_seconds(step: Step, profile: Profile) -> float:
    if step.kind == "turn":
        return 2 * (turn_pairs(profile) + SETTLE_PAIRS) * SLICE_MS / 1000 + 2 * OVERHEAD_SECONDS
    if step.kind == "idle":
        return 2 * profile.idle_connections / CROWD_PER_SECOND + OVERHEAD_SECONDS
    if step.kind == "sweep":
        return SWEPT_FORECAST * (profile.sweep_seconds + profile.warmup_seconds + 2 * OVERHEAD_SECONDS)
    if step.kind == "burst":
        return profile.rest_seconds + BURSTS_SECONDS
    if step.kind == "calls":
        return sum(profile.calls_seconds) + 2 * profile.calls_seconds[1] + TRACING_SECONDS
    if step.kind == "saturation":
        return GENERATORS_FORECAST * (profile.wrk_seconds + WRK_OVERHEAD_SECONDS)
    if step.kind == "paced":
        return GENERATORS_FORECAST * (profile.paced_seconds + OVERHEAD_SECONDS)
    if step.kind == "share":
        return 2 * profile.cell_seconds + 2 * profile.paced_seconds + 3 * (profile.warmup_seconds + OVERHEAD_SECONDS)
    if step.kind == "generators":
        return profile.wrk_seconds + profile.generator_seconds + WRK_OVERHEAD_SECONDS + OVERHEAD_SECONDS
    if step.generator == "wrk":
        return profile.wrk_seconds + WRK_OVERHEAD_SECONDS
    return profile.warmup_seconds + profile.cell_seconds + OVERHEAD_SECONDS


def turn_pairs(profile: Profile) -> int:
    return max(2, round(profile.turn_seconds * 1000 / (2 * SLICE_MS)))


def needs_wrk(step: Step) -> bool:
    return step.generator == "wrk" or step.kind in ("generators", "saturation", "paced")


def profile_record(profile: Profile) -> dict[str, Any]:
    return {**dataclasses.asdict(profile), "slice_ms": SLICE_MS}


def _cells(
    profile: Profile, contenders: Sequence[Contender], workloads: Sequence[Workload], round_number: int
) -> list[Step]:
    steps: list[Step] = []
    for workload_index, workload in enumerate(workloads):
        wrk_here = profile.wrk_workloads is None or workload_index < profile.wrk_workloads
        for contender in contenders:
            variant = contender.variant
            steps.append(Step("cell", variant.name, workload.name, round_number, generator="loadgen"))
            if not wrk_here or (profile.wrk_variants is not None and variant.name not in profile.wrk_variants):
                continue
            # On the floor wrk's own row comes out of the comparison with loadgen: the same measurement would be
            # made twice.
            if variant.kind == "floor":
                steps.append(Step("generators", variant.name, workload.name, round_number))
            else:
                steps.append(Step("cell", variant.name, workload.name, round_number, generator="wrk"))
    return steps


def _turns(contenders: Sequence[Contender], workloads: Sequence[Workload], round_number: int) -> list[Step]:
    names = {contender.name for contender in contenders}
    return [
        Step("turn", contender.name, workload.name, round_number, reference=contender.reference)
        for workload in workloads
        for contender in contenders
        if contender.reference in names
    ]


def _idle(contenders: Sequence[Contender], peers: Sequence[str], round_number: int) -> list[Step]:
    """The floor has no connection to speak of, and how a program is linked does not change what it allocates."""
    ours = [
        contender.name for contender in contenders
        if contender.variant.kind == "server" and not contender.is_layout_pair
    ]
    return [Step("idle", name, IDLE, round_number, generator="crowd") for name in [*ours, *peers]]


def share(rounds: int, block: int, blocks: int) -> range:
    """Which of so many rounds belong to a block, spread as evenly as whole numbers allow."""
    first, last = ((number * rounds) // blocks for number in (block - 1, block))
    return range(first + 1, last + 1)
