"""The self-test: what it asks, what it holds the answers to, and that a sabotaged gate turns it red. The gate's own code judges here;
only the servers and the load generator are made up."""

from __future__ import annotations

import contextlib
import io
import json
import math
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from httpdyno_bench import machine
from httpdyno_bench.errors import BenchError, RunError
from httpdyno_bench.processes import Finished
from httpdyno_gate import alternation, calibration, judge, limits, looks, outcome, replays, rounds, rows, selftest, selftest_plan
from httpdyno_gate.alternation import BASE, HEAD, Alternation
from httpdyno_gate.calibration import Trial
from httpdyno_gate.fitness import Watch
from httpdyno_gate.outputs import record
from httpdyno_gate.progress import Progress
from httpdyno_gate.rounds import Ring
from httpdyno_gate.run import Gate
from httpdyno_gate.selftest_gate import TABLE, Answer, answer_of
from httpdyno_gate.selftest_plan import Attempt
from httpdyno_gate.sides import Running
from httpdyno_gate.slices import SliceFile

TIMED = [attempt for attempt in (*selftest_plan.PLANTS, *selftest_plan.CHEATS, *selftest_plan.CONTROLS)
         if attempt.row != selftest_plan.TAIL]
# By how much a plant makes a request dearer, where no share says it.
COSTS = {"syscall": 0.02, "split-send": 0.4, "pollute": 0.07, "convoy": 0.2}
_PAIRS = 4


class FakeSide:
    """Starts nothing. `plant`: what its slices show."""

    def __init__(self, name: str, plant: str) -> None:
        self.name, self.plant = name, plant

    @contextlib.contextmanager
    def serving(self, *_: Any) -> Iterator[FakeRunning]:
        yield FakeRunning(self.plant)


class FakeRunning(Running):
    def __init__(self, plant: str) -> None:
        super().__init__("http://127.0.0.1:1", (1,))
        object.__setattr__(self, "plant", plant)


def cost_of(plant: str) -> float:
    name, _, argument = plant.partition(":")
    return float(argument.rstrip("%")) / 100 if name == "spin" else COSTS.get(name, 0.0)


def fake_alternate(_loadgen: Path, base: Any, head: Any, *rest: Any) -> Alternation:
    """Slices of a load generator, of which each round has an error of its own; held to what they must be by the gate's own code."""
    chance = Random(rest[-2])
    noise = chance.gauss(0.0, 0.001)
    slices = []
    for pair in range(_PAIRS):
        for side, running in ((BASE, base), (HEAD, head)):
            shift = cost_of(running.plant) + (noise if side == HEAD else 0.0)
            cheats = running.plant.partition(":")[0] in ("truncate", "status500", "close-early")
            slices.append({"pair": pair, "side": side, "position": 0, "requests": 5000, "cpu_ns": 25e6 * math.exp(shift),
                           "wall_ns": 25e6 * math.exp(shift), "errors": 3 if cheats else 0})
    totals = {"requests_a": 5000 * _PAIRS, "requests_b": 5000 * _PAIRS, "errors": sum(each["errors"] for each in slices), "interrupted": False}
    if faults := alternation.faults_of(slices, totals, _PAIRS):
        raise RunError(faults[0])
    return Alternation(slices, {BASE: 1, HEAD: 1}, Finished(0, "", "", 1, 1))


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Attempt], Answer]:
    """The gate, of made-up rounds. Sabotage it by patching its modules."""
    monkeypatch.setattr(rounds, "alternate", fake_alternate)

    def asked(attempt: Attempt) -> Answer:
        plants = ["", attempt.plant]
        if attempt.place == "swapped":
            plants.reverse()
        try:
            chosen = rows.chosen(rows.load_rows(TABLE), attempt.row)
            cores = machine.choose_cores()
            gate = Gate(
                base=FakeSide("base", plants[0]), head=FakeSide("head", plants[1]), reference=None, rows=chosen,
                looks=looks.plan_looks(sum(len(row.metrics) for row in chosen)), ring=Ring(Path("loadgen"), cores, 7),
                watch=Watch(cores), progress=Progress(io.StringIO(), 24), slices=SliceFile(None), unfit=[], notes={},
            )
            monkeypatch.setattr(Gate, "_canary", lambda _: [])
            verdict = gate.verdict(False, lambda: (), dict)
        except BenchError as error:
            return Answer("ERROR", [], 0, 0.0, said=str(error))
        (tmp_path / "verdict.json").write_text(json.dumps(record.to_json(verdict)), encoding="utf-8")
        return answer_of(subprocess.CompletedProcess([], verdict.outcome.exit_code, "", ""), tmp_path, 1.0)

    return asked


