"""scripts/report.py: true to its record, the same bytes each time, and a proof that fails when it should."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import synthetic
from conftest import ROOT, World
from httpdyno_report import cli, hgrm, model, plots, records, wording
from httpdyno_report.estimates import Estimate

SCHEMA = ROOT / "results" / "record.schema.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    synthetic.make_record(path)
    return path


@pytest.fixture(scope="module")
def report(results: Path) -> model.Report:
    return model.make_report(records.load(records.newest(results), SCHEMA))


@pytest.fixture(scope="module")
def written(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    assert cli.main(["--results", str(results), "--out", str(out)]) == 0
    return out


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the words: drawing takes most of the time."""
    monkeypatch.setattr(cli, "draw_all", lambda report, record: {"cpu.svg": repr(report).encode()})


@pytest.fixture
def drawn_before(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that need the plots of the record that is written already, but not their drawing."""
    drawn = {name: (written / "docs" / "plots" / name).read_bytes() for name in plots.PLOTS}
    monkeypatch.setattr(cli, "draw_all", lambda report, record: drawn)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ROOT / "scripts" / "report.py"), *arguments], capture_output=True, text=True,
                          check=False, env={"PATH": "/usr/bin", **environment})


def test_the_synthetic_record_meets_the_schema(results: Path) -> None:
    jsonschema.validate(synthetic.read(records.newest(results)), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_every_plot_is_well_formed_and_linked(written: Path) -> None:
    page = (written / "BENCH.md").read_text(encoding="utf-8")
    for name in plots.PLOTS:
        xml.etree.ElementTree.parse(written / "docs" / "plots" / name)
        assert f"](docs/plots/{name})" in page
    assert not list(written.rglob("*.part"))


def test_the_same_record_gives_the_same_bytes(results: Path, written: Path, tmp_path: Path) -> None:
    """In another process, with another order of hashes, another home, another time zone and no terminal."""
    done = run("--results", str(results), "--out", str(tmp_path), PYTHONHASHSEED="77", TZ="Asia/Tokyo", HOME="/nowhere",
               LC_ALL="C", MPLCONFIGDIR=str(tmp_path / "matplotlib"))
    assert done.returncode == 0, done.stderr
    for file in [written / "BENCH.md", *(written / "docs" / "plots").iterdir()]:
        assert (tmp_path / file.relative_to(written)).read_bytes() == file.read_bytes(), file.name


def test_check_agrees_with_what_was_written(results: Path, written: Path, drawn_before: None) -> None:
    assert cli.main(["--results", str(results), "--out", str(written), "--check"]) == 0


@pytest.mark.parametrize("file", ["BENCH.md", "docs/plots/cpu.svg"])
def test_check_finds_a_changed_figure(
    results: Path, written: Path, tmp_path: Path, file: str, drawn_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text(encoding="utf-8")
    # One digit of one figure, in the middle of the file.
    at = next(match.start() for match in re.finditer(r"\d\.\d\d", text) if match.start() > len(text) // 2)
    (tmp_path / file).write_text(text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1:], encoding="utf-8")
    assert cli.main(["--results", str(results), "--out", str(tmp_path), "--check"]) == 1
    said = capsys.readouterr().err
    assert file in said and "line " in said and len(said.strip().splitlines()) == 1


def test_check_finds_a_changed_record_and_a_missing_plot(
    tmp_path: Path, without_plots: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = synthetic.make_record(tmp_path / "results")
    arguments = ["--results", str(tmp_path / "results"), "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    record = synthetic.read(folder)
    for cell in record["cells"]:
        cell["sample"]["server_cpu_ns_per_request"] *= 1.01
    synthetic.write(folder, record)
    assert cli.main([*arguments, "--check"]) == 1
    assert cli.main(arguments) == 0
    (tmp_path / "docs" / "plots" / "cpu.svg").unlink()
    assert cli.main([*arguments, "--check"]) == 1
    assert "cpu.svg: No such file" in capsys.readouterr().err


def test_check_follows_the_page_and_not_the_newest_record(tmp_path: Path, without_plots: None) -> None:
    synthetic.make_record(tmp_path / "results", "2026-11-21T1200Z-aaaaaaa-quick")
    arguments = ["--results", str(tmp_path / "results"), "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    synthetic.make_record(tmp_path / "results", "2026-11-22T1200Z-aaaaaaa-quick", seed=2)
    assert cli.main([*arguments, "--check"]) == 0


def test_the_newest_whole_record_is_taken(tmp_path: Path) -> None:
    smoke = synthetic.make_record(tmp_path, "2026-11-20T0900Z-ccccccc-smoke", rounds=1)
    assert records.newest(tmp_path) == smoke
    synthetic.make_record(tmp_path, "2026-11-21T1200Z-aaaaaaa-quick")
    newer = synthetic.make_record(tmp_path, "2026-11-22T0900Z-bbbbbbb-quick")
    synthetic.make_record(tmp_path, "2026-11-23T0900Z-ccccccc-smoke", rounds=1)
    (tmp_path / "2026-11-24T0900Z-ddddddd-quick").mkdir()
    (tmp_path / "2026-11-24T0900Z-ddddddd-quick" / "cells.ndjson").write_text("{}\n", encoding="utf-8")
    assert records.newest(tmp_path) == newer


@pytest.mark.parametrize("arguments, expected", [
    (["--record", "nowhere"], "cannot read nowhere/record.json"),
    (["--results", "/nonexistent"], "measure first (make bench)"),
    (["--no-such-flag"], "unrecognized arguments"),
])
def test_wrong_usage_is_one_line_and_code_2(tmp_path: Path, arguments: list[str], expected: str) -> None:
    done = run(*arguments, "--out", str(tmp_path))
    assert done.returncode == 2
    assert expected in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("damage, expected", [
    (lambda r: r.pop("seed"), "does not meet"),
    (lambda r: r["cells"][0]["sample"].update(requests="many"), "does not meet"),
    (lambda r: r.update(name="2026-01-01T0000Z-aaaaaaa-quick"), "says that it is"),
    (lambda r: r["cells"][0]["sample"].update(hostname="me"), "does not meet"),
])
def test_a_damaged_record_is_refused(
    tmp_path: Path, damage: Any, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = synthetic.make_record(tmp_path)
    record = synthetic.read(folder)
    damage(record)
    synthetic.write(folder, record)
    assert cli.main(["--record", str(folder), "--out", str(tmp_path / "out")]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_page_that_was_not_generated_is_not_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "BENCH.md").write_text("# Figures by hand\n", encoding="utf-8")
    assert cli.main(["--out", str(tmp_path), "--check"]) == 2
    assert "does not say which record" in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_page(
    written: Path, results: Path, drawn_before: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.read_bytes() for file in written.rglob("*") if file.is_file()}

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert cli.main(["--results", str(results), "--out", str(written)]) == 1
    monkeypatch.undo()
    assert "No space left on device" in capsys.readouterr().err
    assert before == {file: file.read_bytes() for file in written.rglob("*") if file.is_file()}


def test_the_ratios_are_those_the_record_was_made_with(report: model.Report) -> None:
    for comparison in report.comparisons:
        for turn in comparison.turns:
            assert turn.ratio.value == pytest.approx(synthetic.COST[comparison.variant], rel=0.01)
            assert turn.ratio.count == 10 and 0.95 <= turn.ratio.coverage < 0.96875


def test_every_row_of_the_table_is_there(report: model.Report) -> None:
    assert len(report.tables) == len(report.workloads)
    for table in report.tables.values():
        assert [row.variant for row in table if row.generator == "loadgen"] == list(synthetic.COST)
        # The floor's wrk row comes out of the comparison of generators.
        assert [row.variant for row in table if row.generator == "wrk"] == ["floor-epoll", "inline-system"]


def test_verdicts() -> None:
    def turn(value: float, low: float, high: float, floor: float | None = 0.01, layout: bool = False) -> str:
        return model.Turn("w", Estimate(value, low, high, 0.97, 6), floor, layout).verdict

    assert turn(1.03, 1.02, 1.04) == "more"
    assert turn(0.97, 0.96, 0.98) == "less"
    assert turn(1.03, 0.99, 1.05) == "none"
    assert turn(1.005, 1.002, 1.008) == "below-layout"
    assert turn(0.995, 0.992, 0.998) == "below-layout"
    assert turn(1.005, 1.002, 1.008, floor=None) == "more"
    assert turn(1.005, 1.002, 1.008, layout=True) == "layout"
    assert model.Turn("w", Estimate(1.5, 1.5, 1.5, 0.0, 1), 0.01, False).verdict == "one-round"


def test_the_layout_floor_is_the_far_end_of_what_the_twin_shows(report: model.Report) -> None:
    twin = next(c for c in report.comparisons if c.variant == "inline-aa")
    for comparison in report.comparisons:
        for turn, other in zip(comparison.turns, twin.turns, strict=True):
            expected = max(abs(math.log(other.ratio.low)), abs(math.log(other.ratio.high)))
            assert turn.layout_floor == pytest.approx(expected)


def test_targets_are_met_or_not(tmp_path: Path) -> None:
    folder = synthetic.make_record(tmp_path)
    record = synthetic.read(folder)
    for turn in record["turns"]:
        if (turn["variant"], turn["workload"]) == ("inline-system", "keepalive-get"):
            turn["pair_log_ratios"] = [value + 0.1 for value in turn["pair_log_ratios"]]
    for step in record["generators"]:
        if step["workload"] == "json":
            step["samples"]["loadgen"]["generator_cpu_ns_per_request"] *= 3
    synthetic.write(folder, record)
    targets = {t.what: t for t in model.make_report(records.load(folder, SCHEMA)).targets}
    missed = {what for what, target in targets.items() if not target.met}
    assert missed == {
        "server CPU per request, inline-system over floor-epoll, keepalive-get",
        "generator CPU per request on the floor, loadgen over wrk, json",
    }
    assert "**not met**" in wording.target_verdict(targets[min(missed)])
    edge = model.Target("edge", 1.0, Estimate(0.99, 0.95, 1.02, 0.97, 6))
    assert edge.met and not edge.certain and "reaches over" in wording.target_verdict(edge)


def test_idle_connections_cost_what_the_record_says(report: model.Report) -> None:
    rows = {row.server: row for row in report.idle}
    assert list(rows) == [*synthetic.IDLE, "h2o"]
    for name, each in synthetic.IDLE.items():
        estimate = rows[name].each_bytes
        assert estimate is not None and estimate.value == pytest.approx(each, abs=1) and estimate.count == 3
    assert rows["h2o"].each_bytes is None
    (target,) = [target for target in report.targets if target.what.startswith("octets of memory")]
    assert target.met and target.bound == 256


def test_a_record_without_idle_connections_has_no_table_of_them(tmp_path: Path, without_plots: None) -> None:
    """As those from before they were measured."""
    folder = synthetic.make_record(tmp_path)
    page = cli.make_files(folder)["BENCH.md"].decode()
    assert "## Memory of idle connections" in page
    assert "| nginx 1.22.1 |" in page and "| h2o | not installed | – | – | – | – |" in page
    record = synthetic.read(folder)
    del record["idle"], record["peers"]
    synthetic.write(folder, record)
    assert "idle connection" not in cli.make_files(folder)["BENCH.md"].decode()


def test_sentences_follow_the_figures(tmp_path: Path) -> None:
    folder = synthetic.make_record(tmp_path)
    said = "\n".join(wording.summary(model.make_report(records.load(folder, SCHEMA))))
    assert re.search(r"\*\*pool-system\*\* against inline-system .*times as much on keepalive-get", said)
    assert re.search(r"\*\*inline-mimalloc\*\* against inline-system .*% less on", said)
    record = synthetic.read(folder)
    for turn in record["turns"]:
        if turn["variant"] == "inline-mimalloc":
            turn["pair_log_ratios"] = [(-1) ** turn["round"] * 0.02] * 3
    record["cells"][0]["sample"]["server_requests"] += 1
    record["revision"]["dirty"] = True
    record["failures"] = [{"step": "cell/x", "reason": "the server died"}]
    synthetic.write(folder, record)
    changed = model.make_report(records.load(folder, SCHEMA))
    said = "\n".join(wording.summary(changed))
    assert "**inline-mimalloc** against inline-system (allocator): no difference in CPU per request seen" in said
    cells = sum(cell["generator"] == "loadgen" for cell in record["cells"])
    assert f"in {cells - (record['cells'][0]['generator'] == 'loadgen')} of {cells} loadgen runs" in said
    doubts = "\n".join(wording.doubts(changed.record, changed.samples))
    assert "not quiet" not in doubts
    for sample in changed.samples:
        assert isinstance(sample, dict)
        sample["foreign_cpu_share"] = 0.2
    assert "not quiet" in "\n".join(wording.doubts(changed.record, changed.samples))
    assert "in no commit" in doubts and "the server died" in doubts


def test_wrk_without_usable_percentiles_shows_none(report: model.Report) -> None:
    row = next(row for row in report.tables["pipelined-16"] if row.generator == "wrk")
    assert row.latency_ns["p99"] is None and row.latency_ns["max"] is not None
    assert wording.cell(row.latency_ns["p99"], wording.microseconds) == "–"


def test_a_record_of_one_round_claims_nothing(tmp_path: Path, without_plots: None) -> None:
    folder = synthetic.make_record(tmp_path, "2026-11-21T1200Z-aaaaaaa-smoke", rounds=1)
    files = cli.make_files(folder)
    page = files["BENCH.md"].decode()
    assert "one round: no interval" in page and "not to be used" in page and "<sub>" not in page


def test_a_record_of_part_of_the_tables_is_reported(tmp_path: Path) -> None:
    """As --variants and --workloads leave it: no floor, no comparison, no wrk."""
    folder = synthetic.make_record(tmp_path)
    record = synthetic.read(folder)
    record["variants"] = [v for v in record["variants"] if v["name"] == "inline-system"]
    record["workloads"] = record["workloads"][:1]
    record["cells"] = [c for c in record["cells"] if (c["variant"], c["workload"], c["generator"]) == (
        "inline-system", record["workloads"][0]["name"], "loadgen")]
    record["turns"], record["generators"], record["idle"] = [], [], []
    synthetic.write(folder, record)
    page = cli.make_files(folder)["BENCH.md"].decode()
    assert "## Targets" not in page and "## Taken in turn" not in page and "| inline-system | loadgen |" in page


def test_a_run_of_the_bench_becomes_a_report(world: World, tmp_path: Path) -> None:
    assert world.small().returncode == 0
    (folder,) = world.folders()
    out = tmp_path / "out"
    done = run("--record", str(folder), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert run("--record", str(folder), "--out", str(out), "--check").returncode == 0
    page = (out / "BENCH.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in page and str(ROOT) not in page


def test_the_committed_page_comes_from_its_record() -> None:
    if not (ROOT / "BENCH.md").exists():
        pytest.skip("no BENCH.md yet")
    done = run("--check")
    assert done.returncode == 0, done.stderr


def test_a_distribution_is_read_as_written(tmp_path: Path) -> None:
    file = tmp_path / "x.hgrm"
    file.write_text(
        "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
        "       0.100 0.000000000000          1           1.00\n"
        "       0.250 0.500000000000        500           2.00\n"
        "       1.000 1.000000000000       1000\n"
        "#[Mean    =        0.250, StdDeviation   =        0.010]\n", encoding="ascii")
    distribution = hgrm.read_hgrm(file)
    assert distribution.count == 1000
    assert [distribution.value_ns(share) for share in (0.0, 0.5, 0.51, 1.0)] == [100e3, 250e3, 1000e3, 1000e3]
    file.write_text("nothing\n", encoding="ascii")
    with pytest.raises(ValueError, match="no percentile distribution"):
        hgrm.read_hgrm(file)


@pytest.mark.parametrize("value, text", [(0.0, "0"), (0.04123, "0.0412"), (4.126, "4.13"), (41.26, "41.3"),
                                         (412.6, "413"), (4126.0, "4126")])
def test_three_significant_digits(value: float, text: str) -> None:
    assert wording.significant(value) == text


@pytest.mark.parametrize("value, text", [(1.0312, "3.1 % more"), (0.88, "12 % less"), (2.314, "2.31 times as much")])
def test_ratios_in_words(value: float, text: str) -> None:
    assert wording.more_or_less(value) == text
