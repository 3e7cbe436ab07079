"""A suite's plan, and who measures it."""

from __future__ import annotations

from collections.abc import Sequence

from . import dispatch_plan, generators_plan, plan
from .dispatch_measure import DispatchBench
from .generators_measure import GeneratorsBench
from .measure import Bench
from .record import Setup
from .tables import SUITES

BENCHES: dict[str, type[Bench]] = dict(zip(SUITES, (Bench, DispatchBench, GeneratorsBench), strict=True))


def plan_of(setup: Setup, peers: Sequence[str]) -> list[plan.Step]:
    """`peers` are the names of the servers of others that are there."""
    if setup.suite == SUITES[0]:
        return plan.make_plan(setup.profile, setup.contenders, setup.workloads, setup.seed, peers)
    of_suite = {"dispatch": dispatch_plan.make_plan, "generators": generators_plan.make_plan}[setup.suite]
    return of_suite(setup.profile, setup.contenders, setup.workloads, setup.seed)