def faults(ask: Callable[[Attempt], Answer], attempts: list[Attempt] = TIMED) -> list[str]:
    return [fault for attempt in attempts for fault in selftest.tried(attempt, ask)]


def test_the_gate_as_it_is_turns_it_green(ask: Callable[[Attempt], Answer]) -> None:
    assert faults(ask) == []


# --- sabotages: each makes a gate that would let something pass, or cry wolf


def no_metrics(patch: pytest.MonkeyPatch) -> None:
    """And nobody minds."""
    patch.setattr(Gate, "planned", {})
    for module in (judge, limits):
        patch.setattr(module, "check_plan", lambda planned: None)
    patch.setattr(Gate, "_rounds", lambda _: [])


def no_metrics_is_a_pass(patch: pytest.MonkeyPatch) -> None:
    no_metrics(patch)
    patch.setattr(outcome, "_weigh", lambda *_: (outcome.Outcome.PASS, ["PASS"]))


def margin_of_500_percent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judge, "bar", lambda *_: math.log(6))


def nothing_matters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(judge.Limits, "matters", property(lambda _: math.log(6), lambda *_: None), raising=False)
    patch.setattr(judge, "bar", lambda *_: math.log(6))


def errors_are_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(alternation, "faults_of", lambda *_: [])


def the_sign_is_swapped(patch: pytest.MonkeyPatch) -> None:
    own = rounds.values_of
    patch.setattr(rounds, "values_of", lambda row, of: {metric: -value for metric, value in own(row, of).items()})


def both_sides_are_the_base(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rounds, "alternate", lambda loadgen, base, head, *rest: fake_alternate(loadgen, base, base, *rest))


def always_green(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcome, "_weigh", lambda *_: (outcome.Outcome.PASS, ["PASS"]))


def always_red(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcome, "_weigh", lambda *_: (outcome.Outcome.REGRESSION, ["REGRESSION"]))


def a_gain_is_a_loss(patch: pytest.MonkeyPatch) -> None:
    """And no error is spent."""
    patch.setattr(judge, "bar", lambda *_: -0.5)
    patch.setattr(judge, "holm_levels", lambda p_values, _: dict.fromkeys(p_values, 0.5))


def the_exit_code_is_always_0(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outcome.Outcome, "exit_code", property(lambda _: 0))


@pytest.mark.parametrize("sabotage", [
    no_metrics, no_metrics_is_a_pass, margin_of_500_percent, nothing_matters, errors_are_ignored, the_sign_is_swapped,
    both_sides_are_the_base, always_green, always_red, a_gain_is_a_loss, the_exit_code_is_always_0,
])
def test_a_sabotaged_gate_turns_it_red(
    ask: Callable[[Attempt], Answer], monkeypatch: pytest.MonkeyPatch, sabotage: Callable[[pytest.MonkeyPatch], None]
) -> None:
    sabotage(monkeypatch)
    with contextlib.suppress(RunError):  # a gate that contradicts itself ends the self-test: red, too
        assert faults(ask)


@pytest.mark.parametrize("attempt", selftest_plan.SABOTAGES, ids=lambda attempt: attempt.name)
def test_a_blind_table_is_refused(attempt: Attempt, tmp_path: Path) -> None:
    """Those sabotages that need no other code than the committed one: the gate itself does not begin."""
    from httpdyno_gate.selftest_gate import Asker

    with pytest.raises(BenchError):
        rows.load_rows(Asker(tmp_path).table(attempt, tmp_path))


# --- what it holds answers to


def answer(of: str, red: list[str] | None = None, losses: Mapping[str, float] | None = None) -> Answer:
    return Answer(of, red or [], 8, 30.0, losses or {})


SPIN = selftest_plan.PLANTS[0]
SWAPPED = next(attempt for attempt in selftest_plan.CONTROLS if attempt.place == "swapped")


