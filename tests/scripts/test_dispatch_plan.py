"""The suite "dispatch": who is compared with whom, and under what."""

from __future__ import annotations

import collections
import dataclasses

from conftest import ROOT
from httpdyno_bench import dispatch_plan, plan
from httpdyno_bench.contenders import POOL_SIZES, with_pool_sizes
from httpdyno_bench.tables import load_variants, load_workloads, select

VARIANTS = select(load_variants(ROOT / "variants" / "variants.json"), None, "variant", "dispatch")
WORKLOADS = select(load_workloads(ROOT / "bench" / "scenarios.json"), None, "workload", "dispatch")
CONTENDERS = with_pool_sizes(VARIANTS, spinning=any("spin" in workload.dispatch for workload in WORKLOADS))
SWEPT = {"inline-system", *(f"pool-system@{size}" for size in POOL_SIZES)}


def make(profile: str = "quick", seed: int = 1) -> list[plan.Step]:
    return dispatch_plan.make_plan(plan.profile_of(profile, suite="dispatch"), CONTENDERS, WORKLOADS, seed)


def of_kind(kind: str) -> list[plan.Step]:
    return [step for step in make() if step.kind == kind]


def test_the_size_of_the_pool_is_an_axis_of_the_runner() -> None:
    contenders = {contender.name: contender for contender in CONTENDERS}
    pools = {name for name, contender in contenders.items() if name.startswith("pool-system@") and contender.spin_us is None}
    assert pools == SWEPT - {"inline-system"}
    assert contenders["pool-system@8"].flags == ("--thread-pool-count", "8")
    assert contenders["inline-system"].flags == ()
    assert "floor-epoll" not in contenders


def test_a_contender_differs_from_its_reference_in_one_thing() -> None:
    contenders = {contender.name: contender for contender in CONTENDERS}
    compared = [contender for contender in CONTENDERS if contender.reference in contenders]
    assert {contender.name for contender in compared} == set(contenders) - {"inline-system"}
    for contender in compared:
        reference = contenders[str(contender.reference)]
        axes = {axis for axis, value in contender.variant.axes.items() if value != reference.variant.axes[axis]}
        spun = {"spin"} if contender.spin_us != reference.spin_us else set()
        assert axes | spun == {contender.changed_axis}
        assert contender.changed_axis == "dispatch" or contender.workers == reference.workers


def test_workers_that_spin_are_compared_with_workers_that_do_not() -> None:
    (spinning,) = [each for each in with_pool_sizes(VARIANTS, spinning=True) if each.spin_us is not None]
    assert spinning.name == "pool-system@1-spin50" and spinning.reference == "pool-system@1"
    assert spinning.flags == ("--thread-pool-count", "1", "--thread-pool-spin-us", "50")
    assert not spinning.is_plain
    workloads = [dataclasses.replace(workload, dispatch=("turns", "spin")) for workload in WORKLOADS[:2]]
    profile = plan.profile_of("quick", suite="dispatch")
    steps = dispatch_plan.make_plan(profile, with_pool_sizes(VARIANTS, spinning=True), workloads, 1)
    assert {step.kind for step in steps if step.variant == spinning.name} == {"cell", "turn"}


def test_every_comparison_stands_beside_the_pair_of_one_source() -> None:
    turns = of_kind("turn")
    for workload in {step.workload for step in turns}:
        assert "inline-aa" in {step.variant for step in turns if step.workload == workload}
    rounds = collections.Counter((step.variant, step.workload) for step in turns)
    assert set(rounds.values()) == {plan.PROFILES["dispatch"]["quick"].turn_rounds}
    assert ("pool-system@1", "keepalive-get") in rounds and ("pool-system@1", "pipelined-16") in rounds


def test_other_allocators_are_measured_where_the_row_says_so() -> None:
    for step in of_kind("cell"):
        workload = next(workload for workload in WORKLOADS if workload.name == step.workload)
        contender = next(contender for contender in CONTENDERS if contender.name == step.variant)
        assert contender.variant.axes["allocator"] == "system" or "allocators" in workload.dispatch
        assert contender.variant.axes["loops"] == 1 or "loops" in workload.dispatch


def test_a_sweep_has_every_time_in_every_round() -> None:
    points = collections.Counter((step.workload, step.micros) for step in of_kind("sweep"))
    rounds = plan.PROFILES["dispatch"]["quick"].sweep_rounds
    sweeps = [workload for workload in WORKLOADS if workload.kind == "sweep"]
    assert points == {(workload.name, micros): rounds for workload in sweeps for micros in workload.micros}
    assert {contender.name for contender in dispatch_plan.swept(CONTENDERS)} == SWEPT
    assert {workload.spread for workload in sweeps} == {False, True}


def test_a_burst_compares_allocators_alone() -> None:
    compared = dispatch_plan.allocators(CONTENDERS)
    seen = [(contender.workers, contender.variant.axes["allocator"]) for contender in compared]
    names = {variant.axes["allocator"] for variant in VARIANTS}
    assert sorted(seen, key=str) == sorted([(workers, name) for workers in (None, 4) for name in names], key=str)
    rounds = collections.Counter(step.workload for step in of_kind("burst"))
    assert set(rounds.values()) == {plan.PROFILES["dispatch"]["quick"].burst_rounds}


def test_calls_are_counted_of_each_size_of_the_pool() -> None:
    assert {step.variant for step in of_kind("calls")} == SWEPT


def test_ids_are_unique_and_seeds_give_their_plan() -> None:
    steps = make()
    assert len({step.id for step in steps}) == len(steps)
    assert make(seed=5) == make(seed=5) != make(seed=6)


def test_quick_is_planned_for_ten_minutes() -> None:
    profile = plan.profile_of("quick", suite="dispatch")
    assert sum(plan.forecast_seconds(step, profile) for step in make()) < 600
