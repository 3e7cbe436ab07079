"""Where a run may measure, and what it says of the machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT
from httpdyno_bench import cli, interrupts, machine, processes
from httpdyno_bench.errors import Interrupted
from httpdyno_bench.identity import Revision, tree_revision


def test_the_fingerprint_says_what_the_machine_is_and_not_who() -> None:
    found = machine.fingerprint()
    assert found["logical_cpus"] >= found["usable_cpus"] >= 1
    assert found["memory_bytes"] > 2**20 and found["cpu_model"]
    assert socket.gethostname() not in map(str, found.values())


def test_cores_come_out_of_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    siblings = {4: {4, 6}, 6: {4, 6}, 5: {5, 7}, 7: {5, 7}}
    monkeypatch.setattr(machine, "_siblings", siblings.__getitem__)
    for mask, expected in (
        ({4, 5, 6, 7}, machine.Placement(5, 4, "distinct")),
        ({4, 6, 7}, machine.Placement(7, 4, "distinct")),
        ({4, 6}, machine.Placement(6, 4, "siblings")),
        ({7}, machine.Placement(7, 7, "same")),
    ):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, mask=mask: mask)
        assert machine.choose_cores() == expected


def test_readings_see_work_of_others() -> None:
    core = min(os.sched_getaffinity(0))
    cores = machine.Placement(core, core, "same")
    before = machine.Reading.now(cores)
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        pass
    found = machine.disturbance(before, machine.Reading.now(cores), 0)
    assert 0 <= found["foreign_cpu_share"] <= 1.2 and found["steal_share"] >= 0


def test_the_process_clock_counts_nanoseconds_of_cpu() -> None:
    before = processes.process_cpu_ns(os.getpid())
    until = time.process_time_ns() + 20_000_000
    while time.process_time_ns() < until:
        pass
    spent = processes.process_cpu_ns(os.getpid()) - before
    assert 20_000_000 <= spent < 200_000_000


def test_the_kernels_account_of_a_child_is_its_own() -> None:
    command = ["/usr/bin/python3", "-SEc", "import time\nwhile time.process_time() < 0.1: pass"]
    core = min(os.sched_getaffinity(0))
    done = processes.run_to_end(command, core, 1.0)
    assert done.code == 0
    assert 0.1e9 <= done.cpu_ns < 0.3e9 and done.wall_ns >= done.cpu_ns * 0.9


def test_a_child_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GENERATOR_GRACE_SECONDS", 0.1)
    with pytest.raises(processes.RunError, match="sleep did not come back"):
        processes.run_to_end(["sleep", "60"], min(os.sched_getaffinity(0)), 0.1)
    assert not processes._running


def test_whatever_was_started_can_be_ended() -> None:
    """Also what was interrupted before anyone had hold of it."""
    process = processes.start(["sleep", "60"], min(os.sched_getaffinity(0)), subprocess.DEVNULL, subprocess.DEVNULL)
    processes.kill_all()
    assert process.returncode == -signal.SIGKILL and not processes._running


def test_the_program_leaves_no_process_behind_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def break_off(_options: object) -> int:
        core = min(os.sched_getaffinity(0))
        started.append(processes.start(["sleep", "60"], core, subprocess.DEVNULL, subprocess.DEVNULL))
        raise Interrupted(signal.SIGINT)

    monkeypatch.setattr(cli, "_run", break_off)
    assert cli.main([]) == 130
    assert started[0].returncode == -signal.SIGKILL


def test_a_server_dies_with_its_runner(tmp_path: Path) -> None:
    """The runner is killed and can tidy up nothing."""
    program = f"""
import os, subprocess, sys
sys.path.insert(0, {str(ROOT / "scripts")!r})
from httpdyno_bench import processes
child = processes.start(["sleep", "60"], min(os.sched_getaffinity(0)), subprocess.DEVNULL, subprocess.DEVNULL,
                         before_exec=processes.die_with_runner)
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True, check=False, timeout=20)
    status = Path(f"/proc/{int(done.stdout)}/stat")
    deadline = time.monotonic() + 5
    while status.exists() and " Z " not in status.read_text(encoding="ascii"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_signal_within_a_held_stretch_is_taken_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(interrupts, "_waiting", None)
    reached = False
    try:
        interrupts.take_signals()
        with pytest.raises(Interrupted, match="SIGTERM"), interrupts.held():
            with interrupts.held():
                os.kill(os.getpid(), signal.SIGTERM)
            reached = True
        assert reached
        # The second one no longer breaks anything off.
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_without_git_the_revision_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert tree_revision(ROOT) == Revision("unknown", False)