@pytest.mark.parametrize("attempt, given, red", [
    (SPIN, answer("REGRESSION", ["cpu"]), False),
    (SPIN, answer("REGRESSION", ["throughput"]), True),  # not what was planted
    (SPIN, answer("PASS"), True), (SPIN, answer("INCONCLUSIVE"), True), (SPIN, answer("UNFIT"), True), (SPIN, answer("ERROR"), True),
    (selftest_plan.CHEATS[0], answer("INVALID"), False), (selftest_plan.CHEATS[0], answer("REGRESSION", ["cpu"]), True),
    (selftest_plan.CHEATS[0], answer("PASS"), True),
    (selftest_plan.CONTROLS[0], answer("PASS"), False), (selftest_plan.CONTROLS[0], answer("INCONCLUSIVE"), False),
    (selftest_plan.CONTROLS[0], answer("UNFIT"), False), (selftest_plan.CONTROLS[0], answer("REGRESSION", ["cpu"]), True),
    (selftest_plan.CONTROLS[0], answer("INVALID"), True),
    (SWAPPED, answer("PASS", losses={"keep-alive cpu": -0.0099}), False), (SWAPPED, answer("PASS", losses={"keep-alive cpu": 0.01}), True),
    (SWAPPED, answer("UNFIT"), True),
    (selftest_plan.SABOTAGES[0], answer("ERROR"), False), (selftest_plan.SABOTAGES[0], answer("PASS"), True),
])
def test_what_the_gate_must_say(attempt: Attempt, given: Answer, red: bool) -> None:
    assert bool(selftest.faults_of(attempt, given)) == red


def test_what_may_be_missed_is_kept_as_missed() -> None:
    half = next(attempt for attempt in selftest_plan.PLANTS if attempt.argument == "0.5%")
    assert selftest.faults_of(half, answer("INCONCLUSIVE")) == []
    assert selftest.trial_of(half, answer("INCONCLUSIVE")).seen == 0
    assert selftest.trial_of(half, answer("REGRESSION", ["cpu"])).seen == 1


def test_every_plant_and_cheat_of_the_programs_is_tried() -> None:
    tried = {attempt.name for attempt in (*selftest_plan.COUNTS, *selftest_plan.PLANTS, *selftest_plan.CHEATS)}
    source = (Path(__file__).resolve().parents[2] / "variants" / "plants.cc").read_text("utf-8")
    import re

    known = set(re.findall(r'^    Kind\{"([a-z0-9-]+)",', source, re.MULTILINE))
    assert len(known) > 10 and known - tried == {"no-nodelay"}


@pytest.mark.parametrize("code, verdict, about", [
    (0, {"outcome": "REGRESSION"}, "ended as PASS and wrote REGRESSION"), (0, None, "left no verdict"), (137, None, "code 137"),
])
def test_a_gate_that_contradicts_itself_is_no_answer(tmp_path: Path, code: int, verdict: dict[str, Any] | None, about: str) -> None:
    if verdict is not None:
        (tmp_path / "verdict.json").write_text(json.dumps({"cells": [], "counts": [], "reasons": [], **verdict}), encoding="utf-8")
    with pytest.raises(RunError, match=about):
        answer_of(subprocess.CompletedProcess([], code, "", ""), tmp_path, 1.0)


def test_a_green_self_test_ends_with_0_and_a_red_one_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"outcome": "REGRESSION", "red": ["cpu"]}
    monkeypatch.setattr(selftest.Asker, "ask", lambda _, attempt: Answer(given["outcome"], given["red"], 8, 30.0))
    out = tmp_path / "calibration.ndjson"
    assert selftest.main(["--only", "spin:1%", "--times", "2", "--out", str(out)]) == 0
    assert [(trial.plant, trial.seen) for trial in calibration.read(out)] == [("spin", 1)] * 2
    given.update(outcome="PASS", red=[])
    assert selftest.main(["--only", "spin:1%", "--out", str(out)]) == 1
    assert "RED" in capsys.readouterr().out
    assert [trial.seen for trial in calibration.read(out)] == [1, 1, 0]
    assert selftest.main(["--only", "weeds", "--out", str(out)]) == 2


# --- replays


def control(values: list[float]) -> Trial:
    return Trial(date="2026-11-22T00:00:00Z", revision="abcdef012345", kind="real", role="control", plant="same-binary", argument="",
                 row="keep-alive", outcome="PASS", seen_by=[], rounds=len(values), seconds=1.0,
                 values={"keep-alive cpu": values, "keep-alive throughput": values})


def test_replays_of_rounds_that_differ_in_nothing_cry_wolf_as_rarely_as_promised() -> None:
    chance = Random(1)
    (found,) = replays.replayed([control([chance.gauss(0, 0.002) for _ in range(24)]) for _ in range(3)], 300, "now", "here")
    assert (found.kind, found.trials) == ("replay", 300)
    assert found.seen <= 9  # 1 % of 300 are 3; of a gate that keeps its promise so many come once in 3,800 times


def test_replays_need_as_many_rounds_as_a_gate_may_take() -> None:
    assert replays.replayed([control([0.001] * 23)], 10, "now", "here") == []
