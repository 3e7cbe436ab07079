"""scripts/gate.py from the outside, on servers and a load generator that do as they are told: outcomes, exit codes, files, and how it fails."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import FAKES, ROOT
from httpdyno_bench import interrupts
from httpdyno_bench.identity import tree_revision
from httpdyno_gate import cli, fitness
from httpdyno_gate.outcome import conclude
from httpdyno_gate.outputs import files

SERVER = f"{FAKES / 'http_server.py'} --port {{port}}"
TABLE = {
    "rows": [
        {"name": "one", "variant": "inline-system", "load": {"target": "/", "connections": 2, "pipeline": 1}, "round_seconds": 0.1, "slice_ms": 10,
         "metrics": {"cpu": {"tolerated": 0.001, "matters": 0.005}}},
        {"name": "two", "variant": "inline-system", "load": {"target": "/", "connections": 4, "pipeline": 2}, "round_seconds": 0.1, "slice_ms": 10,
         "metrics": {"cpu": {"tolerated": 0.001, "matters": 0.005}, "throughput": {"tolerated": 0.001, "matters": 0.02}}},
    ]
}


@dataclasses.dataclass
class Ring:
    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        loadgen = self.folder / "bin" / "loadgen"
        loadgen.write_bytes((FAKES / "gate_loadgen.py").read_bytes())
        loadgen.chmod(0o755)
        (self.folder / "table.json").write_text(json.dumps(TABLE), encoding="utf-8")
        self.say()

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def say(self, **settings: Any) -> None:
        identity = {"row": "loadgen", "revision": tree_revision(ROOT).commit, "build_type": "Release", "sanitizers": ""}
        world = {"identity": identity, "loss": 0.0, "spread": 0.0005, **settings}
        (self.folder / "bin" / "world.json").write_text(json.dumps(world), encoding="utf-8")

    def command(self, *arguments: str, base: str = SERVER + " base", head: str = SERVER + " head") -> list[str]:
        return [
            str(FAKES / "gate_anywhere.py"), "--base-cmd", base, "--head-cmd", head, "--table", str(self.folder / "table.json"), "--cache",
            str(self.folder / "cache"), "--bin-dir", str(self.folder / "bin"), "--rounds-max", "9", "--seed", "3", "--out", str(self.out), *arguments,
        ]

    def gate(self, *arguments: str, **sides: str) -> subprocess.CompletedProcess[str]:
        """In a child that has imported everything already: most of a short gate's time would be scipy's import."""
        command = self.command(*arguments, **sides)
        texts = [self.folder / name for name in ("stdout", "stderr")]
        child = os.fork()
        if child == 0:
            sys.stdout, sys.stderr = (path.open("w", encoding="utf-8") for path in texts)
            code = 125
            try:
                fitness.STEAL_SHARE_MAX = fitness.FOREIGN_SHARE_MAX = fitness.LOAD_PER_CORE_MAX = math.inf
                code = cli.main(command[1:])
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(status), *(path.read_text(encoding="utf-8") for path in texts))

    def verdict(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "verdict.json").read_text(encoding="utf-8")))

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "bin" / "calls.ndjson").read_text(encoding="utf-8").splitlines()]

    def left_behind(self) -> list[str]:
        """Half-written files, and processes of fakes of this folder or started for it."""
        found = [str(path) for path in self.folder.rglob(".*.part")]
        for file in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"GATE_TEST={self.folder}".encode() in file.read_bytes():
                    found.append(file.parent.name)
            except OSError:
                continue
        return found


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ring:
    monkeypatch.setenv("GATE_TEST", str(tmp_path))
    return Ring(tmp_path)


def test_equal_servers_pass(ring: Ring) -> None:
    done = ring.gate("--history", str(ring.folder / "history.ndjson"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "" and done.stdout.splitlines()[-1].startswith("PASS")
    verdict = ring.verdict()
    assert (verdict["outcome"], verdict["exit_code"]) == ("PASS", 0)
    assert [(cell["row"], cell["metric"]) for cell in verdict["cells"]] == [("one", "cpu"), ("two", "cpu"), ("two", "throughput")]
    (line,) = [json.loads(line) for line in (ring.folder / "history.ndjson").read_text(encoding="utf-8").splitlines()]
    assert line["outcome"] == "PASS" and len(line["cells"]) == 3
    slices = [json.loads(line) for line in (ring.out / "slices.ndjson").read_text(encoding="utf-8").splitlines()]
    rounds = verdict["cells"][0]["rounds"]
    assert {(each["row"], each["round"]) for each in slices} == {(row, number) for row in ("one", "two") for number in range(rounds)}
    assert {path.name for path in ring.out.iterdir()} == {"verdict.json", "verdict.md", "junit.xml", "slices.ndjson"}
    assert ring.left_behind() == []


def test_a_loss_is_a_regression_and_the_other_way_round_a_pass(ring: Ring) -> None:
    ring.say(loss=0.01)
    done = ring.gate("--rows", "one")
    assert done.returncode == 1, done.stdout + done.stderr
    (cell,) = ring.verdict()["cells"]
    assert cell["zone"] == "REGRESSION" and 1.009 < cell["ratio"] < 1.011
    ring.say(loss=-0.01)
    assert ring.gate("--rows", "one").returncode == 0
    (cell,) = ring.verdict()["cells"]
    assert 0.989 < cell["ratio"] < 0.991


def test_a_tail_that_is_longer_is_a_regression(ring: Ring) -> None:
    """And with the same servers it is none; the CPU time of the row is the same both times. Alone it is a gate, too."""
    tail = {"name": "tail", "variant": "inline-system", "load": {"target": "/", "connections": 2, "pipeline": 1, "rate": 20000},
            "round_seconds": 0.1, "slice_ms": 10, "metrics": {"tail-p99": {"tolerated": 0.3, "matters": 1.0}}}
    (ring.folder / "table.json").write_text(json.dumps({"rows": [tail]}), encoding="utf-8")
    assert ring.gate().returncode == 0
    ring.say(stalls=20)
    done = ring.gate()
    assert done.returncode == 1, done.stdout + done.stderr
    (cell,) = ring.verdict()["cells"]
    assert (cell["metric"], cell["zone"]) == ("tail-p99", "REGRESSION") and 2.5 < cell["ratio"] < 3.5
    assert all("--rate" in call["arguments"] for call in ring.calls() if "--pairs" in call["arguments"])


def test_what_cannot_be_told_is_not_green(ring: Ring) -> None:
    """Nor is it left before the last round. Rows come in turn, and what a start fixes is drawn anew for each round."""
    ring.say(loss=0.003, spread=0.003)
    done = ring.gate()
    assert done.returncode == 3, done.stdout
    assert {cell["rounds"] for cell in ring.verdict()["cells"]} == {9}
    rounds = [call for call in ring.calls() if "--pairs" in call["arguments"]][5:]
    said = [{name: call["arguments"][call["arguments"].index(name) + 1] for name in ("--connections", "--pid-a", "--pid-b", "--seed")}
            for call in rounds]
    assert [each["--connections"] for each in said] == ["2", "4"] * 9
    assert len({call["environments"]["a"] for call in rounds}) > 9
    # Pids rise: who has the lower one was started first.
    assert {int(each["--pid-a"]) < int(each["--pid-b"]) for each in said} == {True, False}
    assert len({each["--seed"] for each in said}) == 18


@pytest.mark.parametrize("fault", ["dies", "no number", "empty file"])
def test_what_must_not_be_believed_is_invalid(ring: Ring, fault: str) -> None:
    ring.say(fault=fault)
    done = ring.gate("--rows", "one")
    assert done.returncode == 5, done.stdout + done.stderr
    assert ring.verdict()["outcome"] == "INVALID" and ring.verdict()["cells"] == []
    assert "loadgen" in ring.verdict()["reasons"][0]
    assert ring.left_behind() == []


def test_a_server_that_dies_is_named(ring: Ring) -> None:
    done = ring.gate("--rows", "one", head=f"{SERVER} --die-after-requests 1 head")
    assert done.returncode == 5
    assert "head" in ring.verdict()["reasons"][0] and "exit code 7" in ring.verdict()["reasons"][0]


def test_a_server_that_does_not_start_is_named(ring: Ring) -> None:
    done = ring.gate("--rows", "one", head="/bin/sh -c 'echo no such thing >&2; exit 3' {port}")
    assert done.returncode == 5
    assert "head ended (exit code 3)" in ring.verdict()["reasons"][0] and "no such thing" in ring.verdict()["reasons"][0]


def test_a_servers_workers_count_and_end_with_it(ring: Ring) -> None:
    done = ring.gate("--rows", "one", base=f"{SERVER} --workers 2 base", head=f"{SERVER} --workers 2 head")
    assert done.returncode == 0, done.stdout + done.stderr
    call = ring.calls()[0]["arguments"]
    assert len(call[call.index("--pid-a") + 1].split(",")) == 3
    assert ring.left_behind() == []


def test_one_program_that_differs_from_itself_makes_the_machine_unfit(ring: Ring) -> None:
    ring.say(canary_loss=0.05, loss=0.0)
    done = ring.gate("--rows", "one")
    assert done.returncode == 4
    assert ring.verdict()["outcome"] == "UNFIT" and "not even" in ring.verdict()["reasons"][0]


def test_an_interrupted_gate_leaves_nothing(ring: Ring) -> None:
    """Nor an earlier verdict, which somebody might take for its own; and meanwhile no other gate measures it."""
    files.write(conclude((), (), {}, timed=False), ring.out)
    ring.say(fault="hangs")
    process = subprocess.Popen(ring.command("--rows", "one"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (ring.folder / "bin" / "calls.ndjson").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    second = ring.gate("--rows", "one")
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert second.returncode == 2 and "another gate is on" in second.stderr
    assert (process.returncode, printed, said) == (130, "", "gate.py: SIGINT: no verdict\n")
    assert list(ring.out.iterdir()) == [] and ring.left_behind() == []


def test_a_full_disk_is_no_verdict(ring: Ring) -> None:
    """A limit on the size of files, which the slices meet first, stands for the disk."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))

    ring.say(silent=True)
    command = ring.command("--rows", "one", "--seconds", "8")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, preexec_fn=limited)
    assert done.returncode == 2, done.stdout
    assert done.stderr == "gate.py: cannot write slices.ndjson: File too large\n"
    assert list(ring.out.iterdir()) == [] and ring.left_behind() == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--rows", "three"], "unknown row 'three'"),
        (["--rounds-max", "2"], "rounds"),
        (["--base", "HEAD"], "--base-cmd"),
        (["--relinks", "3"], "--relinks"),
        (["--seconds", "-1"], "--seconds"),
        (["--seconds", "nan"], "--seconds"),
        (["--table", "/nonexistent"], "nonexistent"),
        (["--frobnicate"], "--frobnicate"),
        (["--bin-dir", "/nonexistent"], "loadgen"),
        (["--head-cmd", "server"], "{port}"),
        (["--head-cmd", "server '{port}"], "no command"),
        (["--cache", "/dev/null/cache"], "cache"),
    ],
)
def test_bad_usage_is_one_line(
    ring: Ring, arguments: list[str], word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interrupts, "take_signals", lambda: None)
    assert cli.main([*ring.command()[1:], *arguments]) == 2
    printed, said = capsys.readouterr()
    assert printed == "" and len(said.splitlines()) == 1 and word in said, said


def test_a_loadgen_of_another_tree_is_refused(ring: Ring) -> None:
    ring.say(identity={"revision": "0" * 40, "build_type": "Release", "sanitizers": ""})
    done = ring.gate()
    assert done.returncode == 2 and "refused loadgen" in done.stderr


def test_one_side_alone_is_refused() -> None:
    for arguments, word in ((["--base-cmd", "x {port}"], "go together"), ([], "--base REV"), (["--base", "none"], "no revision 'none'")):
        done = subprocess.run([str(ROOT / "scripts" / "gate.py"), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and (word in done.stderr or "loadgen" in done.stderr), done.stderr
