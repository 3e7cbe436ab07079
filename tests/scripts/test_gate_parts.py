"""The gate's parts by themselves: its table, the slices of a round, the golden requests, the machine's fitness, the history."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import FAKES, ROOT
from httpdyno_bench import peers
from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.machine import Placement, Reading
from httpdyno_bench.processes import Finished
from httpdyno_gate import golden
from httpdyno_gate.alternation import Alternation, faults_of
from httpdyno_gate.command_server import serving_command, tree_of
from httpdyno_gate.errors import InvalidRun
from httpdyno_gate.fitness import Quota, Watch, canary_faults, quota, static_faults
from httpdyno_gate.limits import Cell
from httpdyno_gate.rounds import values_of
from httpdyno_gate.rows import Row, chosen, load_rows
from httpdyno_gate.store import append

APART = Placement(1, 0, "distinct")
SECOND = 1_000_000_000


def table(tmp_path: Path, *rows: Any) -> Path:
    path = tmp_path / "gate.json"
    path.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    return path


def row(**changes: Any) -> dict[str, Any]:
    return {"name": "one", "variant": "inline-system", "load": {"target": "/", "connections": 2, "pipeline": 1}, "round_seconds": 1.0, "slice_ms": 25,
            "metrics": {"cpu": {"tolerated": 0.001, "matters": 0.005}}, **changes}


def test_the_committed_table_is_one() -> None:
    rows = load_rows(ROOT / "bench" / "gate.json")
    assert [each.name for each in rows][:1] == ["keep-alive"]
    variants = {each["name"] for each in json.loads((ROOT / "variants" / "variants.json").read_text(encoding="utf-8"))["variants"]}
    assert {each.variant for each in rows} <= variants
    # A whole gate of it measures for a few minutes.
    assert 24 * sum(each.round_seconds for each in rows) <= 300


def test_a_row_says_what_is_judged(tmp_path: Path) -> None:
    (one,) = load_rows(table(tmp_path, row()))
    assert one.pairs() == 20 and one.pairs(0.5) == 10 and one.pairs(0.001) == 2
    assert one.cells[Cell("one", "cpu")].matters == pytest.approx(math.log(1.005))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"metrics": {}}, "no metrics"),
        ({"metrics": {"cpu": {"tolerated": 0.0, "matters": 5.0}}}, "500%"),
        ({"metrics": {"cpu": {"tolerated": 0.005, "matters": 0.005}}}, "matters"),
        ({"metrics": {"cpu": {"tolerated": -0.1, "matters": 0.005}}}, "tolerated"),
        ({"metrics": {"cpu": {"tolerated": 0.0, "matters": float("nan")}}}, "cpu"),
        ({"metrics": {"cpu": {"matters": 0.005}}}, "tolerated"),
        ({"metrics": {"speed": {"tolerated": 0.0, "matters": 0.005}}}, "speed"),
        ({"metrics": {"tail-p99": {"tolerated": 0.3, "matters": 1.0}}}, "tail-p99"),
        ({"load": {"target": "/", "connections": 2, "pipeline": 1, "rate": 1000}, "metrics": {"throughput": {"tolerated": 0.0, "matters": 0.1}}}, "throughput"),
        ({"load": {"target": "/", "connections": 2, "pipeline": 1, "rate": 1000}, "metrics": {"tail-p99": {"tolerated": 0.3, "matters": 1.0}}}, "500 are asked"),
        ({"load": {"target": "plaintext", "connections": 2, "pipeline": 1}}, "target"),
        ({"load": {"target": "/", "connections": 0, "pipeline": 1}}, "connections"),
        ({"load": {"target": "/", "connections": True, "pipeline": 1}}, "connections"),
        ({"load": None}, "one"),
        ({"name": "Row One"}, "name"),
        ({"round_seconds": 0}, "round_seconds"),
        ({"slice_ms": "25"}, "slice_ms"),
        ({"variant": None, "load": {"connections": 2, "pipeline": 1}}, "target"),
    ],
)
def test_a_table_that_gates_nothing_is_refused(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        load_rows(table(tmp_path, row(**changes)))


def test_a_table_without_rows_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rows"):
        load_rows(table(tmp_path))
    with pytest.raises(UsageError, match="twice"):
        load_rows(table(tmp_path, row(), row()))
    (tmp_path / "gate.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="no table"):
        load_rows(tmp_path / "gate.json")
    with pytest.raises(UsageError, match="no row named"):
        chosen(load_rows(table(tmp_path, row())), ",")


def alternation(*pairs: tuple[float, float]) -> Alternation:
    """Of a base and a head with so much CPU time per request; wall time is ten times as much."""
    slices = []
    for number, costs in enumerate(pairs):
        for side, cost in zip("ab" if number % 2 else "ba", costs if number % 2 else reversed(costs)):
            slices.append({"pair": number, "side": side, "requests": 100, "cpu_ns": 100 * cost, "wall_ns": 1000 * cost, "errors": 0})
    return Alternation(slices, {"a": 1, "b": 1}, Finished(0, "", "", 0, 0))


def test_a_rounds_value_is_the_median_log_ratio_of_its_pairs(tmp_path: Path) -> None:
    (one,) = load_rows(table(tmp_path, row(metrics={name: {"tolerated": 0.0, "matters": 0.1} for name in ("cpu", "throughput")})))
    values = values_of(one, alternation((100, 110), (200, 208), (50, 10)))
    assert values == {"cpu": pytest.approx(math.log(1.04)), "throughput": pytest.approx(math.log(1.04))}
    swapped = values_of(one, alternation((110, 100), (208, 200), (10, 50)))
    assert swapped["cpu"] == pytest.approx(-values["cpu"])


def test_a_rounds_tail_is_of_its_slices(tmp_path: Path) -> None:
    load = {"target": "/", "connections": 2, "pipeline": 1, "rate": 1000}
    (one,) = load_rows(table(tmp_path, row(load=load, round_seconds=2.0, metrics={"tail-p99": {"tolerated": 0.3, "matters": 1.0}})))
    slices = [{"pair": 0, "side": side, "requests": 1000, "sent": 1000, "due": 1000, "errors": 0, "wall_ns": 10**9, "cpu_ns": 10**6,
               "response_ns": [[10, 1000 - slow], [20, slow]]} for side, slow in (("b", 30), ("a", 5))]
    driven = Alternation(slices, {"a": 1000, "b": 1000}, Finished(0, "", "", 0, 0))
    # Of base's percentile all but five of its requests are the bucket.
    assert values_of(one, driven) == {"tail-p99": pytest.approx(math.log((30 + 970 / 2 + 0.5) / (5 + 995 / 2 + 0.5)))}
    slices[1]["sent"] = 999
    with pytest.raises(InvalidRun, match="one tail-p99: of 1000 requests that were due base was sent 999"):
        values_of(one, driven)


def test_slices_that_cannot_be_are_found() -> None:
    totals = {"requests_a": 200, "requests_b": 200, "errors": 0, "interrupted": False}
    good = alternation((1, 1), (1, 1)).slices
    assert faults_of(good, totals, 2) == []
    for place, key, value in ((0, "side", "a"), (1, "pair", 1), (2, "requests", 0), (3, "cpu_ns", math.nan), (3, "cpu_ns", -1), (0, "wall_ns", None),
                              (0, "wall_ns", "1"), (1, "requests", True), (1, "errors", 1), (1, "errors", None), (2, "cpu_ns", math.inf)):
        bad = [dict(each) for each in good]
        bad[place][key] = value
        assert faults_of(bad, totals, 2), (place, key, value)
    assert faults_of(good[1:], totals, 2) and faults_of(good, totals, 3) and faults_of([], {}, 2)
    for key, value in (("errors", 1), ("interrupted", True), ("requests_a", None)):
        assert faults_of(good, {**totals, key: value}, 2)


class Answering:
    """A server on a thread that sends what it is told to, to whatever it is asked."""

    def __init__(self, *answers: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answers = answers
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for answer in self._answers:
            connection, _ = self._listener.accept()
            with connection:
                while connection.recv(4096):
                    pass
                connection.sendall(answer)

    def end(self) -> None:
        self._thread.join()
        self._listener.close()


def test_answers_are_compared_but_for_the_date() -> None:
    server = Answering(*(b"HTTP/1.1 200 OK\r\nDate: Sun, 2%d Nov 2026 00:31:04 GMT\r\nContent-Length: 2\r\n\r\nok" % day for day in (1, 2)),
                       b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nDate: x")
    try:
        first, second, third = (golden.answer_to(server.port, b"GET / HTTP/1.1\r\n\r\n") for _ in range(3))
    finally:
        server.end()
    assert first == second and b"Date: \r\n" in first and third.endswith(b"x")


def test_golden_requests_ask_for_errors_too() -> None:
    assert len(golden.REQUESTS) >= 15
    assert {"no such target", "no Host", "no HTTP"} <= golden.REQUESTS.keys()


def test_a_fit_machine_has_two_cores_and_time_on_them() -> None:
    unbound = Quota(None, 0)
    assert static_faults(APART, 0.5, unbound) == []
    assert "one core" in static_faults(Placement(0, 0, "same"), 0.5, unbound)[0]
    assert "1.5 cores" in static_faults(APART, 0.5, Quota(1.5, 0))[0]
    assert "load average" in static_faults(APART, 1000.0, unbound)[0]


def test_a_canary_must_be_even_and_narrow() -> None:
    assert canary_faults([0.001, -0.001, 0.0005, -0.0004, 0.0001], 0.005) == []
    assert "not even" in canary_faults([0.05, 0.0501, 0.0502, 0.0499, 0.05], 0.005)[0]
    assert "too much to see" in canary_faults([0.05, -0.05, 0.03, -0.04, 0.01], 0.005)[0]
    assert canary_faults([0.0, math.nan, 0.0, 0.0], 0.005) and canary_faults([], 0.005)


def test_what_goes_on_beside_the_measuring_is_seen() -> None:
    zero = Reading(0, 0, 0)
    for busy, steal, throttled, word in ((6 * SECOND, 0, 0, "other programs used 20 %"), (4 * SECOND, 3 * SECOND, 0, "hypervisor took 30 %"),
                                         (4 * SECOND, 0, 2, "held us back 2 times")):
        watch = Watch(APART)
        watch.add(zero, Reading(busy, steal, 10 * SECOND), 4 * SECOND, throttled)
        (fault,) = watch.faults()
        assert word in fault
    calm = Watch(APART)
    calm.add(zero, Reading(4 * SECOND, 0, 10 * SECOND), 4 * SECOND, 0)
    assert calm.faults() == []


@pytest.mark.parametrize(
    ("lines", "files", "expected"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000", "a/b/cpu.stat": "nr_throttled 3"}, Quota(1.5, 3)),
        ("0::/a\n", {"a/cpu.max": "max 100000"}, Quota(None, 0)),
        ("4:cpu,cpuacct:/x\n0::/\n", {"cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"}, Quota(0.5, 0)),
        ("4:cpu:/x\n", {"cpu/x/cpu.cfs_quota_us": "-1", "cpu/x/cpu.cfs_period_us": "100000"}, Quota(None, 0)),
        ("", {}, Quota(None, 0)),
    ],
)
def test_the_tightest_bound_of_the_control_groups_is_ours(tmp_path: Path, lines: str, files: dict[str, str], expected: Quota) -> None:
    (tmp_path / "own").write_text(lines, encoding="ascii")
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text + "\n", encoding="ascii")
    assert quota(tmp_path / "own", tmp_path / "groups") == expected
    assert quota(tmp_path / "missing") == Quota(None, 0)


def test_a_tree_of_processes_is_all_that_descend() -> None:
    inner = "import subprocess, sys; subprocess.run(['sleep', '30'])"
    with subprocess.Popen([sys.executable, "-SE", "-c", f"import subprocess, sys; print(flush=True); subprocess.run([sys.executable, '-SE', '-c', {inner!r}])"],
                          stdout=subprocess.PIPE, process_group=0) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            found: tuple[int, ...] = ()
            while len(found) < 3 and process.poll() is None:
                found = tree_of(process.pid)
            assert process.pid in found and os.getpid() not in found and len(found) == 3
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def command() -> Iterator[str]:
    yield f"{FAKES / 'http_server.py'} --port {{port}}"


def test_a_server_whose_processes_change_is_not_measured(command: str) -> None:
    with pytest.raises(RunError, match="base: processes came or went"):
        with serving_command("base", f"{command} --workers 2 --stubborn", 0, "/", {}) as (_, pids):
            assert len(pids) == 3
            os.kill(pids[-1], signal.SIGKILL)
            while b"Z" not in Path(f"/proc/{pids[-1]}/stat").read_bytes().rpartition(b")")[2][:3]:
                pass


def test_a_file_of_lines_is_only_added_to(tmp_path: Path) -> None:
    file = tmp_path / "new" / "history.ndjson"
    append(file, ['{"outcome": "PASS"}\n'])
    append(file, ['{"outcome": "REGRESSION"}\n'])
    assert [json.loads(line)["outcome"] for line in file.read_text(encoding="utf-8").splitlines()] == ["PASS", "REGRESSION"]
    program = "import sys; from pathlib import Path; from httpdyno_gate.store import append; append(Path(sys.argv[1]), ['y' * 10000])"

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    before = file.read_bytes()
    done = subprocess.run([sys.executable, "-c", program, str(file)], env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")}, capture_output=True,
                          text=True, check=False, preexec_fn=limited)
    assert done.returncode != 0 and "cannot write history.ndjson: File too large" in done.stderr
    assert file.read_bytes() == before


def test_a_server_of_others_can_be_a_side() -> None:
    """Its master and worker are told apart from nobody: both count."""
    if "nginx" not in peers.installed():
        pytest.skip("nginx is not installed (scripts/setup --peers)")
    command = f"{ROOT / 'scripts' / 'peer.py'} nginx --port {{port}} --directory {{directory}}"
    with serving_command("base", command, 0, "/plaintext", {}) as (url, pids):
        assert golden.answer_to(int(url.rsplit(":", 1)[1]), b"GET / HTTP/1.0\r\n\r\n").endswith(b"Hello, World!")
        assert len(pids) >= 1
    assert not Path(f"/proc/{pids[0]}").exists()


def test_a_server_of_others_that_is_not_installed_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run([str(ROOT / "scripts" / "peer.py"), "apache", "--port", "1", "--directory", str(tmp_path)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and "apache" in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_row_of_a_fixed_rate_has_tails() -> None:
    (row_of_tails,) = chosen(load_rows(ROOT / "bench" / "gate.json"), "tail")
    pair = [{"pair": 0, "side": side, "requests": 20000, "cpu_ns": 1, "wall_ns": SECOND, "errors": 0, "due": 20000, "sent": 20000, "censored": 0,
             "response_ns": [[1000, 19700], [2000, 300 - late], [5000, late]]} for side, late in (("a", 30), ("b", 120))]
    values = values_of(row_of_tails, Alternation(pair, {"a": 20000, "b": 20000}, Finished(0, "", "", 0, 0)))
    assert values.keys() == {"tail-p99", "tail-p99.9"}
    assert abs(values["tail-p99"]) < 0.5 and values["tail-p99.9"] > math.log(3)
