"""Exact counts in the gate's verdict: of each program that is gated, and what becomes of what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ROOT
from httpdyno_counts.counting import Counts, Instructions
from httpdyno_gate import exact
from httpdyno_gate.judge import Zone
from httpdyno_gate.outcome import CountResult

WORKLOADS = ("keepalive-get", "pipelined-16", "post-echo-4k", "json")
Counted = Callable[..., list[CountResult]]


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """counted(head, variants) is what the gate is told where the base is at rest, and `head` changes what is counted of the head."""

    def tree(name: str) -> Any:
        folder = tmp_path / name
        (folder / "bench").mkdir(parents=True)
        (folder / "variants").symlink_to(ROOT / "variants")
        (folder / "bench" / "scenarios.json").symlink_to(ROOT / "bench" / "scenarios.json")
        return SimpleNamespace(sources=folder, bin_dir=folder / "bin")

    def run(change: dict[str, Any], variants: tuple[str, ...] = ("inline-system",), budget: dict[str, float] | None = None
            ) -> list[CountResult]:
        base, head = tree("base"), tree("head")
        if budget is not None:
            held = {variant: {workload: budget for workload in WORKLOADS} for variant in variants}
            (head.sources / "bench" / "budgets.json").write_text(json.dumps({"budgets": held}), encoding="utf-8")

        def measure(bin_dir: Path, row: Any, exchange: Any, **options: Any) -> Counts:
            assert options["library_dir"] == tmp_path / "lib" and options["flags"] == (["--plant"] if bin_dir == head.bin_dir else [])
            own = change if bin_dir == head.bin_dir else {}
            repeats = own.get("instructions", (5000.0, 5000.0))
            pooled = row.axes["dispatch"] == "pool"
            assert options["instructions"] != pooled
            return Counts(row.name, exchange.name, None if pooled else Instructions(repeats, {"serve()": repeats[0]}),
                          {"allocations": own.get("allocations", 3.0), "calls.futex": 1.0 + len(own)},
                          frozenset({"calls.futex"}) if pooled else frozenset())

        monkeypatch.setattr(exact, "measure", measure)
        rows: Any = [SimpleNamespace(variant=variant) for variant in variants]
        return exact.exact_counts(base, head, rows, tmp_path / "lib", [], ["--plant"])

    return run


def zones(results: list[CountResult], workload: str = "json") -> dict[str, Zone | None]:
    return {result.name.removeprefix(f"{workload} "): result.zone for result in results if result.name.startswith(workload)}


def test_each_program_is_counted_under_each_workload(counted: Counted) -> None:
    results = counted({}, ("inline-system", "pool-system", "inline-system"))
    assert {(result.row, result.name.split()[0]) for result in results} == {
        (row, workload) for row in ("inline-system", "pool-system") for workload in WORKLOADS}
    assert {result.zone for result in results} == {Zone.PASS}


def test_more_is_a_regression_and_the_functions_are_named(counted: Counted) -> None:
    results = counted({"instructions": (5050.0, 5050.0), "allocations": 4.0})
    assert zones(results) == {"instructions": Zone.REGRESSION, "allocations": Zone.REGRESSION, "calls.futex": Zone.REGRESSION}
    (one,) = [result for result in results if result.name == "json instructions"]
    assert (one.base, one.head, one.note) == (5000.0, 5050.0, "serve() +50.0")


def test_the_heads_own_budget_decides_where_there_is_one(counted: Counted) -> None:
    assert zones(counted({"allocations": 4.0}, budget={"allocations": 4.0, "calls.futex": 2.0}))["allocations"] is Zone.PASS


def test_fewer_than_the_budget_is_no_pass(counted: Counted) -> None:
    results = counted({}, budget={"allocations": 4.0, "calls.futex": 1.0})
    assert zones(results)["allocations"] is Zone.REGRESSION
    assert any("--accept" in result.note for result in results)


def test_what_the_scheduler_has_a_part_in_is_not_told(counted: Counted) -> None:
    assert zones(counted({"allocations": 4.0}, ("pool-system",))) == {"allocations": Zone.REGRESSION}


def test_one_thread_whose_repeats_disagree_is_inconclusive(counted: Counted) -> None:
    assert zones(counted({"instructions": (5050.0, 5100.0)}))["instructions"] is Zone.INCONCLUSIVE
