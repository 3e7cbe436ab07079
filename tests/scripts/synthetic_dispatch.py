"""A record of the suite "dispatch", made up from a seed on curves whose crossings are known."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path
from typing import Any

import synthetic
from conftest import ROOT
from httpdyno_bench import dispatch_plan, plan
from httpdyno_bench.contenders import Contender, with_pool_sizes
from httpdyno_bench.tables import load_variants, load_workloads, select

# Microseconds for a request inline beside its handler; and where more than one lane overtakes one.
INLINE_US = 5.0
CROSSING_US = 60.0
# Cost over the reference, by axis or allocator; on the workloads that allocate.
COST = {"dispatch": 1.3, "link_order": 1.002, "mimalloc": 0.9, "jemalloc": 0.97, "tcmalloc": 1.0, "loops": 1.01, "spin": 0.8}
ALLOCATING = ("json", "large-256k")
KEPT_MIB = {"system": 60, "mimalloc": 90, "jemalloc": 30, "tcmalloc": 60}
FUTEX = {1: 0.1, 2: 0.2, 4: 0.3, 8: 0.4}


def crossing_us(sweep: str, workers: int) -> float:
    """Where the made-up curves cross."""
    return math.inf if sweep == "work" or workers == 1 else CROSSING_US


def make_record(results: Path, name: str = "2026-11-21T1300Z-aaaaaaa-dispatch-quick", rounds: int = 6, seed: int = 1) -> Path:
    """Writes a record and returns its folder."""
    folder = results / name
    folder.mkdir(parents=True)
    variants = select(load_variants(ROOT / "variants" / "variants.json"), None, "variant", "dispatch")
    workloads = select(load_workloads(ROOT / "bench" / "scenarios.json"), None, "workload", "dispatch")
    # Whether the suite asks for workers that spin or not.
    workloads[0] = dataclasses.replace(workloads[0], dispatch=tuple(dict.fromkeys((*workloads[0].dispatch, "spin"))))
    contenders = with_pool_sizes(variants, spinning=True)
    profile = plan.profile_of("quick" if rounds == 6 else "smoke", suite="dispatch")
    if rounds not in (1, 6):
        raise ValueError("one round or six")
    record = synthetic.head(name, profile, variants, workloads)
    record |= {
        "suite": "dispatch", "command": f"scripts/bench.py --suite dispatch --profile {profile.name} --seed 1",
        "contenders": [{"name": c.name, "variant": c.variant.name, "workers": c.workers, "spin_us": c.spin_us,
                        "reference": c.reference, "changed_axis": c.changed_axis, "question": c.question}
                       for c in contenders],
        "sweeps": [], "bursts": [], "calls": [], "shares": [], "tools": {**record["tools"], "strace": "6.1"},
    }
    by_name = {contender.name: contender for contender in contenders}
    for step in dispatch_plan.make_plan(profile, contenders, workloads, 1):
        # By step, so that another row or workload leaves the others their figures.
        chance = random.Random(f"{seed}/{step.id}")
        workload = next(w for w in workloads if w.name == step.workload)
        head = {"variant": step.variant, "workload": step.workload, "round": step.round, "seconds": 0.5}
        if step.kind == "sweep":
            swept = dispatch_plan.swept(contenders)
            samples = {c.name: _sweep_sample(chance, c, step) for c in swept}
            record["sweeps"].append({**head, "micros": step.micros, "order": list(samples), "samples": samples})
        elif step.kind == "share":
            names = [c.name for c in dispatch_plan.shared(contenders)]
            record["shares"].append({**head, "capacity_per_second": 4000.0, "rate": 2000, "order": names, "samples": {
                name: _mixed(synthetic.sample(chance, 5000.0, "loadgen", 1), name) for name in names}})
        elif step.kind == "burst":
            samples = {c.name: _burst_sample(step, c) for c in dispatch_plan.allocators(contenders)}
            record["bursts"].append({**head, "order": list(samples), "samples": samples})
        elif step.kind == "calls":
            record["calls"].append({**head, **_calls(by_name[step.variant])})
        elif step.kind == "turn":
            contender = by_name[step.variant]
            cost = math.log(cost_over_reference(contender, step.workload))
            record["turns"].append({
                **head, "reference": step.reference, "started_first": step.variant,
                "pair_log_ratios": [round(cost + chance.gauss(0, 0.01), 6) for _ in range(5)],
                "reference_cpu_ns_per_request": 5000.0, "variant_cpu_ns_per_request": 5000.0 * math.exp(cost),
                "requests": 100000, "steal_share": 0.0})
        else:
            sample = synthetic.sample(chance, 5000.0 if step.variant.startswith("inline") else 6500.0, "loadgen", 1)
            if workload.mix:
                sample = _mixed(sample, step.variant)
            record["cells"].append({**head, "generator": "loadgen", "sample": sample})
    synthetic.write(folder, record)
    return folder


def cost_over_reference(contender: Contender, workload: str) -> float:
    axis = str(contender.changed_axis)
    if axis != "allocator":
        return COST[axis]
    return COST[str(contender.variant.axes["allocator"])] if workload in ALLOCATING else 1.0


def _mixed(sample: dict[str, Any], contender: str) -> dict[str, Any]:
    """The trivial requests wait for the others where there is no pool."""
    latency = {**sample["latency_ns"], "p99": 6_000_000 if contender.startswith("inline") else 400_000}
    return {**sample, "kinds": {kind: {"requests": 100, "latency_ns": latency} for kind in ("trivial", "waiting")}}


def _sweep_sample(chance: random.Random, contender: Contender, step: plan.Step) -> dict[str, Any]:
    """Inline, one handler after the other. With a pool waits overlap on as many workers; computing does on both cores,
    if the server has them."""
    micros = float(step.micros or 0)
    workers = contender.workers or 1
    if contender.workers is None:
        seconds = INLINE_US + micros
    else:
        lanes = {"wait": workers, "work": 1, "work-spread": min(workers, 2)}[step.workload]
        own = INLINE_US + CROSSING_US
        seconds = own + (micros if lanes == 1 else (micros - CROSSING_US) / lanes)
    rate = 1e6 / seconds * chance.gauss(1, 0.004)
    return {"requests": 1000, "requests_per_second": round(rate, 1),
            "server_cpu_ns_per_request": 5000.0 + (0 if contender.workers is None else 2000.0),
            "generator_bound": False, "steal_share": 0.0, "foreign_cpu_share": 0.0, "p99_ns": 1e9 / rate}


def _burst_sample(step: plan.Step, contender: Contender) -> dict[str, Any]:
    def footprint(mebibytes: float) -> dict[str, int]:
        octets = round(mebibytes * 2**20)
        return {"rss_bytes": octets, "pss_bytes": octets, "anonymous_bytes": octets}

    kept = KEPT_MIB[str(contender.variant.axes["allocator"])]
    return {"empty": footprint(5), "after_burst": footprint(130), "rest_seconds": 5.0,
            "after_rest": footprint(kept + (-1) ** step.round * 0.5)}


def _calls(contender: Contender) -> dict[str, Any]:
    def run(requests: int) -> dict[str, Any]:
        calls = {"execve": 1, "epoll_ctl": 67, "accept4": 70, "sendto": requests, "recvfrom": requests + 64,
                 "epoll_wait": 40 + requests // 50}
        if contender.workers is not None:
            calls |= {"futex": 9 + round(FUTEX[contender.workers] * requests), "write": 3 + requests // 20}
        return {"requests": requests, "calls": calls}

    return {"runs": [run(1000), run(5000)],
            "allocations": {"requests": 5000, "calls": {"malloc": 20000, "calloc": 0, "free": 20000}}}
