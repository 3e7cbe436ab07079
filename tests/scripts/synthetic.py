"""A record made up from a seed, as a run would have written it: what the report's tests feed on."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conftest import ROOT
from httpdyno_bench import plan
from httpdyno_bench.contenders import as_built
from httpdyno_bench.tables import Variant, Workload, load_variants, load_workloads, select

# What is made up: server CPU per request in ns, for floor-epoll, by workload; and each row's cost over its reference.
FLOOR_NS = {"keepalive-get": 4600.0, "pipelined-16": 340.0, "connection-per-request": 21000.0, "post-echo-4k": 6100.0,
            "json": 4700.0}
COST = {"floor-epoll": 1.0, "inline-system": 1.03, "inline-aa": 1.003, "inline-mimalloc": 0.985, "pool-system": 2.2,
        "pool-mimalloc": 0.97}
# Octets for an idle connection; a server that is not here was not installed.
IDLE = {"inline-system": 240.0, "inline-mimalloc": 250.0, "pool-system": 241.0, "pool-mimalloc": 252.0, "nginx": 511.0}
GENERATOR = {"loadgen": 1.05, "wrk": 1.4}
IDENTITY = {"revision": "a" * 40, "dirty": False, "compiler": "g++ 12.2.0", "flags": "-O3 -DNDEBUG",
            "build_type": "Release", "allocator": "system", "allocator_proof": "probed"}


def make_record(results: Path, name: str = "2026-11-21T1200Z-aaaaaaa-quick", rounds: int = 6, seed: int = 1) -> Path:
    """Writes a record and its histograms, and returns its folder."""
    chance = random.Random(seed)
    folder = results / name
    (folder / "histograms").mkdir(parents=True)
    variants = select(load_variants(ROOT / "variants" / "variants.json"), None, "variant")
    workloads = select(load_workloads(ROOT / "bench" / "scenarios.json"), None, "workload")
    profile = plan.PROFILES["base"]["quick"] if rounds == 6 else plan.profile_of("smoke", rounds=rounds)
    cost: dict[str, float] = {}
    for variant in variants:
        cost[variant.name] = COST[variant.name] * cost.get(variant.reference or "", 1.0)
    record = head(name, profile, variants, workloads)
    for step in plan.make_plan(profile, as_built(variants), workloads, 1, ["nginx"]):
        if step.kind == "idle":
            record["idle"].append(_idle(chance, step, profile.idle_connections))
            continue
        workload = next(w for w in workloads if w.name == step.workload)
        cpu = FLOOR_NS.get(step.workload, 5000.0) * cost[step.variant]
        known = {"variant": step.variant, "workload": step.workload, "round": step.round, "seconds": 0.5}
        if step.kind == "turn":
            pairs = [math.log(COST[step.variant]) + chance.gauss(0, 0.01) for _ in range(7)]
            record["turns"].append({**known, "reference": step.reference, "started_first": step.variant,
                                    "pair_log_ratios": [round(value, 6) for value in pairs],
                                    "reference_cpu_ns_per_request": cpu / COST[step.variant],
                                    "variant_cpu_ns_per_request": cpu, "requests": 100000, "steal_share": 0.0})
        elif step.kind == "generators":
            record["generators"].append({**known, "first": "wrk", "samples": {
                name: sample(chance, cpu, name, workload.pipeline) for name in ("loadgen", "wrk")}})
        else:
            figures = sample(chance, cpu, str(step.generator), workload.pipeline)
            if step.generator == "loadgen":
                figures["histogram"] = f"histograms/{step.workload}.{step.variant}.{step.round}.hgrm"
                (folder / figures["histogram"]).write_text(_hgrm(chance, cpu * 64 / 1e6), encoding="ascii")
            record["cells"].append({**known, "generator": step.generator, "sample": figures})
    write(folder, record)
    return folder


def head(
    name: str, profile: plan.Profile, variants: Sequence[Variant], workloads: Sequence[Workload]
) -> dict[str, Any]:
    """All but the figures."""
    return {
        "name": name, "schema_version": 1, "started": "2026-11-21T12:00:00Z", "finished": "2026-11-21T12:04:15Z",
        "measuring_seconds": 255.0, "command": f"scripts/bench.py --profile {profile.name} --seed 1",
        "revision": {"commit": "a" * 40, "dirty": False},
        "profile": plan.profile_record(profile), "seed": 1, "plan_sha256": "0" * 64,
        "machine": {"cpu_model": "Imagined CPU", "cpu_signature": "None/1/2/3", "architecture": "x86_64",
                    "logical_cpus": 2, "usable_cpus": 2, "memory_bytes": 2**34, "kernel": "Linux 6.1.0",
                    "distribution": "Debian GNU/Linux 12 (bookworm)", "clocksource": "tsc", "hypervisor": True,
                    "governor": None},
        "placement": {"server": 1, "generator": 0, "relation": "distinct"},
        "tools": {"python": "3.11.2", "wrk": "debian/4.1.0-3+b2", "loadgen": IDENTITY},
        "variants": [{"name": v.name, "kind": v.kind, "axes": dict(v.axes), "reference": v.reference,
                      "changed_axis": v.changed_axis, "question": v.question, "sha256": "0" * 64,
                      "identity": {**IDENTITY, "allocator": v.axes["allocator"]}} for v in variants],
        "workloads": [dataclasses.asdict(workload) for workload in workloads],
        "interruptions": 0, "failures": [], "cells": [], "turns": [], "generators": [], "idle": [],
        "peers": [{"name": "nginx", "version": "1.22.1"}, {"name": "h2o", "version": None}],
    }


def read(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "record.json").read_text(encoding="utf-8")))


def write(folder: Path, record: dict[str, Any]) -> None:
    (folder / "record.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _idle(chance: random.Random, step: plan.Step, connections: int) -> dict[str, Any]:
    """Resident in whole pages, as it is; all but a MiB of it anonymous."""

    def footprint(octets: float) -> dict[str, int]:
        pages = round(octets / 4096) * 4096
        return {"rss_bytes": 2**20 + pages, "pss_bytes": 2**19 + pages, "anonymous_bytes": pages}

    empty = 2**21 + chance.randrange(100) * 4096
    each = IDLE[step.variant]
    return {"variant": step.variant, "workload": step.workload, "round": step.round, "seconds": 1.5,
            "connections": connections, "empty": footprint(empty), "idle": footprint(empty + connections * each),
            "after_burst": footprint(empty + connections * (each + 52)), "closed": footprint(empty + connections * each)}


def sample(chance: random.Random, cpu: float, generator: str, pipeline: int) -> dict[str, Any]:
    cpu *= chance.gauss(1.0, 0.02)
    cost = GENERATOR[generator] * cpu * chance.gauss(1.0, 0.02)
    rate = 1e9 / max(cpu, cost)
    requests = int(rate * 0.4)
    base = 64 * pipeline * 1e9 / rate
    latency = {"mean": base, "p50": base * 0.97, "p90": base * 1.2, "p99": base * 1.6, "p99_9": base * 3.0,
               "max": base * 9}
    unusable = generator == "wrk" and pipeline > 1
    return {
        "requests": requests, "server_requests": requests + (64 if generator == "wrk" else 0),
        "requests_per_second": round(rate, 1), "server_cpu_ns_per_request": round(cpu, 1),
        "generator_cpu_ns_per_request": round(cost, 1), "generator_cpu_share": min(1.0, round(cost * rate / 1e9, 4)),
        "generator_bound": cost >= 0.95 * cpu,
        "latency_ns": {key: None if unusable and key != "max" else round(value) for key, value in latency.items()},
        "server_cpu_share": round(cpu * rate / 1e9, 4),
        "server_rss_bytes": 5 * 2**20, "server_rss_peak_bytes": 6 * 2**20,
        "steal_share": round(chance.random() * 0.02, 4), "foreign_cpu_share": round(chance.random() * 0.05, 4),
        "load_average": 1.2,
    }


def _hgrm(chance: random.Random, median_ms: float) -> str:
    count = 70000
    lines = ["       Value     Percentile TotalCount 1/(1-Percentile)", ""]
    inverse = 1.0
    while inverse < count:
        value = median_ms * (0.6 + 0.4 * math.log2(1 + inverse) ** 0.8) * chance.gauss(1, 0.01)
        if len(lines) > 2:
            value = max(value, float(lines[-1].split()[0]))
        share = 1 - 1 / inverse
        lines.append(f"{value:12.3f} {share:2.12f} {int(count * share):10d} {inverse:14.2f}")
        inverse *= 2 ** 0.2
    lines.append(f"{float(lines[-1].split()[0]) * 1.5:12.3f} {1:2.12f} {count:10d}")
    return "\n".join([*lines, "#[Mean    =        0.300, StdDeviation   =        0.010]", ""])
