"""The plan: complete, interleaved, and the same again from the same seed."""

from __future__ import annotations

import collections
import dataclasses

import pytest
from conftest import ROOT
from httpdyno_bench import plan
from httpdyno_bench.contenders import as_built
from httpdyno_bench.errors import UsageError
from httpdyno_bench.tables import load_variants, load_workloads, select

VARIANTS = select(load_variants(ROOT / "variants" / "variants.json"), None, "variant")
WORKLOADS = select(load_workloads(ROOT / "bench" / "scenarios.json"), None, "workload")
CONTENDERS = as_built(VARIANTS)


def make(profile: str = "quick", seed: int = 1) -> list[plan.Step]:
    return plan.make_plan(plan.profile_of(profile), CONTENDERS, WORKLOADS, seed)


def test_a_seed_gives_the_same_plan_and_the_same_coins() -> None:
    assert make(seed=5) == make(seed=5)
    step = make(seed=5)[0]
    assert plan.coins(step, 5).random() == plan.coins(step, 5).random()


def test_another_seed_gives_another_order_of_the_same_steps() -> None:
    assert make(seed=5) != make(seed=6)
    assert sorted(step.id for step in make(seed=5)) == sorted(step.id for step in make(seed=6))
    assert plan.plan_digest(make(seed=5)) != plan.plan_digest(make(seed=6))


def test_every_cell_and_every_comparison_has_its_rounds() -> None:
    steps = make()
    profile = plan.PROFILES["base"]["quick"]
    assert len({step.id for step in steps}) == len(steps)
    cells = collections.Counter((s.variant, s.workload) for s in steps if s.generator == "loadgen")
    assert cells == {(v.name, w.name): profile.rounds for v in VARIANTS for w in WORKLOADS}
    turns = collections.Counter((s.variant, s.reference, s.workload) for s in steps if s.kind == "turn")
    compared = [v for v in VARIANTS if v.reference]
    assert turns == {(v.name, v.reference, w.name): profile.turn_rounds for v in compared for w in WORKLOADS}


def test_blocks_follow_each_other_and_hold_equal_shares() -> None:
    steps = make()
    profile = plan.PROFILES["base"]["quick"]
    assert [step.block for step in steps] == sorted(step.block for step in steps)
    for block in range(1, profile.rounds + 1):
        mine = [step for step in steps if step.block == block]
        assert {step.round for step in mine if step.kind not in ("turn", "idle")} == {block}
        for kind, rounds in (("turn", profile.turn_rounds), ("idle", profile.idle_rounds)):
            share = len({step.round for step in mine if step.kind == kind})
            assert abs(share - rounds / profile.rounds) < 1


def test_each_block_has_an_order_of_its_own() -> None:
    """Of two blocks that hold the same measurements."""
    profile = dataclasses.replace(plan.PROFILES["base"]["quick"], rounds=2, turn_rounds=4, idle_rounds=2)
    steps = plan.make_plan(profile, CONTENDERS, WORKLOADS, 1)
    orders = [[s.id.rsplit("/", 1)[0] for s in steps if s.block == block] for block in (1, 2)]
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])


def test_a_block_is_interleaved() -> None:
    """No row is measured in one go: its cells are spread over the block."""
    first = [step for step in make() if step.block == 1]
    at = [index for index, step in enumerate(first) if step.variant == "inline-system"]
    assert at[-1] - at[0] > len(first) / 2
    assert at != list(range(at[0], at[0] + len(at)))


def test_wrk_drives_two_rows_in_quick_and_all_in_full() -> None:
    def rows(profile: str) -> set[str]:
        return {step.variant for step in make(profile) if plan.needs_wrk(step)}

    assert rows("quick") == {"floor-epoll", "inline-system"}
    assert rows("full") == {variant.name for variant in VARIANTS}


def test_idle_memory_is_measured_of_our_servers_and_of_peers() -> None:
    profile = plan.profile_of("quick")
    steps = plan.make_plan(profile, CONTENDERS, WORKLOADS, 1, ["nginx"])
    rows = collections.Counter(step.variant for step in steps if step.kind == "idle")
    names = ["inline-system", "inline-mimalloc", "pool-system", "pool-mimalloc", "nginx"]
    assert rows == dict.fromkeys(names, profile.idle_rounds)
    assert len({step.id for step in steps}) == len(steps)


def test_a_comparison_needs_its_reference() -> None:
    without_floor = [contender for contender in CONTENDERS if contender.variant.kind != "floor"]
    steps = plan.make_plan(plan.profile_of("quick"), without_floor, WORKLOADS, 1)
    assert {step.reference for step in steps} == {None, "inline-system", "pool-system"}


def test_quick_is_planned_for_less_than_five_minutes() -> None:
    profile = plan.profile_of("quick")
    steps = plan.make_plan(profile, CONTENDERS, WORKLOADS, 1, ["nginx", "h2o"])
    assert sum(plan.forecast_seconds(step, profile) for step in steps) < 290


@pytest.mark.parametrize("rounds", [0, -1, 4])
def test_too_few_rounds_are_refused(rounds: int) -> None:
    with pytest.raises(UsageError, match="at least 5"):
        plan.profile_of("quick", rounds=rounds)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9, float("nan")])
def test_senseless_seconds_are_refused(seconds: float) -> None:
    with pytest.raises(UsageError):
        plan.profile_of("quick", seconds=seconds)


def test_asked_for_rounds_and_seconds_are_taken() -> None:
    profile = plan.profile_of("quick", rounds=9, seconds=1.5)
    assert (profile.rounds, profile.turn_rounds) == (9, 9)
    assert (profile.cell_seconds, profile.turn_seconds, profile.wrk_seconds) == (1.5, 1.5, 2)
    assert (profile.sweep_rounds, profile.burst_rounds, profile.sweep_seconds) == (0, 0, 0.0)
    profile = plan.profile_of("quick", rounds=9, seconds=1.5, suite="dispatch")
    assert (profile.sweep_rounds, profile.burst_rounds, profile.sweep_seconds) == (9, 9, 1.5)
