"""One step of the plan: fresh servers, a generator, figures, and the checks without which they count for nothing."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from . import plan
from .crowd import connections_within_limits, gathered
from .errors import RunError
from .footprint import descriptors_at_rest, footprint, wait_for_descriptors
from .generators import BOUND_SHARE, Generators, Load
from .identity import Program
from .machine import Placement, Reading, disturbance
from .peers import Peer, serving_peer
from .plan import Step
from .record import Setup
from .servers import Server, serving
from .tables import Workload

# The start of a process fixes where its stack lies; the size of its environment moves that, so it is drawn anew.
_ENVIRONMENT_PADDING_MAX = 4096
# No idle connection may be closed while they are counted (the peers' configurations say the same), and no request that
# comes together with all others be refused.
IDLE_FLAGS = ("--timeout-keepalive-ms", "600000")
_IDLE_POOL_FLAGS = ("--thread-pool-backlog", "1000000")
# What a server needs once, its first pages of code among it, is not what a connection costs.
_FIRST_CONNECTIONS = 10

# How a step of a kind is measured.
Measure = Callable[[Step, Random], dict[str, Any]]


class Bench:
    """Everything a step needs. Steps share no state, so they may come in any order and after any pause."""

    # Only BENCH.md's curves need them.
    keeps_histograms = True

    def __init__(
        self, setup: Setup, programs: Mapping[str, Program], peers: Mapping[str, Peer], generators: Generators,
        cores: Placement, histograms: Path,
    ) -> None:
        self._contenders = {contender.name: contender for contender in setup.contenders}
        self._workloads = {workload.name: workload for workload in setup.workloads}
        self._profile = setup.profile
        self._seed = setup.seed
        self._programs = programs
        self._peers = peers
        self._generators = generators
        self._cores = cores
        self._histograms = histograms

    def measure(self, step: Step) -> dict[str, Any]:
        """The step's result, ready for the journal."""
        result = self._kind(step)(step, plan.coins(step, self._seed))
        head = {"step": step.id, "kind": step.kind, "variant": step.variant, "workload": step.workload,
                "round": step.round}
        return {**head, **result}

    def _kind(self, step: Step) -> Measure:
        return {
            "cell": self._cell, "turn": self._turn, "generators": self._compare_generators, "idle": self._idle
        }[step.kind]

    def _cell(self, step: Step, chance: Random) -> dict[str, Any]:
        """One generator against one fresh server."""
        workload = self._workloads[step.workload]
        with (
            self._serving(step.variant, self._flags(step.variant, workload), chance, workload.spread) as server,
            scratch_folder() as scratch,
        ):
            if step.generator == "wrk":
                figures, load = self._drive(server, lambda: self._wrk(server, workload))
                histogram = None
            else:
                histogram = scratch / "latency.hgrm" if self.keeps_histograms else None
                figures, load = self._drive(server, lambda: self._loadgen(server, workload, scratch, histogram))
            server_requests = server.stop()["requests"]
            check_counts(server.name, server_requests, load)
            if histogram is not None:
                figures["histogram"] = self._keep(histogram, step)
        return {"generator": step.generator, "sample": per_request(figures, load, server_requests)}

    def _turn(self, step: Step, chance: Random) -> dict[str, Any]:
        """Two fresh servers on one core, driven in turn in short slices. A coin decides which one starts first, and
        with that which one gets which port; the coin for the order within a pair is loadgen's."""
        assert step.reference is not None
        workload = self._workloads[step.workload]
        order = [step.reference, step.variant]
        if chance.random() < 0.5:
            order.reverse()
        before = Reading.now(self._cores)
        with contextlib.ExitStack() as stack:
            scratch = stack.enter_context(scratch_folder())
            servers = {
                name: stack.enter_context(self._serving(name, self._flags(name, workload), chance)) for name in order
            }
            a, b = servers[step.reference], servers[step.variant]
            cpu_before = a.cpu_ns() + b.cpu_ns()
            try:
                turns = self._generators.in_turn(
                    a, b, workload, self._cores.generator, plan.turn_pairs(self._profile),
                    chance.getrandbits(31), scratch / "slices.ndjson",
                )
            except RunError:
                a.check_alive()
                b.check_alive()
                raise
            own_cpu = a.cpu_ns() + b.cpu_ns() - cpu_before
            for server, side in ((a, "a"), (b, "b")):
                counted = server.stop()["requests"]
                if counted != turns.requests[side]:
                    raise RunError(f"counts differ: {server.name} answered {counted} requests, "
                                   f"loadgen versus counted {turns.requests[side]}")
        after = Reading.now(self._cores)
        return {
            "reference": step.reference,
            "started_first": order[0],
            "pair_log_ratios": [round(value, 6) for value in turns.log_ratios],
            "reference_cpu_ns_per_request": round(turns.cpu_ns_per_request["a"], 1),
            "variant_cpu_ns_per_request": round(turns.cpu_ns_per_request["b"], 1),
            "requests": turns.requests["a"] + turns.requests["b"],
            # The generator's own time is not apart here: what is left over belongs to it and to others.
            "steal_share": disturbance(before, after, own_cpu)["steal_share"],
        }

    def _compare_generators(self, step: Step, chance: Random) -> dict[str, Any]:
        """loadgen and wrk, one after the other in an order drawn by a coin, against one fresh floor server."""
        workload = self._workloads[step.workload]
        order = ["loadgen", "wrk"]
        if chance.random() < 0.5:
            order.reverse()
        with self._serving(step.variant, workload.floor, chance) as server, scratch_folder() as scratch:
            driven = {}
            for name in order:
                if name == "wrk":
                    driven[name] = self._drive(server, lambda: self._wrk(server, workload))
                else:
                    driven[name] = self._drive(
                        server, lambda: self._generators.loadgen(
                            server.url, workload, self._cores.generator, self._profile.generator_seconds, 0.0,
                            scratch / "loadgen.json", None,
                        )
                    )
            server_requests = server.stop()["requests"]
            loads = {name: load for name, (_, load) in driven.items()}
            # The server counts once for both; loadgen's count is exact, so the rest is wrk's.
            check_counts(server.name, server_requests, *loads.values())
            served = {"loadgen": loads["loadgen"].requests, "wrk": server_requests - loads["loadgen"].requests}
        return {
            "first": order[0],
            "samples": {
                name: per_request(figures, load, served[name]) for name, (figures, load) in sorted(driven.items())
            },
        }

    def _idle(self, step: Step, chance: Random) -> dict[str, Any]:
        """What connections cost that were answered once and are held open, then once more all at the same time, and
        what is left when they have gone."""
        connections = connections_within_limits(self._profile.idle_connections)
        with contextlib.ExitStack() as stack:
            if step.variant in self._peers:
                peer = self._peers[step.variant]
                server = stack.enter_context(serving_peer(peer, self._cores.server, 2 * connections))
            else:
                pooled = self._contenders[step.variant].variant.axes["dispatch"] == "pool"
                flags = (*IDLE_FLAGS, *(_IDLE_POOL_FLAGS if pooled else ()))
                server = stack.enter_context(self._serving(step.variant, flags, chance))
            crowd = stack.enter_context(gathered(server.url))
            crowd.join(_FIRST_CONNECTIONS)
            crowd.leave()
            own = descriptors_at_rest(server)
            memory = {"empty": footprint(server)}
            crowd.join(connections)
            memory["idle"] = footprint(server)
            crowd.ask_all_at_once()
            memory["after_burst"] = footprint(server)
            crowd.leave()
            wait_for_descriptors(server, own)
            memory["closed"] = footprint(server)
            asked = _FIRST_CONNECTIONS + 2 * connections
            if step.variant in self._contenders and (counted := server.stop()["requests"]) != asked:
                raise RunError(f"counts differ: {server.name} answered {counted} requests of {asked}")
        return {"connections": connections, **memory}

    def _drive(self, server: Server, generate: Any) -> tuple[dict[str, Any], Load]:
        """Runs a generator and reads every clock around it."""
        reading_before = Reading.now(self._cores)
        cpu_before = server.cpu_ns()
        try:
            load: Load = generate()
        except RunError:
            server.check_alive()  # The first cause, if it died.
            raise
        server_cpu = server.cpu_ns() - cpu_before
        memory = server.memory()
        reading_after = Reading.now(self._cores)
        return {
            "server_cpu_ns": server_cpu,
            "server_cpu_share": round(server_cpu / load.wall_ns, 4),
            **memory,
            **disturbance(reading_before, reading_after, server_cpu + load.cpu_ns),
        }, load

    def _loadgen(self, server: Server, workload: Workload, scratch: Path, histogram: Path | None) -> Load:
        return self._generators.loadgen(
            server.url, workload, self._cores.generator, self._profile.cell_seconds, self._profile.warmup_seconds,
            scratch / "loadgen.json", histogram,
        )

    def _wrk(self, server: Server, workload: Workload) -> Load:
        return self._generators.wrk(server.url, workload, self._cores.generator, self._profile.wrk_seconds)

    def _flags(self, name: str, workload: Workload) -> Sequence[str]:
        return workload.floor if self._contenders[name].variant.kind == "floor" else workload.server

    @contextlib.contextmanager
    def _serving(
        self, name: str, arguments: Sequence[str], chance: Random, spread: bool = False,
        environment: Mapping[str, str] | None = None, wrapper: Sequence[str] = (),
    ) -> Iterator[Server]:
        contender = self._contenders[name]
        program = self._programs[contender.variant.name]
        if not program.unchanged():
            raise RunError(f"{name} was built anew while the run was on")
        padding = {"HTTPDYNO_PADDING": "x" * chance.randrange(_ENVIRONMENT_PADDING_MAX)}
        with serving(
            program.path, [*contender.flags, *arguments], None if spread else self._cores.server,
            {**padding, **(environment or {})}, wrapper=wrapper,
        ) as server:
            yield server

    def _keep(self, histogram: Path, step: Step) -> str:
        """Moves a histogram into the record, under its name only when it is whole."""
        name = f"{step.workload}.{step.variant}.{step.round}.hgrm"
        try:
            self._histograms.mkdir(exist_ok=True)
            content = histogram.read_bytes()
            half = self._histograms / f".{name}.part"
            half.write_bytes(content)
            os.replace(half, self._histograms / name)
        except FileNotFoundError:
            raise RunError("loadgen wrote no histogram") from None
        return f"{self._histograms.name}/{name}"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="httpdyno-") as directory:
        yield Path(directory)


