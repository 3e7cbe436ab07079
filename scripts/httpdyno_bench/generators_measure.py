"""The steps that only the suite "generators" has: the floor as fast as each generator can, and at a rate."""

from __future__ import annotations

import contextlib
from random import Random
from typing import Any

from . import other_generators
from .generators import Load
from .generators_plan import rate_of, taking_part
from .measure import Bench, Measure, check_counts, named, per_request, scratch_folder
from .plan import Step
from .servers import Server
from .stalls import stalling
from .tables import Workload

# What is kept of a sample; the rest says something of the server.
_KEYS = ("requests_per_second", "generator_cpu_share", "generator_bound", "server_cpu_ns_per_request", "server_cpu_share",
         "latency_ns", "steal_share", "foreign_cpu_share", "load_average")


_SOMETIMES = ("queue_ns", "service_ns", "suspect")


class GeneratorsBench(Bench):
    keeps_histograms = False

    def _kind(self, step: Step) -> Measure:
        return {"saturation": self._all_generators, "paced": self._all_generators}[step.kind]

    def _all_generators(self, step: Step, chance: Random) -> dict[str, Any]:
        """All that take part, one right after the other in random order, each against a fresh floor: its count is that of
        one generator alone."""
        workload = self._workloads[step.workload]
        order = taking_part(workload)
        chance.shuffle(order)
        return {"order": order, "samples": {name: self._driven(step.variant, name, workload, chance) for name in order}}

    def _driven(self, variant: str, generator: str, workload: Workload, chance: Random) -> dict[str, Any]:
        with named(generator), self._serving(variant, workload.floor, chance) as server:
            with _stalling(server, workload) as stalls:
                figures, load = self._drive(server, lambda: self._generate(server, generator, workload))
            counted = server.stop()["requests"]
            check_counts(server.name, counted, load)
        sample = per_request(figures, load, counted)
        return {
            # What the server counted is what was done; a generator's own count is its claim.
            "requests": counted,
            "claimed_requests": load.requests,
            "generator_cpu_ns_per_request": round(load.cpu_ns / counted, 1),
            "wall_seconds": round(load.wall_ns / 1e9, 4),
            **({"stalls": [round(seconds, 4) for seconds in stalls]} if workload.stall_ms else {}),
            **{key: sample[key] for key in (*_KEYS, *_SOMETIMES) if key in sample},
        }

    def _generate(self, server: Server, generator: str, workload: Workload) -> Load:
        core, rate = self._cores.generator, rate_of(generator, workload)
        seconds = round(self._profile.paced_seconds) if workload.kind == "paced" else self._profile.wrk_seconds
        if generator == "wrk":
            return self._generators.wrk(server.url, workload, core, seconds)
        if generator == "loadgen":
            with scratch_folder() as scratch:
                file = scratch / "loadgen.json"
                return self._generators.loadgen(server.url, workload, core, seconds, 0.0, file, None, rate)
        tool = {"h2load": other_generators.h2load, "hey": other_generators.hey}[generator]
        return tool(server.url, workload, core, seconds, rate)


def _stalling(server: Server, workload: Workload) -> contextlib.AbstractContextManager[list[float]]:
    if not workload.stall_ms:
        return contextlib.nullcontext([])
    return stalling(server.pid, workload.stall_ms / 1000, workload.period_ms / 1000)
