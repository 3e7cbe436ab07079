"""The suite "generators": what load generators cost, and what they say of a server that is known.

Its server is the floor alone. What each generator can do is said here, once: who cannot do what a workload asks for takes
no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .contenders import Contender
from .plan import Profile, Step, arranged
from .tables import Workload

KINDS = ("saturation", "paced")
# In the order of the report.
GENERATORS = ("loadgen", "wrk", "h2load", "hey")
_PIPELINING = ("loadgen", "wrk", "h2load")
_WITH_A_RATE = ("loadgen", "h2load", "hey")


def make_plan(
    profile: Profile, contenders: Sequence[Contender], workloads: Sequence[Workload], seed: int
) -> list[Step]:
    """All steps of a run, in the order in which they are measured; the same arguments give the same plan."""

    def steps_of_block(block: int) -> list[Step]:
        return [
            Step("paced" if workload.kind == "paced" else "saturation", contender.name, workload.name, block)
            for workload in workloads if workload.kind in ("load", "paced")
            for contender in contenders if contender.variant.kind == "floor"
        ]

    return arranged(profile, seed, steps_of_block)


def taking_part(workload: Workload) -> list[str]:
    """A generator without a rate shows, where the server stalls, what a closed loop says of that; at a steady rate of a
    server that does not it has nothing to say."""
    if workload.kind == "paced":
        return [name for name in GENERATORS if name in _WITH_A_RATE or workload.stall_ms]
    return [name for name in GENERATORS if workload.pipeline == 1 or name in _PIPELINING]


def rate_of(generator: str, workload: Workload) -> int | None:
    return workload.rate if workload.kind == "paced" and generator in _WITH_A_RATE else None
