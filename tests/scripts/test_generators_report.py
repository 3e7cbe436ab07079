"""The part of BENCH.md on load generators: true to its record, absent without it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import synthetic
import synthetic_dispatch
import synthetic_generators
from conftest import ROOT
from httpdyno_report import cli, generators, records, wording
from httpdyno_report.estimates import Estimate
from httpdyno_report.model import Target

SCHEMA = ROOT / "results" / "record.schema.json"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    synthetic.make_record(path)
    synthetic_dispatch.make_record(path)
    synthetic_generators.make_record(path)
    return path


@pytest.fixture(scope="module")
def part(results: Path) -> generators.GeneratorsReport:
    folder = records.newest(results, "generators")
    assert folder is not None
    return generators.make_generators(records.load(folder, SCHEMA))


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "draw_all", lambda report, record: {})
    monkeypatch.setattr(cli, "draw_dispatch", lambda part: {})


def test_the_synthetic_record_meets_the_schema(results: Path) -> None:
    folder = records.newest(results, "generators")
    assert folder is not None and folder != records.newest(results)
    jsonschema.validate(synthetic.read(folder), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_requests_per_core_are_what_the_cost_gives(part: generators.GeneratorsReport) -> None:
    by_name = {saturation.workload["name"]: saturation for saturation in part.saturations}
    for workload, depth in (("keepalive-get", 1), ("pipelined-16", 10)):
        for row in by_name[workload].rows:
            cost = synthetic_generators.CPU_NS[row.generator]
            assert row.cpu_ns.value == pytest.approx(cost / depth, rel=0.02)
            assert row.per_core_second.value == pytest.approx(1e9 * depth / cost, rel=0.02)
            assert row.over_reference is not None
            assert row.over_reference.value == pytest.approx(synthetic_generators.CPU_NS["wrk"] / cost, rel=0.02)
            assert row.over_reference.low <= row.over_reference.value <= row.over_reference.high
            assert row.over_reference.count == 6
    assert by_name["keepalive-get"].absent == () and by_name["pipelined-16"].absent == ("hey",)


def test_claims_are_held_against_the_servers_count(part: generators.GeneratorsReport) -> None:
    rows = {row.generator: row for row in part.saturations[0].rows}
    assert rows["loadgen"].claimed_requests.value == 1.0
    assert rows["h2load"].claimed_requests.value < 1.0
    late = synthetic_generators.STARTS_IN / synthetic_generators.SECONDS
    assert rows["loadgen"].claimed_rate.value == pytest.approx(1 + late)


def test_targets_are_met_from_their_bound_on(part: generators.GeneratorsReport) -> None:
    assert [(target.bound, target.at_least, target.met, target.certain) for target in part.targets] == [
        (1.25, True, True, True), (1.5, True, True, True), (50.0, False, True, True)]
    assert part.targets[2].measured.value == pytest.approx(synthetic_generators.SEND_LAG_P99_NS / 1e3, rel=0.05)
    assert wording.target_bound(part.targets[0]) == "≥ 1.25"
    missed = Target("missed", 1.5, Estimate(1.4, 1.3, 1.45, 0.97, 6), at_least=True)
    assert not missed.met and missed.certain and "not met" in wording.target_verdict(missed)
    edge = Target("edge", 1.5, Estimate(1.51, 1.45, 1.6, 0.97, 6), at_least=True)
    assert edge.met and not edge.certain and "reaches over" in wording.target_verdict(edge)


def test_what_is_said_of_a_stalling_server_stands_beside_the_truth(part: generators.GeneratorsReport) -> None:
    steady, stalling = part.paced
    assert steady.truth is None and stalling.truth is not None
    # D = 50 ms in T = 500 ms, rho = 0.1: p99 = D - 0.01 * 0.9 * T, mean = D^2 / (2 * 0.9 * T).
    assert stalling.truth.wait_ns(0.99) == pytest.approx(45.5e6)
    assert stalling.truth.wait_ns(0.5) == 0 and stalling.truth.wait_ns(1.0) == pytest.approx(50e6)
    assert stalling.truth.mean_wait_ns == pytest.approx(2.7778e6, rel=1e-3)
    for paced, generators_seen in ((steady, ["loadgen", "h2load", "hey"]), (stalling, ["loadgen", "wrk", "h2load", "hey"])):
        rows = [row for row in paced.rows if row.what == "latency_ns"]
        assert [row.generator for row in rows] == generators_seen
        for row in rows:
            said = row.latency_ns["p50"]
            assert (said is None) == (row.generator == "h2load")
            assert said is None or said.value == synthetic_generators.SAID_P50_NS[row.generator]
            assert row.generator == "wrk" or row.rate.value == pytest.approx(20_000, rel=0.01)
    lag = next(row for row in steady.rows if row.what == "queue_ns").latency_ns["p99"]
    assert lag is not None and lag.value == pytest.approx(synthetic_generators.SEND_LAG_P99_NS, rel=0.05)


def test_the_page_has_the_part_and_names_its_record(results: Path, tmp_path: Path, without_plots: None) -> None:
    arguments = ["--results", str(results), "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    page = (tmp_path / "BENCH.md").read_text(encoding="utf-8")
    assert "## loadgen beside other load generators" in page and "## Inline or pool" in page
    assert "| h2load `--rps` | 19900" in page and "n/a" in page and "wrk, which has no rate" in page
    assert "| hey | n/a | – |" in page and "| loadgen | 25" in page
    assert "| target | bound, at most or ≥ |" in page and "| ≥ 1.25 |" in page
    assert all(f"{folder.name}/record.json" in page.split("\n", 1)[0] for folder in results.iterdir())
    # A newer record lies beside them, which the page does not name.
    synthetic_generators.make_record(results, rounds=1)
    assert cli.main([*arguments, "--check"]) == 0


@pytest.mark.parametrize("others", [[], ["2026-11-21T1300Z-aaaaaaa-dispatch-quick"]])
def test_without_its_record_the_part_is_absent(
    results: Path, tmp_path: Path, without_plots: None, others: list[str]
) -> None:
    given = [word for name in ("2026-11-21T1200Z-aaaaaaa-quick", *others) for word in ("--record", str(results / name))]
    assert cli.main([*given, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "BENCH.md").read_text(encoding="utf-8")
    assert "other load generators" not in page and "| target | at most |" in page


def test_the_part_stands_without_that_on_dispatch(results: Path, tmp_path: Path, without_plots: None) -> None:
    names = ("2026-11-21T1400Z-aaaaaaa-generators-quick", "2026-11-21T1200Z-aaaaaaa-quick")
    given = [word for name in names for word in ("--record", str(results / name))]
    assert cli.main([*given, "--out", str(tmp_path)]) == 0
    page = (tmp_path / "BENCH.md").read_text(encoding="utf-8")
    assert "other load generators" in page and "## Inline or pool" not in page


def test_one_round_has_no_interval(tmp_path: Path, without_plots: None) -> None:
    base = synthetic.make_record(tmp_path, "2026-11-21T1200Z-aaaaaaa-smoke", rounds=1)
    page = cli.make_files(base, None, synthetic_generators.make_record(tmp_path, rounds=1))["BENCH.md"].decode()
    assert "met (one round: no interval)" in page and "<sub>" not in page
