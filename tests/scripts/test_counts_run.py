"""scripts/counts.py from the outside, on the programs of this build."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from httpdyno_bench.tables import load_variants, load_workloads, select
from httpdyno_counts import counting
from httpdyno_counts.exchange import exchange_of
from httpdyno_counts.judging import State, compare

BIN_DIR = Path(os.environ.get("HTTPDYNO_BIN", ROOT / "build" / "release" / "bin"))
CELL = ("--rows", "inline-system", "--workloads", "json")
pytestmark = pytest.mark.skipif(bool(os.environ.get("HTTPDYNO_SANITIZE")), reason="the sanitizers' runtime would be counted, too")


def command(bin_dir: Path, *arguments: str) -> list[str]:
    return [str(ROOT / "scripts" / "counts.py"), "--bin-dir", str(bin_dir), *arguments]


def run(*arguments: str, bin_dir: Path = BIN_DIR, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(bin_dir, *arguments), capture_output=True, text=True, check=False, timeout=120,
                          env={**os.environ, **environment})


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("accepted") / "budgets.json"
    done = run(*CELL, "--budgets", str(file), "--accept")
    assert done.returncode == 0, done.stderr
    return file


def changed(accepted: Path, folder: Path, **counts: Any) -> tuple[str, str]:
    """A copy of the budgets in which the cell has other counts, as arguments."""
    table = json.loads(accepted.read_text(encoding="utf-8"))
    table["budgets"]["inline-system"]["json"].update(counts)
    file = folder / "budgets.json"
    file.write_text(json.dumps(table), encoding="utf-8")
    return "--budgets", str(file)


def test_a_budget_is_held_to_the_last_allocation_and_call(accepted: Path, tmp_path: Path) -> None:
    held = json.loads(accepted.read_text(encoding="utf-8"))["budgets"]["inline-system"]["json"]
    calls = {name: count for name, count in held.items() if name.startswith("calls.")}
    assert calls == {"calls.epoll_wait": 1, "calls.recvfrom": 1, "calls.sendto": 1} and held["allocations"] > 10
    assert held == json.loads((ROOT / "bench" / "budgets.json").read_text(encoding="utf-8"))["budgets"]["inline-system"]["json"]
    done = run(*CELL, *changed(accepted, tmp_path))
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.rstrip().endswith(": ok")
    for counts, word in (({"allocations": held["allocations"] - 1}, "WORSE"), ({"allocations": held["allocations"] + 1}, "STALE"),
                         ({"calls.sendto": 0}, "WORSE"), ({"allocated_bytes": 1}, "WORSE")):
        done = run(*CELL, *changed(accepted, tmp_path, **counts))
        assert (done.returncode, done.stderr) == (1, "") and f"  {word}: inline-system json " in done.stdout, done.stdout


def test_accepting_twice_changes_nothing(accepted: Path) -> None:
    before = accepted.read_bytes()
    assert run(*CELL, "--budgets", str(accepted), "--accept").returncode == 0
    assert accepted.read_bytes() == before


def measured(bin_dir: Path, *flags: str, instructions: bool = False) -> counting.Counts:
    """Of the program that has plants."""
    (row,) = select(load_variants(ROOT / "variants" / "variants.json"), "inline-system", "row")
    (workload,) = select(load_workloads(ROOT / "bench" / "scenarios.json"), "keepalive-get", "workload")
    return counting.measure(bin_dir, dataclasses.replace(row, name="inline-system-plants"), exchange_of(workload),
                            library_dir=BIN_DIR.parent / "lib", flags=flags, instructions=instructions)


def test_half_a_percent_of_instructions_is_seen_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another folder with a longer name a program has as many as before."""
    monkeypatch.setattr(counting, "REPEATS", 1)
    elsewhere = tmp_path / ("a-folder-with-a-long-name" * 4)
    elsewhere.symlink_to(BIN_DIR)
    base = measured(BIN_DIR, instructions=True)
    assert {result.state for result in compare(base, measured(elsewhere, instructions=True))} == {State.SAME}
    assert base.instructions is not None and base.instructions.per_request > 1000
    # An iteration is two instructions, or a few where nothing is optimised.
    spin = f"--plant=spin:{math.ceil(base.instructions.per_request * 0.005 / 2)}"
    changed = [result for result in compare(base, measured(BIN_DIR, spin, instructions=True)) if result.state is not State.SAME]
    assert [(result.count, result.state) for result in changed] == [("instructions", State.WORSE)]
    assert 1.005 <= changed[0].ratio < 1.02 and "spin" in changed[0].functions[0].name


def test_one_allocation_or_call_more_is_seen() -> None:
    base = measured(BIN_DIR)
    for plant, more in (("malloc", {"allocations": 1.0, "allocated_bytes": 48.0}), ("syscall", {"calls.getppid": 1.0}),
                        ("split-send", {"calls.sendto": 1.0})):
        changed = [result for result in compare(base, measured(BIN_DIR, f"--plant={plant}")) if result.state is not State.SAME]
        assert {result.count: result.value - result.reference for result in changed} == more
        assert {result.state for result in changed} == {State.WORSE}


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    for done, what in (
        (run(*CELL, bin_dir=empty), "there is no program inline-system in bin/: build it first"),
        (run(*CELL, PATH=str(empty)), "strace is not installed: run scripts/setup"),
        (run(*CELL, "--budgets", str(empty / "budgets.json")), "no budget for inline-system under json: run scripts/counts.py --accept"),
        (run("--rows", "nonesuch"), "unknown row 'nonesuch'"),
        (run("--rows", "floor-epoll"), "floor-epoll is no server"),
        (run("--workloads", "mixed"), "mixed cannot be counted"),
        (run("--limit", "nan"), "--limit"),
    ):
        assert done.returncode == 2 and what in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("script, what", [
    ("exit 1", "did not start"),
    ("echo inline-system: ready on http://127.0.0.1:1/; sleep 60", "no connection: Connection refused"),
])
def test_a_server_that_fails_is_an_invalid_run(tmp_path: Path, script: str, what: str) -> None:
    program = tmp_path / "bin" / "inline-system"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "lib").symlink_to(BIN_DIR.parent / "lib")
    done = run(*CELL, bin_dir=program.parent)
    assert done.returncode == 5 and len(done.stderr.splitlines()) == 1 and what in done.stderr, done.stderr


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(command(BIN_DIR, "--rows", "inline-system", "--instructions", "--budgets", str(tmp_path / "b"),
                                       "--accept"), env={**os.environ, "TMPDIR": str(scratch)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not own_servers(scratch):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and len(stderr.splitlines()) == 1, stderr
    assert list(scratch.iterdir()) == [] and not (tmp_path / "b").exists()
    # strace, which is no child, ends when what it traces has ended.
    while own_servers(scratch):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def own_servers(scratch: Path) -> list[int]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"{scratch}/httpdyno-counts-".encode() in words:
                found.append(int(entry.name))
    return found
