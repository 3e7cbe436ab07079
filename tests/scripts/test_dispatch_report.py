"""The part of BENCH.md on dispatch and docs/TUNING.md: true to their record, absent without it."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import synthetic
import synthetic_dispatch
from conftest import ROOT
from httpdyno_report import cli, dispatch, dispatch_plots, dispatch_wording, records, tuning, wording

SCHEMA = ROOT / "results" / "record.schema.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    synthetic.make_record(path)
    synthetic_dispatch.make_record(path)
    return path


@pytest.fixture(scope="module")
def part(results: Path) -> dispatch.Dispatch:
    folder = records.newest(results, "dispatch")
    assert folder is not None
    return dispatch.make_dispatch(records.load(folder, SCHEMA))


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "draw_all", lambda report, record: {})
    monkeypatch.setattr(cli, "draw_dispatch", lambda part: {"crossings.svg": repr(part.sweeps).encode()})


def changed(path: Path, change: Callable[[dict[str, Any]], None], rounds: int = 6) -> dispatch.Dispatch:
    folder = synthetic_dispatch.make_record(path, rounds=rounds)
    record = synthetic.read(folder)
    change(record)
    synthetic.write(folder, record)
    return dispatch.make_dispatch(records.load(folder, SCHEMA))


def advice(part: dispatch.Dispatch) -> dict[str, str]:
    return {title: "\n".join(lines) for title, lines in tuning.chapters(part)}


def test_the_synthetic_record_meets_the_schema(results: Path) -> None:
    folder = records.newest(results, "dispatch")
    assert folder is not None and folder != records.newest(results)
    jsonschema.validate(synthetic.read(folder), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_crossings_are_where_the_curves_were_made_to_cross(part: dispatch.Dispatch) -> None:
    assert [sweep.workload for sweep in part.sweeps] == ["wait", "work", "work-spread"]
    for sweep in part.sweeps:
        assert [line.contender for line, _ in sweep.pools] == list(part.pools)
        for line, crossing in sweep.pools:
            truth = synthetic_dispatch.crossing_us(sweep.workload, int(line.contender.split("@")[1]))
            # Between two times measured the line that is taken as straight is none.
            assert crossing.crosses == math.isfinite(truth)
            assert not crossing.crosses or crossing.value == pytest.approx(truth, rel=0.12)


def test_targets(part: dispatch.Dispatch, tmp_path: Path) -> None:
    assert [target.met for target in part.targets] == [True] * len(part.targets)
    assert {target.bound for target in part.targets} == {1.35, 1.6, 0.2, 0.0}

    def spoil(record: dict[str, Any]) -> None:
        for step in record["calls"]:
            if step["variant"] == "pool-system@4" and step["workload"] == "json":
                step["runs"][1]["calls"]["write"] += 3000
                step["runs"][1]["calls"]["epoll_ctl"] += 4
        for cell in record["cells"]:
            if cell["variant"] == "pool-system@8" and "kinds" in cell["sample"]:
                cell["sample"]["kinds"]["trivial"]["latency_ns"]["p99"] *= 4

    missed = {target.what for target in changed(tmp_path, spoil).targets if not target.met}
    assert missed == {
        "writes to the eventfd for each request, the worst of 4 sizes of the pool, json",
        "epoll_ctl for each request beyond its connection's own, the worst of 4 sizes of the pool, json",
        "p99 of the trivial requests, pool-system@8 over inline, mixed",
    }


def test_calls_are_those_between_the_short_run_and_the_long_one(part: dispatch.Dispatch) -> None:
    rows = {(row.workload, row.contender): row for row in part.calls}
    row = rows["keepalive-get", "pool-system@4"]
    assert row.calls["futex"].value == pytest.approx(synthetic_dispatch.FUTEX[4])
    assert row.calls["write"].value == pytest.approx(0.05)
    assert row.calls["epoll_ctl"].value == 0.0
    assert row.allocations.value == 4.0


def test_an_allocator_is_held_against_its_own_reference(part: dispatch.Dispatch) -> None:
    rows = {row.contender: row for row in part.allocators}
    assert rows["pool-mimalloc@4"].reference == "pool-system@4"
    for row in rows.values():
        for turn in row.turns:
            expected = synthetic_dispatch.COST[row.allocator] if turn.workload in synthetic_dispatch.ALLOCATING else 1.0
            assert turn.ratio.value == pytest.approx(expected, rel=0.01)
            assert turn.layout_floor is not None
            assert turn.verdict == ("less" if expected < 1 else "none")
        for burst in row.bursts:
            kept = synthetic_dispatch.KEPT_MIB
            more = (kept[row.allocator] - kept["system"]) * 2**20
            assert burst.more_than_reference is not None
            assert burst.more_than_reference.value == pytest.approx(more, abs=2**20)
            assert burst.verdict == ("none" if more == 0 else "more" if more > 0 else "less")


def test_sentences_follow_the_figures(part: dispatch.Dispatch) -> None:
    said = "\n".join(dispatch_wording.summary(part))
    assert re.search(r"price of a pool.*pool-system@1 1\.(29|30)\d on keepalive-get", said)
    assert re.search(r"mixed the p99 of the trivial requests is 0\.400 ms with pool-system@8 and 6\.00 ms", said)
    assert re.search(r"one core, .*pool-system@8 not ahead up to 5 ms \(at best [01]\.\d+ times the rate \(.*\)\)\.", said)
    assert re.search(r"handlers that wait, .*pool-system@8 from [56]\d µs on \([56]\d µs – [56]\d µs\)", said)
    assert "inline-tcmalloc** against inline-system (allocator): no difference in CPU per request seen" in said
    assert "0.050 writes to the eventfd, 0.10 to 0.40 futex, 0.020 epoll_wait, 0 epoll_ctl" in said


def test_advice_follows_the_figures(part: dispatch.Dispatch, tmp_path: Path) -> None:
    said = advice(part)
    assert "Handlers that never wait: inline" in said["Inline or pool"]
    assert "one core: **inline**; no pool" in said["Inline or pool"]
    assert "every core: **a pool** from a handler of" in said["Inline or pool"]
    assert "most with pool-system@8." in said["How many workers"]
    assert "less CPU on at least one workload: mimalloc and jemalloc" in said["Which allocator"]
    assert re.search(r"pool-system@1-spin50\*\* against pool-system@1 \(spin\): CPU per request is (20|19) % less on "
                     r"keepalive-get", said["How long workers spin before they sleep"])

    def level(record: dict[str, Any]) -> None:
        """A pool that costs nothing and gives nothing."""
        for turn in record["turns"]:
            turn["pair_log_ratios"] = [(-1) ** turn["round"] * 0.02] * 3
        for cell in record["cells"]:
            for kind in cell["sample"].get("kinds", {}).values():
                kind["latency_ns"]["p99"] = 6_000_000
        for step in record["sweeps"]:
            for sample in step["samples"].values():
                sample["requests_per_second"] = 1000.0
        for step in record["bursts"]:
            for sample in step["samples"].values():
                sample["after_rest"]["rss_bytes"] = 60 * 2**20

    said = advice(changed(tmp_path, level))
    assert "A pool costs nothing that was seen" in said["Inline or pool"]
    assert "was not seen to spare the others" in said["Inline or pool"]
    assert "none was seen to take less CPU; none was seen to take more" in said["Which allocator"]
    assert "none was seen to keep less" in said["Which allocator"]


def test_one_round_claims_nothing(tmp_path: Path) -> None:
    part = changed(tmp_path, lambda record: None, rounds=1)
    said = "\n".join([*dispatch_wording.summary(part), *advice(part).values()])
    assert "one round" in said and re.search(r"\d – \d", said) is None
    assert {burst.verdict for burst in part.bursts} == {"one-round", "no-reference"}


def test_page_and_advice_name_their_records_and_are_proven(
    results: Path, tmp_path: Path, without_plots: None, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--results", str(results), "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    page = (tmp_path / "BENCH.md").read_text(encoding="utf-8")
    first = page.splitlines()[0]
    for name in ("2026-11-21T1200Z-aaaaaaa-quick", "2026-11-21T1300Z-aaaaaaa-dispatch-quick"):
        assert f"{name}/record.json" in first
    assert "## Inline or pool, and which allocator" in page and "](docs/plots/crossings.svg)" in page
    assert page.count("| server CPU per request, pool-system@1 over inline-system") == 2
    lines = (tmp_path / "docs" / "TUNING.md").read_text(encoding="utf-8").splitlines()
    advised = [line for line in lines if line.startswith("- ")]
    assert advised and all("2026-11-21T1300Z-aaaaaaa-dispatch-quick/record.json" in line for line in advised)
    assert cli.main([*arguments, "--check"]) == 0
    file = tmp_path / "docs" / "TUNING.md"
    file.write_text(file.read_text(encoding="utf-8").replace(" times", " time", 1), encoding="utf-8")
    assert cli.main([*arguments, "--check"]) == 1
    assert "docs/TUNING.md is not what its record gives" in capsys.readouterr().err


def test_without_a_record_of_dispatch_the_part_is_absent(
    results: Path, tmp_path: Path, without_plots: None, capsys: pytest.CaptureFixture[str]
) -> None:
    base = str(results / "2026-11-21T1200Z-aaaaaaa-quick")
    assert cli.main(["--record", base, "--out", str(tmp_path)]) == 0
    assert "Inline or pool" not in (tmp_path / "BENCH.md").read_text(encoding="utf-8")
    assert not (tmp_path / "docs" / "TUNING.md").exists()
    other = str(results / "2026-11-21T1300Z-aaaaaaa-dispatch-quick")
    assert cli.main(["--record", other, "--out", str(tmp_path)]) == 2
    assert "one record of the suite base" in capsys.readouterr().err
    # In any order.
    assert cli.main(["--record", other, "--record", base, "--out", str(tmp_path)]) == 0
    assert "Inline or pool" in (tmp_path / "BENCH.md").read_text(encoding="utf-8")


def test_the_plots_are_well_formed(part: dispatch.Dispatch) -> None:
    drawn = dispatch_plots.draw_dispatch(part)
    assert tuple(drawn) == dispatch_plots.DISPATCH_PLOTS
    for content in drawn.values():
        xml.etree.ElementTree.fromstring(content)


@pytest.mark.parametrize("kept", [["inline-system"], ["inline-system", "pool-system@4"], ["pool-mimalloc@4"]])
def test_a_record_of_part_of_the_tables_is_reported(
    results: Path, tmp_path: Path, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As --variants and --workloads leave it."""
    monkeypatch.setattr(cli, "draw_all", lambda report, record: {})

    def leave_out(record: dict[str, Any]) -> None:
        record["contenders"] = [row for row in record["contenders"] if row["name"] in kept]
        record["cells"] = [cell for cell in record["cells"] if cell["variant"] in kept]
        record["turns"], record["bursts"], record["calls"] = [], [], []
        for step in record["sweeps"]:
            step["samples"] = {name: sample for name, sample in step["samples"].items() if name in kept}
        record["sweeps"] = [step for step in record["sweeps"] if step["samples"]]

    changed(tmp_path / "results", leave_out)
    base = str(results / "2026-11-21T1200Z-aaaaaaa-quick")
    other = str(tmp_path / "results" / "2026-11-21T1300Z-aaaaaaa-dispatch-quick")
    files = cli.make_files(Path(base), Path(other))
    page = files["BENCH.md"].decode()
    assert all(f"| {name} |" in page for name in kept) and "does not have it measured" in files["docs/TUNING.md"].decode()


