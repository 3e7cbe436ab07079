"""scripts/slow_clients.py: what it reads from the server's counters, and a page that is true to its record."""

from __future__ import annotations

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, World
from httpdyno_bench import store
from httpdyno_bench.identity import Revision
from httpdyno_trials import attacks, cli, page
from httpdyno_trials.watch import Sample, longest_life

SCHEMA = json.loads((ROOT / "results" / "trial.schema.json").read_text(encoding="utf-8"))
NAME = "2026-11-21T1500Z-aaaaaaa-slow-clients"


def samples(*rows: tuple[float, int, int]) -> list[Sample]:
    """(seconds, accepted, given up)"""
    return [Sample(seconds, {"accepted": came, "timeouts_request": gone}) for seconds, came, gone in rows]


def test_the_longest_life_is_an_upper_bound_for_each_connection() -> None:
    seen = samples((0.0, 7, 3), (0.1, 7, 3), (0.2, 9, 3), (0.3, 10, 3), (5.2, 10, 4), (5.3, 10, 6))
    # The second came after 0.1 and was gone at 5.3; the third after 0.2.
    assert longest_life(seen, ["timeouts_request"], 1) == pytest.approx(5.1)
    assert longest_life(seen, ["timeouts_request"], 3) == pytest.approx(5.2)
    assert longest_life(seen, ["timeouts_request"], 4) is None


def test_every_attack_is_counted_by_counters_that_exist() -> None:
    table = (ROOT / "server" / "counters.def").read_text(encoding="utf-8")
    for attack in attacks.ATTACKS:
        assert attack.evicted_by and all(f"COUNTER({name}," in table for name in attack.evicted_by)
        command = attacks.command(attack, "http://127.0.0.1:1", 2000)
        assert attacks.PROCESSES * int(command[command.index("-c") + 1]) == min(2000, attack.connections_max)
        assert command[-1] == f"http://127.0.0.1:1{attack.path}"


