"""scripts/bench.py --suite dispatch from the outside, on fake programs."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, World, make_world

SCHEMA = json.loads((ROOT / "results" / "record.schema.json").read_text(encoding="utf-8"))
POOLS = [f"pool-system@{size}" for size in (1, 2, 4, 8)]
COST = {"inline-system": 10_000, "pool-system": 60_000}
LEFT = {"inline-mimalloc": 200_000}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, subprocess.CompletedProcess[str]]:
    world = make_world(tmp_path_factory.mktemp("world"))
    world.change(cost_ns=COST, upload_bytes=LEFT)
    return world, world.small_dispatch()


@pytest.fixture(scope="module")
def record(done: tuple[World, subprocess.CompletedProcess[str]]) -> dict[str, Any]:
    world, run = done
    assert run.returncode == 0, run.stderr
    return world.record()


def test_its_record_meets_the_schema(record: dict[str, Any]) -> None:
    jsonschema.validate(record, SCHEMA)
    assert record["suite"] == "dispatch" and record["name"].endswith("-dispatch-smoke")
    assert "--suite dispatch" in record["command"]
    assert [row["name"] for row in record["contenders"]] == ["inline-system", "inline-mimalloc", *POOLS]
    assert {cell["variant"] for cell in record["cells"]} == {"inline-system", "inline-mimalloc", *POOLS}
    assert {(turn["variant"], turn["reference"]) for turn in record["turns"]} == {
        (name, "inline-system") for name in ("inline-mimalloc", *POOLS)}
    assert record["generators"] == record["idle"] == []
    assert not any("histogram" in cell["sample"] for cell in record["cells"])


def test_a_sweep_measures_all_sizes_at_each_time(record: dict[str, Any]) -> None:
    assert sorted(sweep["micros"] for sweep in record["sweeps"]) == [0, 1000]
    for sweep in record["sweeps"]:
        assert set(sweep["order"]) == set(sweep["samples"]) == {"inline-system", *POOLS}
        for name, sample in sweep["samples"].items():
            own = COST[name.split("@")[0]]
            assert own <= sample["server_cpu_ns_per_request"] < 3 * own


def test_a_burst_shows_what_is_kept(record: dict[str, Any]) -> None:
    (burst,) = record["bursts"]
    assert set(burst["samples"]) == {"inline-system", "inline-mimalloc"}
    uploads = 3 * 32

    def kept(name: str) -> float:
        sample = burst["samples"][name]
        return float(sample["after_rest"]["rss_bytes"] - sample["empty"]["rss_bytes"])

    # Of the fakes one keeps a known amount; what Python itself keeps is in both.
    more = kept("inline-mimalloc") - kept("inline-system")
    assert 0.8 * uploads * LEFT["inline-mimalloc"] < more < 1.5 * uploads * LEFT["inline-mimalloc"]
    assert all(sample["rest_seconds"] >= 0.1 for sample in burst["samples"].values())


def test_calls_are_counted_by_strace(world: World) -> None:
    run = world.bench("--suite", "dispatch", "--profile", "smoke", "--variants", "inline-system", "--workloads",
                      "pipelined-16", "--seed", "7")
    assert run.returncode == 0, run.stderr
    record = world.record()
    jsonschema.validate(record, SCHEMA)
    (counted,) = record["calls"]
    short, long = counted["runs"]
    assert short["requests"] < long["requests"]
    # One answer for all that the fake generator asks at once, in both runs; a process executes once and exits once.
    assert short["calls"]["sendto"] == long["calls"]["sendto"] == 1
    assert short["calls"]["execve"] == long["calls"]["execve"] == 1
    # What was there before the first load and what that load took is not in it.
    counted = counted["allocations"]
    assert counted["calls"] == {"malloc": 3 * counted["requests"], "free": 3 * counted["requests"]}


def test_a_mix_is_reported_by_kind(world: World) -> None:
    run = world.bench("--suite", "dispatch", "--profile", "smoke", "--variants", "inline-system", "--workloads", "mixed")
    assert run.returncode == 0, run.stderr
    (cell,) = world.record()["cells"]
    kinds = cell["sample"]["kinds"]
    assert kinds["trivial"]["requests"] == 19 * kinds["waiting"]["requests"] > 0
    assert kinds["trivial"]["latency_ns"]["p99"] > 0


def test_without_the_counting_library_no_run_begins(world: World) -> None:
    (world.bin_dir.parent / "lib" / "libcount_allocations.so").unlink()
    run = world.bench("--suite", "dispatch", "--profile", "smoke", "--workloads", "pipelined-16")
    assert run.returncode == 2 and "build it first" in run.stderr and world.folders() == []


def test_a_refused_upload_fails_the_run(world: World) -> None:
    world.change(faults={"inline-mimalloc": "refuses uploads"})
    run = world.bench("--suite", "dispatch", "--profile", "smoke", "--variants", "inline-system,inline-mimalloc",
                      "--workloads", "json,upload-burst", "--seed", "7")
    assert run.returncode == 1
    assert "inline-mimalloc: the answer was b'HTTP/1.1 413 Content Too Large'" in run.stderr and "go on with" in run.stderr
    world.change(faults={})
    (folder,) = world.folders()
    again = world.bench("--resume", folder.name)
    assert again.returncode == 0, again.stderr
    assert world.record()["suite"] == "dispatch" and world.record()["interruptions"] == 1


def test_a_suite_cannot_be_changed_when_a_run_goes_on(world: World) -> None:
    run = world.bench("--suite", "base", "--resume", "x")
    assert run.returncode == 2 and "--suite cannot be given with --resume" in run.stderr


def test_a_share_of_what_inline_bears_is_asked_of_all(world: World) -> None:
    run = world.bench("--suite", "dispatch", "--profile", "smoke", "--variants", "inline-system,pool-system",
                      "--workloads", "mixed-rate", "--seed", "7")
    assert run.returncode == 0, run.stderr
    record = world.record()
    jsonschema.validate(record, SCHEMA)
    (step,) = record["shares"]
    assert step["rate"] == round(step["capacity_per_second"] / 2)
    assert sorted(step["order"]) == sorted(step["samples"]) == ["inline-system", "pool-system@8"]
    for sample in step["samples"].values():
        assert sample["requests"] == sample["server_requests"]
        assert sample["kinds"]["trivial"]["latency_ns"]["p50"] == 201_000  # from the due time on
        assert sample["queue_ns"]["p99"] == 20_000
