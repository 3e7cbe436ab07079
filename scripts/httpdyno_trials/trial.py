"""One trial: for each attack and round a fresh server, and a healthy client without the attack and during it."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from httpdyno_bench.crowd import connections_within_limits
from httpdyno_bench.errors import RunError
from httpdyno_bench.generators import Generators
from httpdyno_bench.machine import Placement, Reading, disturbance
from httpdyno_bench.servers import Server, serving
from httpdyno_bench.tables import Workload

from .attacks import ATTACKS, RATE, Attack, attacking
from .watch import Watch, longest_life

# The healthy client: few connections that ask again as soon as they are answered.
HEALTHY = Workload("healthy-client", "GET /plaintext", "/plaintext", 2, 1, (), (), (), ("base",))
# After the last deadline.
_MARGIN_SECONDS = 1.0
# Connections that have not been given up after this will not be.
_PATIENCE_SECONDS = 20.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a trial is. `timeout_ms` is each of the server's deadlines: requests, writes, idle connections."""

    variant: str
    connections: int
    rounds: int
    timeout_ms: int
    seed: int

    @property
    def flags(self) -> tuple[str, ...]:
        timeout = str(self.timeout_ms)
        return ("--timeout-request-ms", timeout, "--timeout-write-ms", timeout, "--timeout-keepalive-ms", timeout)

    @property
    def seconds(self) -> float:
        """As long as an attack may last: from its first connection to the last one's deadline."""
        return self.connections / RATE + self.timeout_ms / 1000 + _MARGIN_SECONDS


def run(
    settings: Settings, program: Path, generators: Generators, cores: Placement, tell: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """The results of the rounds, as they come. The attacks of a round come in random order, and a coin says whether the
    healthy client is measured first without its attack or first with it."""
    if connections_within_limits(settings.connections) < settings.connections:
        raise RunError(f"{settings.connections} connections need more descriptors than ulimit -n allows")
    chance = random.Random(settings.seed)
    for number in range(1, settings.rounds + 1):
        for attack in chance.sample(ATTACKS, len(ATTACKS)):
            attacked_first = chance.random() < 0.5
            tell(f"round {number} of {settings.rounds}, {attack.name}")
            with _serving(settings, program, cores) as server:
                sides = [False, True]
                if attacked_first:
                    sides.reverse()
                result: dict[str, Any] = {"attack": attack.name, "round": number, "attacked_first": attacked_first}
                for attacked in sides:
                    if attacked:
                        result["attacked"], result["eviction"] = _attacked(settings, attack, server, generators, cores)
                    else:
                        result["undisturbed"] = _healthy(settings, server, generators, cores)
            yield result


@contextlib.contextmanager
def _serving(settings: Settings, program: Path, cores: Placement) -> Iterator[Server]:
    with serving(program, settings.flags, cores.server) as server:
        yield server
        server.stop()


def _attacked(
    settings: Settings, attack: Attack, server: Server, generators: Generators, cores: Placement
) -> tuple[dict[str, Any], dict[str, Any]]:
    connections = attack.connections(settings.connections)
    with Watch(server.url) as watch, attacking(attack, server.url, settings.connections, cores.generator):
        healthy = _healthy(settings, server, generators, cores)
        # By now all should have been given up. Whoever has not is late, and the record will say by how much.
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (life := longest_life(watch.samples, attack.evicted_by, connections)) is None:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        first, last = watch.samples[0].counters, watch.latest
    evicted = sum(last[name] - first[name] for name in attack.evicted_by)
    return healthy, {
        "accepted": last["accepted"] - first["accepted"],
        "open_max": max(sample.counters["active"] for sample in watch.samples) - first["active"],
        "evicted": evicted,
        "longest_life_ms": None if life is None else round(life * 1000),
        "counters": {name: last[name] - first[name] for name in sorted(last) if name.startswith("timeouts_")},
        "server_rss_peak_bytes": server.memory()["server_rss_peak_bytes"],
    }


def _healthy(settings: Settings, server: Server, generators: Generators, cores: Placement) -> dict[str, Any]:
    before = Reading.now(cores)
    cpu_before = server.cpu_ns()
    with tempfile.TemporaryDirectory(prefix="httpdyno-") as scratch:
        load = generators.loadgen(
            server.url, HEALTHY, cores.generator, settings.seconds, 0.0, Path(scratch) / "loadgen.json", None
        )
    if load.latency_ns["p99"] is None:
        raise RunError(f"{load.requests} requests of the healthy client are too few for a p99")
    cpu_ns = server.cpu_ns() - cpu_before
    others = disturbance(before, Reading.now(cores), cpu_ns + load.cpu_ns)
    return {
        "requests": load.requests,
        "latency_ns": {key: round(value) for key, value in load.latency_ns.items() if value is not None},
        "server_cpu_share": round(cpu_ns / load.wall_ns, 4),
        "server_cpu_ns_per_request": round(cpu_ns / load.requests, 1),
        "steal_share": others["steal_share"],
        "foreign_cpu_share": others["foreign_cpu_share"],
    }
