"""The gate's trials: a file that only grows, rates with exact intervals, and the table of them in BENCH.md."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import synthetic
from httpdyno_bench.errors import UsageError
from httpdyno_gate import calibration, store
from httpdyno_gate.calibration import Trial
from httpdyno_report import calibration as part
from httpdyno_report import cli


def trial(role: str = "plant", name: str = "spin", argument: str = "1%", *, seen: int = 1, **members: Any) -> Trial:
    outcome = {"cheat": "INVALID"}.get(role, "REGRESSION") if seen else "PASS"
    given: dict[str, Any] = {
        "date": "2026-11-22T00:30:00Z", "revision": "abcdef012345", "kind": "real", "row": "keep-alive", "outcome": outcome,
        "seen_by": ["keep-alive cpu"] if seen and role != "cheat" else [], "rounds": 8, "seconds": 40.0,
        "losses": {"keep-alive cpu": 0.0101}, **members,
    }
    return Trial(role=role, plant=name, argument=argument, seen=seen, **given)


# --- rates


def test_what_is_always_seen_is_the_weakest_spin_that_no_trial_missed() -> None:
    trials = [trial(argument=argument, seen=seen) for argument, results in (
        ("2%", [1] * 12), ("1%", [1] * 12), ("0.5%", [1] * 11 + [0]), ("0.25%", [1] * 5)) for seen in results]
    trials += [trial(argument="0.1%", kind="simulation")] * 50 + [trial(name="syscall", argument="")] * 12
    found = calibration.smallest_always_seen(calibration.groups(trials), 12)
    assert [(group.row, group.argument, group.tally and group.tally.seen) for group in found] == [("keep-alive", "1%", 12)]


# --- the file


def test_what_was_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "gate" / "calibration.ndjson"
    first, second = trial(values={"keep-alive cpu": [0.01, 0.011]}), trial("control", "same-binary", "", seen=0)
    assert calibration.read(path) == []
    store.append(path, [first.line()])
    before = path.read_bytes()
    store.append(path, [second.line()])
    assert calibration.read(path) == [first, second]
    assert path.read_bytes().startswith(before) and path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize("line", [
    "", "[]", "{}", "null", '{"date": 1', trial().line().replace('"real"', '"unreal"'), trial().line().replace('"seen": 1', '"seen": 2'),
    trial().line().replace("40.0", "NaN"), trial().line().replace('"REGRESSION"', '"GREEN"'), trial().line()[:-3],
])
def test_a_damaged_line_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    path = tmp_path / "calibration.ndjson"
    path.write_text(trial().line() + line.rstrip("\n") + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="calibration.ndjson, line 2"):
        calibration.read(path)


def test_a_last_line_that_broke_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "calibration.ndjson"
    path.write_text(trial().line() + trial().line().rstrip("\n"), encoding="utf-8")
    with pytest.raises(UsageError, match="ends within line 2"):
        calibration.read(path)


# --- the page


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    synthetic.make_record(path)
    lines = [trial(seconds=30.0 + number) for number in range(12)]
    lines += [trial(seen=0, outcome="UNFIT", losses={}, seconds=4.0)]
    lines += [trial(argument="0.5%", seen=number % 2, losses={"keep-alive cpu": 0.005}) for number in range(6)]
    lines += [trial("control", "same-binary", "", seen=0)] * 20
    lines += [trial("control", "relinked", "", seen=0, losses={"keep-alive cpu": loss}, floors={"keep-alive cpu": 0.012})
              for loss in (0.002, -0.0075)]
    lines += [trial("control", "same-binary", "", seen=37, trials=10_000, kind="replay", losses={})]
    lines += [trial("control", "no loss", "seed 1", seen=seen, trials=1000, kind="simulation", row=row, losses={})
              for row, seen in (("1 cell, normal", 2), ("3 cells, wild rounds", 7))]
    lines += [trial("cheat", "truncate", "", losses={})] * 3
    store.append(path / part.FILE, [line.line() for line in lines])
    return path


def page_of(results: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(cli, "draw_all", lambda report, record: {"cpu.svg": b"drawn"})
    assert cli.main(["--results", str(results), "--out", str(out)]) == 0
    return (out / "BENCH.md").read_text(encoding="utf-8")


def test_the_page_has_every_rate(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_of(results, tmp_path, monkeypatch)
    assert "**+1 % of CPU time per request** on keep-alive was called REGRESSION in 12 of 12 real runs, the longest of 41 s" in page
    assert "| spin:1% | keep-alive | 12 of 12 | 73.5 – 100 % | 1 | keep-alive cpu | keep-alive cpu +1.01 % | 8 | 41 s | real |" in page
    assert "| spin:0.5% | keep-alive | 3 of 6 | 11.8 – 88.2 % |" in page
    assert "| same-binary | keep-alive | 0 of 20 | 0 – 16.8 % | 20 PASS |" in page
    assert "| same-binary | keep-alive | 37 of 10,000 | 0.26 – 0.51 % |" in page
    assert "| cheat truncate | keep-alive | 3 of 3 | 29.2 – 100 % | 3 INVALID |" in page
    assert "| no loss | REGRESSION | 9 of 2,000 | 7 of 1,000 | 0.28 – 1.4 % | 3 cells, wild rounds |" in page
    assert "**False alarms**, real: 0 of 22" in page
    assert "| keep-alive | keep-alive cpu | 0.75 % | 2 | 1.2 % |" in page


def test_the_page_is_held_to_the_trials(results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As to its records: a trial that was added or taken away shows."""
    page_of(results, tmp_path, monkeypatch)
    check = ["--results", str(results), "--out", str(tmp_path), "--check"]
    assert cli.main(check) == 0
    path = results / part.FILE
    kept = path.read_bytes()
    try:
        store.append(path, [dataclasses.replace(trial("control", "same-binary", ""), seen=1).line()])
        assert cli.main(check) == 1
    finally:
        path.write_bytes(kept)


def test_without_trials_there_is_no_such_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "results"
    results.mkdir()
    synthetic.make_record(results)
    assert "How often the gate is wrong" not in page_of(results, tmp_path / "out", monkeypatch)