def healthy(p99: int, cpu: float = 5000.0, foreign: float = 0.01) -> dict[str, Any]:
    return {"requests": 100_000, "latency_ns": {"p50": p99 // 2, "p99": p99}, "server_cpu_share": 0.6,
            "server_cpu_ns_per_request": cpu, "steal_share": 0.0, "foreign_cpu_share": foreign}


def make_record(ratio: float = 1.5, life_ms: int | None = 5060) -> dict[str, Any]:
    rounds = [
        {"attack": attack.name, "round": number, "attacked_first": number % 2 == 0,
         "undisturbed": healthy(100_000 + number), "attacked": healthy(round(ratio * (100_000 + number)), 6000.0),
         "eviction": {"accepted": 2004, "open_max": 1990, "evicted": 2000, "longest_life_ms": life_ms,
                      "counters": {"timeouts_request": 2000}, "server_rss_peak_bytes": 40 * 2**20}}
        for number in range(1, 7) for attack in attacks.ATTACKS
    ]
    return {
        "name": NAME, "schema_version": 2, "started": "2026-11-21T15:00:00Z", "finished": "2026-11-21T15:05:00Z",
        "command": "scripts/slow_clients.py measure --seed 1", "revision": {"commit": "a" * 40, "dirty": False},
        "settings": {"variant": "inline-system", "connections": 2000, "rounds": 6, "timeout_ms": 5000, "seed": 1},
        "attacks": [{"name": a.name, "title": a.title, "evicted_by": list(a.evicted_by), "processes": attacks.PROCESSES,
                     "command": " ".join(attacks.command(a, "http://HOST:PORT", 2000))} for a in attacks.ATTACKS],
        "machine": {"cpu_model": "Imagined CPU", "usable_cpus": 2, "kernel": "Linux 6.1.0", "distribution": "Debian"},
        "placement": {"server": 1, "generator": 0, "relation": "distinct"},
        "tools": {"python": "3.11.2", "slowhttptest": "1.8.2", "loadgen": {}}, "identity": {}, "rounds": rounds,
    }


def written(tree: Path, record: dict[str, Any]) -> list[str]:
    folder = tree / "results" / record["name"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trial.json").write_text(json.dumps(record), encoding="utf-8")
    return ["--results", str(tree / "results"), "--out", str(tree)]


def test_the_made_up_record_meets_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(make_record(), SCHEMA)


def test_the_page_says_what_the_record_says() -> None:
    text = page.render(make_record())
    assert text.count("| 1.50 | 1.50 – 1.50 | met |") == len(attacks.ATTACKS)
    # Two of the 1990 are the healthy client's; the last attack has 504.
    assert text.count("| 2000 | 1988–1988 | 5060–5060 | 40.0") == len(attacks.ATTACKS) - 1
    assert text.count("| 2000 | 504–504 | 5060–5060 | 40.0") == 1
    assert "up to 2,000 slow clients, of whom never more than 1,988 were open at a time" in text
    assert "others used 1.0 % of the two cores' time in the median run, 1.0 % in the worst" in text
    assert "not quiet" not in text and "not decided" not in text
    record = make_record()
    for each in record["rounds"]:
        each["undisturbed"]["foreign_cpu_share"] = 0.3
    text = page.render(record)
    assert "**The machine was not quiet,** so nothing is decided." in text
    assert text.count("| not decided |") == len(attacks.ATTACKS) and "| met |" not in text
    late = page.render(make_record(ratio=2.5, life_ms=None))
    assert late.count("**not met**") == late.count("some were never given up") == len(attacks.ATTACKS)


def test_check_agrees_with_what_was_written_and_finds_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = make_record()
    arguments = written(tmp_path, record)
    assert cli.main(["report", *arguments]) == 0
    assert cli.main(["report", "--check", *arguments]) == 0
    record["rounds"][0]["attacked"]["latency_ns"]["p99"] *= 2
    written(tmp_path, record)
    assert cli.main(["report", "--check", *arguments]) == 1
    assert f"is not what {NAME} gives" in capsys.readouterr().err


def test_a_second_trial_of_the_same_minute_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = datetime.datetime(2026, 11, 21, 15, 0, tzinfo=datetime.timezone.utc)
    monkeypatch.setattr(store, "utc_now", lambda: minute)
    record = make_record()
    del record["name"]
    names = [cli._keep(record, tmp_path, Revision("a" * 40, False)) for _ in range(2)]
    assert names == [NAME, f"{NAME}-2"]
    assert [json.loads((tmp_path / name / "trial.json").read_text(encoding="utf-8"))["name"] for name in names] == names


def measured(world: World) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """A small trial on fake programs, and the rounds of its record."""
    done = subprocess.run(
        [ROOT / "scripts" / "slow_clients.py", "measure", "--bin-dir", world.bin_dir, "--results", world.out,
         "--connections", "24", "--rounds", "1", "--timeout-ms", "200", "--seed", "1"],
        env=world.environment(), capture_output=True, text=True, check=False, timeout=60,
    )
    records = [json.loads(file.read_text(encoding="utf-8")) for file in world.out.glob("*/trial.json")]
    return done, records[0]["rounds"] if records else []


def test_a_trial_ends_in_a_record_of_who_was_given_up_and_when(world: World) -> None:
    done, rounds = measured(world)
    assert done.returncode == 0, done.stderr
    assert sorted(each["attack"] for each in rounds) == sorted(attack.name for attack in attacks.ATTACKS)
    for each in rounds:
        eviction = each["eviction"]
        assert eviction["evicted"] == 24 and eviction["accepted"] >= 24 and eviction["open_max"] > 0
        assert eviction["longest_life_ms"] >= 200
        assert each["undisturbed"]["latency_ns"]["p99"] == each["attacked"]["latency_ns"]["p99"] == 400_000
        assert set(eviction["counters"]) == {"timeouts_request", "timeouts_keepalive", "timeouts_write"}
    assert cli.main(["report", "--results", str(world.out), "--out", str(world.out)]) == 0


@pytest.mark.parametrize("fault, expected", [
    ({"loadgen": "errors"}, "loadgen counted 3 errors"),
    ({"inline-system": "ends badly"}, "did not stop cleanly"),
])
def test_what_fails_a_round_fails_the_trial(world: World, fault: dict[str, str], expected: str) -> None:
    world.change(faults=fault)
    done, rounds = measured(world)
    assert done.returncode == 1 and expected in done.stderr and rounds == []


@pytest.mark.parametrize("arguments, expected", [
    (["measure", "--variant", "nothing"], "unknown variant 'nothing'"),
    (["measure", "--rounds", "0"], "one round"),
    (["attack"], "invalid choice"),
    ([], "required: command"),
])
def test_wrong_usage_is_one_line_and_code_2(arguments: list[str], expected: str) -> None:
    done = subprocess.run([ROOT / "scripts" / "slow_clients.py", *arguments], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_committed_page_comes_from_its_record() -> None:
    if not (ROOT / cli.PAGE).exists():
        pytest.skip(f"no {cli.PAGE} yet")
    done = subprocess.run([ROOT / "scripts" / "slow_clients.py", "report", "--check"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