def test_at_a_share_of_what_inline_bears_the_pool_is_held_against_it(
    part: dispatch.Dispatch, results: Path, tmp_path: Path, without_plots: None
) -> None:
    (share,) = part.shares
    assert share.workload["name"] == "mixed-rate" and share.rate.value == 2000
    assert [row.contender for row in share.rows] == ["inline-system", "pool-system@8"]
    assert share.rows[1].p99_over_inline.value == pytest.approx(400 / 6000)
    target = next(target for target in part.targets if target.what.endswith("mixed-rate"))
    assert target.bound == 0.2 and target.met
    assert cli.main(["--results", str(results), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "BENCH.md").read_text(encoding="utf-8")
    assert "**mixed-rate**: " in page
    assert "2000 requests/s of mixed-rate" in page and "0.400 ms with pool-system@8, a ratio of 0.067" in page


def test_rounds_of_too_few_requests_for_a_percentile_are_left_out(tmp_path: Path) -> None:
    def spoil(record: dict[str, Any]) -> None:
        for step in record["shares"]:
            latency = step["samples"]["inline-system"]["kinds"]["trivial"]["latency_ns"]
            latency["p99_9"] = None
            if step["round"] > 1:
                latency["p99"] = None

    (share,) = changed(tmp_path, spoil).shares
    assert [row.p99_over_inline.count for row in share.rows] == [1, 1]
    assert share.rows[0].p99_9_ns is None and share.rows[1].p99_9_ns is not None


def test_what_loadgen_doubts_of_its_runs_is_said(tmp_path: Path) -> None:
    def doubt(record: dict[str, Any]) -> None:
        assert not any("suspect" in line for line in wording.doubts(record, [cell["sample"] for cell in record["cells"]]))
        for cell in record["cells"][:3]:
            cell["sample"]["suspect"] = [{"key": "drift_share", "value": 0.3, "limit": 0.1}]

    report = changed(tmp_path, doubt).report
    assert "loadgen calls 3 of its own runs suspect: drift_share in 3." in wording.doubts(report.record, report.samples)
