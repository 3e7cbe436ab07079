"""A suite's plan."""

from __future__ import annotations

from collections.abc import Sequence

from . import dispatch_plan, plan
from .record import Setup
from .tables import SUITES


def plan_of(setup: Setup, peers: Sequence[str]) -> list[plan.Step]:
    """`peers` are the names of the servers of others that are there."""
    if setup.suite == SUITES[0]:
        return plan.make_plan(setup.profile, setup.contenders, setup.workloads, setup.seed, peers)
    return dispatch_plan.make_plan(setup.profile, setup.contenders, setup.workloads, setup.seed)
