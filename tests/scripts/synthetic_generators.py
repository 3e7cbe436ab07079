"""A record of the suite "generators", made up from a seed: what a request costs each generator is known."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import synthetic
from conftest import ROOT
from httpdyno_bench import generators_plan, plan
from httpdyno_bench.contenders import as_built
from httpdyno_bench.tables import Workload, load_variants, load_workloads, select

# CPU of the generator for each request, ns, at depth 1; pipelined a tenth of that.
CPU_NS = {"loadgen": 4000.0, "wrk": 6200.0, "h2load": 6900.0, "hey": 17000.0}
SECONDS = 2.0
STARTS_IN = 0.01
# At a rate: what each calls the median, how late loadgen sends, and how long the server stands still.
SAID_P50_NS = {"loadgen": 30_000, "wrk": 290_000, "hey": 100_000}
SEND_LAG_P99_NS = 20_000
STALL_SECONDS = 0.05
BUSY_SHARE = 0.1


def make_record(results: Path, rounds: int = 6, seed: int = 1) -> Path:
    """Writes a record and returns its folder."""
    if rounds not in (1, 6):
        raise ValueError("one round or six")
    profile = plan.profile_of("quick" if rounds == 6 else "smoke", suite="generators")
    name = f"2026-11-21T1400Z-aaaaaaa-generators-{profile.name}"
    folder = results / name
    folder.mkdir(parents=True)
    variants = select(load_variants(ROOT / "variants" / "variants.json"), None, "variant", "generators")
    workloads = select(load_workloads(ROOT / "bench" / "scenarios.json"), None, "workload", "generators")
    record = synthetic.head(name, profile, variants, workloads)
    record |= {"suite": "generators", "command": f"scripts/bench.py --suite generators --profile {profile.name} --seed 1",
               "tools": {**record["tools"], "h2load": "1.52.0-1", "hey": "0.1.4-2"}, "saturation": [], "paced": []}
    for step in generators_plan.make_plan(profile, as_built(variants), workloads, 1):
        chance = random.Random(f"{seed}/{step.id}")
        workload = next(w for w in workloads if w.name == step.workload)
        order = generators_plan.taking_part(workload)
        chance.shuffle(order)
        samples = {name: _sample(chance, name, workload) for name in order}
        record[step.kind].append({"variant": step.variant, "workload": step.workload, "round": step.round,
                                  "seconds": 8.5, "order": order, "samples": samples})
    synthetic.write(folder, record)
    return folder


def _sample(chance: random.Random, generator: str, workload: Workload) -> dict[str, Any]:
    """As fast as it can each saturates its core; h2load leaves what is in flight at the end uncounted."""
    paced = generators_plan.rate_of(generator, workload)
    cost = CPU_NS[generator] / (1 if workload.pipeline == 1 else 10) * chance.gauss(1, 0.01)
    counted = round(SECONDS * 1e9 / cost)
    claimed = counted - (64 if generator == "h2load" else 0)
    latency: dict[str, int | None] = {"mean": 300_000, "p50": 290_000, "p90": 400_000, "p99": 600_000, "p99_9": 900_000,
                                      "max": 5_000_000}
    if generator == "h2load":
        latency |= dict.fromkeys(("p50", "p90", "p99", "p99_9"))
    if paced:
        counted = claimed = round(paced * SECONDS)
    parts: dict[str, Any] = {}
    if workload.kind == "paced":
        latency |= {"p50": None if generator == "h2load" else SAID_P50_NS[generator]}
        parts |= {"stalls": [STALL_SECONDS] * 2} if workload.stall_ms else {}
        if generator == "loadgen":
            lag = {**latency, "p50": 1_000, "p99": round(SEND_LAG_P99_NS * chance.gauss(1, 0.02))}
            parts |= {"queue_ns": lag, "service_ns": latency}
    return {**parts, "requests": counted, "claimed_requests": claimed, "requests_per_second": claimed / SECONDS,
            "wall_seconds": SECONDS + STARTS_IN, "generator_cpu_ns_per_request": round(cost, 1),
            "generator_cpu_share": 0.995, "generator_bound": True, "server_cpu_ns_per_request": 4600.0,
            "server_cpu_share": BUSY_SHARE if paced else 0.7, "latency_ns": latency,
            "steal_share": 0.001, "foreign_cpu_share": 0.01, "load_average": 1.2}
