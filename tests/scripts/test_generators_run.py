"""scripts/bench.py --suite generators from the outside, on fake programs."""

from __future__ import annotations

import collections
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, World, make_world
from httpdyno_bench import generators_plan, plan
from httpdyno_bench.contenders import as_built
from httpdyno_bench.stalls import stalling
from httpdyno_bench.tables import load_variants, load_workloads, select

SCHEMA = json.loads((ROOT / "results" / "record.schema.json").read_text(encoding="utf-8"))
WORKLOADS = {workload.name: workload for workload in select(
    load_workloads(ROOT / "bench" / "scenarios.json"), None, "workload", "generators")}


def run(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return world.bench("--suite", "generators", "--profile", "smoke", "--seed", "7", *arguments)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    world = make_world(tmp_path_factory.mktemp("world"))
    world.change(cost_ns={"floor-epoll": 10_000})
    done = run(world)
    assert done.returncode == 0, done.stderr
    return world.record()


def samples(record: dict[str, Any], kind: str, workload: str) -> dict[str, Any]:
    (step,) = [step for step in record[kind] if step["workload"] == workload]
    assert sorted(step["order"]) == sorted(step["samples"])
    return dict(step["samples"])


def test_its_record_meets_the_schema(record: dict[str, Any]) -> None:
    jsonschema.validate(record, SCHEMA)
    assert record["suite"] == "generators" and record["name"].endswith("-generators-smoke")
    assert [row["name"] for row in record["variants"]] == ["floor-epoll"]
    assert record["cells"] == record["turns"] == record["generators"] == []
    assert {"wrk", "h2load", "hey"} <= record["tools"].keys()


def test_who_cannot_pipeline_takes_no_part_where_requests_are_pipelined(record: dict[str, Any]) -> None:
    assert set(samples(record, "saturation", "keepalive-get")) == {"loadgen", "wrk", "h2load", "hey"}
    assert set(samples(record, "saturation", "pipelined-16")) == {"loadgen", "wrk", "h2load"}


def test_requests_are_those_that_the_server_counted(record: dict[str, Any]) -> None:
    """Each fake says what it leaves uncounted: wrk three, h2load a batch on each connection."""
    for workload, depth in (("keepalive-get", 1), ("pipelined-16", 16)):
        found = samples(record, "saturation", workload)
        uncounted = {name: sample["requests"] - sample["claimed_requests"] for name, sample in found.items()}
        assert uncounted.pop("hey", 0) == 0
        assert uncounted == {"loadgen": 0, "wrk": 3, "h2load": 64 * depth}
        for sample in found.values():
            assert sample["server_cpu_ns_per_request"] >= 10_000
            assert sample["generator_cpu_ns_per_request"] > 0


def test_who_has_a_rate_is_asked_for_it(record: dict[str, Any]) -> None:
    paced = samples(record, "paced", "paced-20k")
    assert set(paced) == {"loadgen", "h2load", "hey"}
    assert paced["loadgen"]["latency_ns"]["p50"] == 201_000  # from the due time on
    assert (paced["loadgen"]["queue_ns"]["p99"], paced["loadgen"]["service_ns"]["p99"]) == (20_000, 400_000)
    assert not any("queue_ns" in sample for name, sample in paced.items() if name != "loadgen")
    stalled = samples(record, "paced", "paced-20k-stalls")
    assert set(stalled) == {"loadgen", "wrk", "h2load", "hey"} and all("stalls" in each for each in stalled.values())


def test_a_stalled_process_stands_still_and_goes_on_at_the_end() -> None:
    def state(pid: int) -> str:
        return (Path("/proc") / str(pid) / "stat").read_text(encoding="ascii").rsplit(") ", 1)[1][0]

    with subprocess.Popen(["sleep", "600"]) as process:
        with stalling(process.pid, 600.0, 0.02) as stalls:
            deadline = time.monotonic() + 60
            while state(process.pid) != "T" and time.monotonic() < deadline:
                time.sleep(0.001)
            assert state(process.pid) == "T" and stalls == []
        # It has got SIGCONT by now; SIGKILL would end a stopped process, too.
        assert state(process.pid) != "T" and len(stalls) == 1
        process.kill()


def test_what_a_generator_does_not_print_is_missing(record: dict[str, Any]) -> None:
    printed = {name: sample["latency_ns"] for name, sample in samples(record, "saturation", "keepalive-get").items()}
    assert printed["h2load"] == {"mean": 1_270_000, "p50": None, "p90": None, "p99": None, "p99_9": None, "max": 23_260_000}
    assert printed["hey"] == {"mean": 3_600_000, "p50": 3_000_000, "p90": 7_100_000, "p99": 11_300_000, "p99_9": None,
                              "max": 54_300_000}
    assert None not in printed["loadgen"].values()


@pytest.mark.parametrize("who, fault, expected", [
    ("h2load", "errors", "h2load: h2load counted errors (failed 4)"),
    ("h2load", "prints nothing", "h2load: h2load printed no figures"),
    ("hey", "errors", "hey: hey counted errors (see its error distribution)"),
    ("hey", "other status", "hey: hey counted errors (status 503 5)"),
    ("hey", "miscounts", "hey: counts differ: floor-epoll answered 200 requests, hey counted 210"),
    ("wrk", "miscounts", "wrk: counts differ: "),
    ("loadgen", "errors", "loadgen: loadgen counted 3 errors (timeout 3)"),
])
def test_what_fails_a_generator_fails_the_run(world: World, who: str, fault: str, expected: str) -> None:
    world.change(faults={who: fault})
    done = run(world, "--workloads", "keepalive-get")
    assert done.returncode == 1 and expected in done.stderr and "go on with" in done.stderr


def test_a_failed_run_goes_on(world: World) -> None:
    world.change(faults={"hey": "miscounts"})
    assert run(world, "--workloads", "keepalive-get").returncode == 1
    world.change(faults={})
    (folder,) = world.folders()
    assert world.bench("--resume", folder.name).returncode == 0
    assert len(world.record()["saturation"]) == 1


def test_a_missing_generator_is_named(world: World) -> None:
    """Also one that is installed here: only the fakes' folder is looked at."""
    (world.bin_dir / "hey").unlink()
    done = subprocess.run(world.command("--suite", "generators", "--profile", "smoke"), check=False, capture_output=True,
                          text=True, env={"PATH": str(world.bin_dir)}, timeout=60)
    assert done.returncode == 2 and "hey is not installed: run scripts/setup" in done.stderr and world.folders() == []


def make(profile: str = "quick", seed: int = 1) -> list[plan.Step]:
    variants = select(load_variants(ROOT / "variants" / "variants.json"), None, "variant", "generators")
    return generators_plan.make_plan(
        plan.profile_of(profile, suite="generators"), as_built(variants), list(WORKLOADS.values()), seed)


def test_every_workload_has_its_rounds() -> None:
    steps = make()
    assert collections.Counter(step.workload for step in steps) == dict.fromkeys(WORKLOADS, 6)
    assert len({step.id for step in steps}) == len(steps)
    assert make(seed=5) == make(seed=5) != make(seed=6)
    assert {step.kind for step in steps} == {"saturation", "paced"} and all(plan.needs_wrk(step) for step in steps)


def test_quick_is_planned_for_five_minutes() -> None:
    profile = plan.profile_of("quick", suite="generators")
    assert sum(plan.forecast_seconds(step, profile) for step in make()) < 300
