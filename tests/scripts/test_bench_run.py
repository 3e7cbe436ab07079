"""scripts/bench.py from the outside, on fake programs: what it writes, what it refuses, how it fails and goes on."""

from __future__ import annotations

import json
import math
import os
import pty
import resource
import signal
import socket
import subprocess
import time
from getpass import getuser
from pathlib import Path

import jsonschema
import pytest
from conftest import ROOT, World
from httpdyno_bench import peers

SCHEMA = json.loads((ROOT / "results" / "record.schema.json").read_text(encoding="utf-8"))
GO_ON = "go on with: scripts/bench.py --resume "


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that an error is, behind the lines about progress."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("bench: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def processes_of(world: World) -> list[str]:
    """Command lines that still run a fake of this world."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = status.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(world.bin_dir) in command:
            found.append(command)
    return found


def test_a_run_ends_in_a_record_that_meets_the_schema(world: World) -> None:
    done = world.small("--workloads", "keepalive-get,pipelined-16")
    assert done.returncode == 0, done.stderr
    (folder,) = world.folders()
    record = world.record()
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(record, SCHEMA)
    assert folder.name == record["name"] and folder.name.endswith("-smoke")
    assert folder.name in done.stdout
    assert not (folder / "cells.ndjson").exists()
    assert {(c["variant"], c["workload"]) for c in record["cells"] if c["generator"] == "loadgen"} == {
        (v, w) for v in ("floor-epoll", "inline-system") for w in ("keepalive-get", "pipelined-16")
    }
    for cell in record["cells"]:
        if cell["generator"] == "loadgen":
            assert (folder / cell["sample"]["histogram"]).is_file()
            assert cell["sample"]["requests"] == cell["sample"]["server_requests"]
    assert not [path for path in folder.rglob("*.part")]
    assert processes_of(world) == []


def test_cpu_per_request_is_the_servers_own(world: World) -> None:
    """The fakes spend a known CPU time per request, far apart, and the figures show it. On a busy machine a process
    pays for more than it does, hence the wide bounds."""
    cost = {"floor-epoll": 10000, "inline-system": 80000}
    world.change(cost_ns=cost)
    assert world.small().returncode == 0
    record = world.record()
    for cell in record["cells"]:
        own = cost[cell["variant"]]
        assert own <= cell["sample"]["server_cpu_ns_per_request"] < 10 * own
    (turn,) = record["turns"]
    middle = sorted(turn["pair_log_ratios"])[len(turn["pair_log_ratios"]) // 2]
    assert math.log(8 / 3) < middle < math.log(8 * 1.5)


def test_the_memory_of_idle_connections_is_the_servers_own(world: World) -> None:
    """The fakes take a known amount for each, and give it back; a little more is their own book-keeping, a little less
    was there before."""
    taken = {"inline-system": 20_000, "nginx": 40_000, "h2o": 60_000}
    world.change(idle_bytes=taken)
    done = world.small()
    assert done.returncode == 0, done.stderr
    record = world.record()
    assert record["peers"] == [{"name": "nginx", "version": "9.8.7"}, {"name": "h2o", "version": "9.8.7"}]
    assert {step["variant"] for step in record["idle"]} == set(taken)
    for step in record["idle"]:
        assert step["connections"] == 1000
        for when in ("idle", "after_burst"):
            each = (step[when]["anonymous_bytes"] - step["empty"]["anonymous_bytes"]) / 1000
            assert taken[step["variant"]] - 1000 < each < taken[step["variant"]] + 6000
        assert step["closed"]["rss_bytes"] < step["idle"]["rss_bytes"]


def test_a_peer_that_is_not_installed_is_said_to_be_missing(world: World) -> None:
    assert peers.installed(str(world.bin_dir)).keys() == {"nginx", "h2o"}
    (world.bin_dir / "h2o").unlink()
    assert peers.installed(str(world.bin_dir)).keys() == {"nginx"}


def test_a_record_names_no_host_user_or_path(world: World) -> None:
    assert world.small().returncode == 0
    text = json.dumps(world.record())
    assert socket.gethostname() not in text
    assert f'"{getuser()}"' not in text
    assert str(ROOT) not in text and str(world.bin_dir) not in text and str(Path.home()) + "/" not in text


def test_records_are_only_added(world: World) -> None:
    assert world.small().returncode == 0
    (first,) = world.folders()
    before = (first / "record.json").read_bytes()
    assert world.small().returncode == 0
    assert len(world.folders()) == 2
    assert (first / "record.json").read_bytes() == before


def test_in_a_pipe_it_speaks_little(world: World) -> None:
    done = world.small("--rounds", "2")
    assert done.returncode == 0
    assert "\r" not in done.stderr + done.stdout
    assert len(done.stderr.splitlines()) == 1 + 2


def test_on_a_terminal_it_shows_a_bar_and_the_time_left(world: World) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        world.command("--profile", "smoke", "--variants", "floor-epoll", "--workloads", "keepalive-get"),
        env=world.environment(), stdout=subprocess.DEVNULL, stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # How a terminal says that the other side is gone.
    finally:
        os.close(ours)
    assert done.wait() == 0
    assert b"\r[" in shown and b" left" in shown
    assert b"part 1 of" not in shown


@pytest.mark.parametrize("arguments, expected", [
    (["--variants", "inline-sytem"], "unknown variant 'inline-sytem'"),
    (["--workloads", "nothing"], "unknown workload 'nothing'"),
    (["--profile", "slow"], "argument --profile"),
    (["--rounds", "2", "--profile", "quick"], "at least 5 rounds"),
    (["--rounds", "many"], "argument --rounds"),
    (["--no-such-flag"], "unrecognized arguments"),
    (["--resume", "2026-01-01T0000Z-abcdef0-quick"], "no interrupted run of that name"),
    (["--resume", "x", "--seed", "3"], "--seed cannot be given with --resume"),
])
def test_wrong_usage_is_one_line_and_code_2(world: World, arguments: list[str], expected: str) -> None:
    done = world.bench(*arguments)
    assert done.returncode == 2
    assert expected in one_line(done)
    assert world.folders() == []


def test_a_server_that_is_not_its_row_is_refused(world: World) -> None:
    world.settings["identities"]["inline-system"].update(row="inline-mimalloc", build_type="Debug")
    world.change()
    done = world.small()
    assert done.returncode == 2
    assert one_line(done) == ("bench.py: refused inline-system: it says it is 'inline-mimalloc'; it is a Debug build "
                              "(make build, then try again)")
    assert world.folders() == []


def test_a_loadgen_of_another_build_is_refused(world: World) -> None:
    world.settings["identities"]["loadgen"]["build_type"] = "Debug"
    world.change()
    done = world.small()
    assert done.returncode == 2 and "refused loadgen: it is a Debug build" in one_line(done)


def test_a_missing_program_is_named(world: World) -> None:
    (world.bin_dir / "inline-system").unlink()
    done = world.small()
    assert done.returncode == 2
    assert "no program inline-system in bin/" in one_line(done) and "make build" in one_line(done)


@pytest.mark.parametrize("who, fault, expected", [
    ("inline-system", "miscounts", "counts differ: inline-system answered"),
    ("inline-system", "dies", "the server inline-system died (killed by SIGABRT): inline-system: assertion failed"),
    ("inline-system", "does not start", "did not start (exit code 2): inline-system: cannot listen"),
    ("inline-system", "prints no counters", "printed no counters"),
    ("inline-system", "closes idle connections", "a connection that was to be held open"),
    ("nginx", "does not start", "the server nginx died (exit code 2): nginx: cannot listen"),
    ("inline-system", "ends badly", "did not stop cleanly (exit code 3)"),
    ("loadgen", "errors", "loadgen counted 3 errors (timeout 3)"),
    ("loadgen", "void", "loadgen failed (exit code 3): loadgen: the run is void: steal_share was 0.5"),
    ("loadgen", "not a number", "nan is no figure"),
    ("loadgen", "writes nothing", "wrote no JSON"),
    ("loadgen", "empty slice", "a slice without requests"),
    ("loadgen", "cut off", "no closing line"),
    ("loadgen", "miscounts in turn", "counts differ: inline-system answered"),
    ("wrk", "errors", "wrk counted errors (read 2)"),
    ("wrk", "miscounts", "counts differ: "),
])
def test_what_fails_a_cell_fails_the_run(world: World, who: str, fault: str, expected: str) -> None:
    world.change(faults={who: fault})
    done = world.small()
    assert done.returncode == 1, done.stderr
    line = one_line(done)
    assert expected in line and GO_ON in line and "round 1" in line
    (folder,) = world.folders()
    assert not (folder / "record.json").exists()
    assert processes_of(world) == []


def test_a_failed_run_goes_on_and_does_not_hide_its_failure(world: World) -> None:
    world.change(faults={"inline-system": "miscounts"})
    assert world.small().returncode == 1
    (folder,) = world.folders()
    world.change(faults={})
    done = world.bench("--resume", folder.name)
    assert done.returncode == 0, done.stderr
    record = world.record()
    assert [failure["reason"].split(":")[0] for failure in record["failures"]] == ["counts differ"]
    assert record["interruptions"] == 1
    jsonschema.validate(record, SCHEMA)


def test_a_void_run_is_measured_again_and_kept_as_a_failure(world: World) -> None:
    world.change(faults={"loadgen": "void once"})
    done = world.small()
    assert done.returncode == 0, done.stderr
    record = world.record()
    (failure,) = record["failures"]
    assert failure["reason"] == "loadgen failed (exit code 3): loadgen: the run is void: steal_share was 0.5"
    assert record["interruptions"] == 0
    jsonschema.validate(record, SCHEMA)


def test_a_run_that_stays_void_has_no_figure(world: World) -> None:
    world.change(faults={"loadgen": "void"})
    assert world.small("--variants", "floor-epoll").returncode == 1
    lines = [json.loads(line) for line in journal(world)[1:]]
    assert [line["failure"] for line in lines] == ["loadgen failed (exit code 3): loadgen: the run is void: steal_share was 0.5"] * 3


def test_a_percentile_that_loadgen_does_not_give_is_missing(world: World) -> None:
    world.change(faults={"loadgen": "few requests"})
    assert world.small("--variants", "floor-epoll").returncode == 0
    record = world.record()
    jsonschema.validate(record, SCHEMA)
    (cell,) = record["cells"]
    assert cell["sample"]["latency_ns"]["p99_9"] is None and cell["sample"]["latency_ns"]["p50"] > 0


def test_why_a_run_is_suspect_is_kept(world: World) -> None:
    world.change(faults={"loadgen": "suspect"})
    assert world.small().returncode == 0
    record = world.record()
    jsonschema.validate(record, SCHEMA)
    for cell in record["cells"]:
        if cell["generator"] == "loadgen":
            assert cell["sample"]["suspect"] == [{"key": "drift_share", "value": 0.3, "limit": 0.1}]
        else:
            assert "suspect" not in cell["sample"]


def interrupted(world: World, number: signal.Signals) -> list[str]:
    """A run that gets a signal after its third step; returns what its journal holds then."""
    command = world.command("--profile", "smoke", "--variants", "floor-epoll,inline-system", "--seed", "7",
                            "--workloads", "keepalive-get", "--rounds", "2")
    run = subprocess.Popen(command, env=world.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not (lines := journal(world))[3:]:
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.01)
    run.send_signal(number)
    _, said = run.communicate(timeout=20)
    assert run.returncode == 128 + number
    assert f"{number.name}: finished cells are kept, {GO_ON}" in said
    assert processes_of(world) == []
    kept = journal(world)
    assert kept[: len(lines)] == lines
    return kept


def test_sigterm_ends_a_run_in_order(world: World) -> None:
    interrupted(world, signal.SIGTERM)


def test_an_interrupted_run_keeps_its_cells_and_goes_on(world: World) -> None:
    kept = interrupted(world, signal.SIGINT)
    (folder,) = world.folders()
    assert not (folder / "record.json").exists()

    # As a run that lost power would leave it: the last line cut off.
    with (folder / "cells.ndjson").open("ab") as stream:
        stream.write(b'{"step": "cell/keepalive')
    done = world.bench("--resume", folder.name)
    assert done.returncode == 0, done.stderr
    record = world.record()
    assert record["interruptions"] == 1 and record["failures"] == []
    # Nothing twice, nothing missing, and what was kept was not measured again.
    cells = [(c["variant"], c["generator"], c["round"]) for c in record["cells"]]
    assert len(cells) == len(set(cells)) == 2 * 3
    assert len(record["turns"]) == 2 and len(record["generators"]) == 2
    before = [json.loads(line) for line in kept[1:]]
    measured = record["cells"] + record["turns"] + record["generators"] + record["idle"]
    for line in before:
        assert {key: value for key, value in line.items() if key not in ("step", "kind")} in measured
    again = world.bench("--resume", folder.name)
    assert again.returncode == 2 and "is finished" in one_line(again)


def journal(world: World) -> list[str]:
    files = list(world.out.glob("*/cells.ndjson"))
    return files[0].read_text(encoding="utf-8").splitlines() if files else []


def test_a_run_does_not_go_on_with_other_programs(world: World) -> None:
    world.change(faults={"loadgen": "errors"})
    assert world.small().returncode == 1
    world.change(faults={})
    (world.bin_dir / "inline-system").write_text(
        (world.bin_dir / "inline-system").read_text(encoding="utf-8") + "# built anew\n", encoding="utf-8"
    )
    done = world.bench("--resume", world.folders()[0].name)
    assert done.returncode == 2
    assert "not those the run began with (inline-system)" in one_line(done)


def test_a_full_disk_fails_the_run_in_one_line(world: World) -> None:
    """No file may grow beyond some kilobytes: the journal gets there first."""

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6500, 6500))

    done = world.small("--rounds", "2", preexec_fn=small_disk)
    assert done.returncode == 1
    line = one_line(done)
    assert "cannot write" in line and "File too large" in line and GO_ON in line
    kept = journal(world)
    assert len(kept) > 2 and all(json.loads(text) for text in kept)  # Nothing half-written.
    done = world.bench("--resume", world.folders()[0].name)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_cannot_be_written_is_named(world: World) -> None:
    world.out.write_text("a file is in the way", encoding="utf-8")
    done = world.small()
    assert done.returncode == 2 and "cannot create a record in results/" in one_line(done)


def test_help_gives_every_flag() -> None:
    done = subprocess.run([str(ROOT / "scripts" / "bench.py"), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    for flag in ("--profile", "--variants", "--workloads", "--rounds", "--seconds", "--seed", "--bin-dir", "--out",
                 "--resume"):
        assert flag in done.stdout
