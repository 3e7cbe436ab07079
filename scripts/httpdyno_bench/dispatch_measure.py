"""The steps that only the suite "dispatch" has: sweeps, bursts of uploads, counts of calls."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from random import Random
from typing import Any

from . import allocations
from .calls import CallCounter
from .dispatch_plan import allocators, shared, sweep_seconds, swept
from .errors import RunError
from .footprint import footprint
from .measure import IDLE_FLAGS, Bench, Measure, check_counts, named, per_request, scratch_folder
from .plan import Step
from .servers import Server
from .tables import Workload
from .uploads import uploading

# What a point of a sweep keeps of a sample.
_SWEEP_KEYS = ("requests", "requests_per_second", "server_cpu_ns_per_request", "generator_bound", "steal_share",
               "foreign_cpu_share", "suspect")


class DispatchBench(Bench):
    keeps_histograms = False

    def _kind(self, step: Step) -> Measure:
        own = {"sweep": self._sweep, "share": self._share, "burst": self._burst, "calls": self._calls}
        return own.get(step.kind) or super()._kind(step)

    def _sweep(self, step: Step, chance: Random) -> dict[str, Any]:
        """Fresh servers, one right after the other in random order: what drifts more slowly hits all of them."""
        workload = self._workloads[step.workload]
        assert step.micros is not None
        point = dataclasses.replace(workload, path=f"{workload.path}{step.micros}")
        seconds = sweep_seconds(self._profile, workload, step.micros)
        order = [contender.name for contender in swept(list(self._contenders.values()))]
        chance.shuffle(order)
        samples = {}
        for name in order:
            sample = self._loaded(name, point, chance, seconds, None)
            samples[name] = {key: sample[key] for key in _SWEEP_KEYS if key in sample}
            samples[name]["p99_ns"] = sample["latency_ns"]["p99"]
        return {"micros": step.micros, "order": order, "samples": samples}

    def _share(self, step: Step, chance: Random) -> dict[str, Any]:
        """What the simplest server bears, by a closed loop; then fresh servers at a share of that, one right after the other
        in random order, by an open loop: none of them gets less to do because it is slow."""
        workload = self._workloads[step.workload]
        contenders = [contender.name for contender in shared(list(self._contenders.values()))]
        bearing = self._loaded(contenders[0], workload, chance, 2 * self._profile.cell_seconds, None)
        rate = max(1, round(workload.rate_share * bearing["requests_per_second"]))
        order = list(contenders)
        chance.shuffle(order)
        samples = {name: self._loaded(name, workload, chance, self._profile.paced_seconds, rate) for name in order}
        return {"capacity_per_second": bearing["requests_per_second"], "rate": rate, "order": order, "samples": samples}

    def _loaded(
        self, name: str, workload: Workload, chance: Random, seconds: float, rate: int | None
    ) -> dict[str, Any]:
        """A fresh server under loadgen, in a step of several."""
        with (
            named(name),
            self._serving(name, workload.server, chance, workload.spread) as server,
            scratch_folder() as scratch,
        ):
            figures, load = self._drive(
                server, lambda: self._generators.loadgen(
                    server.url, workload, self._cores.generator, seconds, self._profile.warmup_seconds,
                    scratch / "loadgen.json", None, rate,
                )
            )
            counted = server.stop()["requests"]
            check_counts(server.name, counted, load)
        return per_request(figures, load, counted)

    def _burst(self, step: Step, chance: Random) -> dict[str, Any]:
        """Fresh servers that are alive together; each one's burst falls into the rest of those before it."""
        workload = self._workloads[step.workload]
        order = [contender.name for contender in allocators(list(self._contenders.values()))]
        chance.shuffle(order)
        with contextlib.ExitStack() as stack:
            resting = []
            for name in order:
                server = stack.enter_context(self._serving(name, (*IDLE_FLAGS, *workload.server), chance))
                empty = footprint(server)
                uploaders = stack.enter_context(
                    uploading(server.url, workload.path, workload.connections, workload.body_bytes)
                )
                with named(name):
                    for _ in range(workload.bursts):
                        uploaders.burst()
                resting.append((name, server, time.monotonic(), {"empty": empty, "after_burst": footprint(server)}))
            samples = {name: self._rested(server, since, memory) for name, server, since, memory in resting}
            for name, server, _, _ in resting:
                asked = workload.connections * workload.bursts
                if (counted := server.stop()["requests"]) != asked:
                    raise RunError(f"counts differ: {server.name} answered {counted} requests of {asked}")
        return {"order": order, "samples": samples}

    def _rested(self, server: Server, since: float, memory: dict[str, Any]) -> dict[str, Any]:
        left = self._profile.rest_seconds - (time.monotonic() - since)
        if left > 0:
            time.sleep(left)
        return {**memory, "rest_seconds": round(time.monotonic() - since, 3), "after_rest": footprint(server)}

    def _calls(self, step: Step, chance: Random) -> dict[str, Any]:
        """A short run and a long one: what start, end and connections take is in both, and not in their difference."""
        workload = self._workloads[step.workload]
        runs = [self._traced(step, workload, chance, seconds) for seconds in self._profile.calls_seconds]
        if runs[1]["requests"] <= runs[0]["requests"]:
            raise RunError(f"the long run had {runs[1]['requests']} requests, the short one {runs[0]['requests']}")
        return {"runs": runs, "allocations": self._allocations(step, workload, chance)}

    def _traced(self, step: Step, workload: Workload, chance: Random, seconds: float) -> dict[str, Any]:
        with scratch_folder() as scratch:
            counter = CallCounter(scratch / "calls")
            with self._serving(step.variant, workload.server, chance, wrapper=counter.wrapper) as server:
                load = self._generators.loadgen(
                    server.url, workload, self._cores.generator, seconds, 0.0, scratch / "loadgen.json", None
                )
                counted = server.stop()["requests"]
            check_counts(server.name, counted, load)
            return {"requests": counted, "calls": counter.counts()}

    def _allocations(self, step: Step, workload: Workload, chance: Random) -> dict[str, Any]:
        """Of the second of two loads of one server: what is taken once, the first one took."""
        with scratch_folder() as scratch:
            file = scratch / "allocations"
            environment = allocations.environment(self._generators.allocations_library, file)
            with self._serving(step.variant, workload.server, chance, environment=environment) as server:
                first, second = (
                    (
                        self._generators.loadgen(
                            server.url, workload, self._cores.generator, seconds, 0.0, scratch / "loadgen.json", None
                        ),
                        allocations.read_counts(file),
                    )
                    for seconds in self._profile.calls_seconds
                )
                check_counts(server.name, server.stop()["requests"], first[0], second[0])
        return {
            "requests": second[0].requests,
            "calls": {name: second[1][name] - first[1][name] for name in second[1] if name != allocations.BYTES},
        }