@contextlib.contextmanager
def named(who: str) -> Iterator[None]:
    """Where a step has several servers or generators, an error says whose it is."""
    try:
        yield
    except RunError as error:
        raise type(error)(f"{who}: {error}") from error


def check_counts(server: str, counted: int, *loads: Load) -> None:
    """Requests that one side knows and the other does not are requests that nobody should report."""
    least = sum(load.requests for load in loads)
    most = least + sum(load.uncounted_max for load in loads)
    if not least <= counted <= most:
        who = " and ".join(load.generator for load in loads)
        raise RunError(f"counts differ: {server} answered {counted} requests, {who} counted {least}"
                       + (f" (and at most {most - least} in flight at the end)" if most > least else ""))


def per_request(figures: Mapping[str, Any], load: Load, server_requests: int) -> dict[str, Any]:
    """The sample of one generator run. The server's CPU time is shared out over what it answered, the generator's over
    what it counted."""
    if load.requests == 0:
        raise RunError(f"{load.generator} got no answer at all")
    rest = {key: value for key, value in figures.items() if key != "server_cpu_ns"}
    if load.kinds:
        rest["kinds"] = {
            name: {**kind, "latency_ns": _whole_ns(kind["latency_ns"])} for name, kind in load.kinds.items()
        }
    rest |= {part: _whole_ns(latency) for part, latency in load.parts.items()}
    if load.suspect:
        rest["suspect"] = list(load.suspect)
    return {
        "requests": load.requests,
        "server_requests": server_requests,
        "requests_per_second": round(load.requests_per_second, 1),
        "server_cpu_ns_per_request": round(figures["server_cpu_ns"] / server_requests, 1),
        "generator_cpu_ns_per_request": round(load.cpu_ns / load.requests, 1),
        "generator_cpu_share": round(load.cpu_share, 4),
        "generator_bound": load.cpu_share >= BOUND_SHARE,
        "latency_ns": _whole_ns(load.latency_ns),
        **rest,
    }


def _whole_ns(latency_ns: Mapping[str, float | None]) -> dict[str, int | None]:
    return {key: None if value is None else round(value) for key, value in latency_ns.items()}
