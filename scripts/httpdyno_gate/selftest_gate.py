"""Asks the gate, as its users do: the program, its exit code and what it wrote."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.machine import choose_cores
from httpdyno_bench.tables import load_variants, load_workloads
from httpdyno_counts.counting import Counts, measure
from httpdyno_counts.exchange import exchange_of
from httpdyno_counts.judging import State, compare

from .calibration import OUTCOMES
from .disturbances import beside
from .errors import InvalidRun
from .rounds import Ring
from .rows import chosen, load_rows
from .selftest_plan import Attempt
from .sides import CommandSide

ROOT = Path(__file__).resolve().parents[2]
GATE = ROOT / "scripts" / "gate.py"
TABLE = ROOT / "bench" / "gate.json"
_GATE_SECONDS = 1800.0
_CODES = {0: "PASS", 1: "REGRESSION", 2: "ERROR", 3: "INCONCLUSIVE", 4: "UNFIT", 5: "INVALID"}
assert set(_CODES.values()) == set(OUTCOMES)
_LONG_FOLDER = "a-folder-whose-name-is-longer-than-that-of-the-other-by-more-than-a-line-of-cache"
# Of a single round.
_SEED, _ROUND_SCALE = 1, 0.5
_METRICS = {"cpu": "cpu_ns", "throughput": "wall_ns"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the gate said. `red`: metrics and counts that are a REGRESSION; `losses` by cell, as shares; `values` by cell, each round's
    log ratio."""

    outcome: str
    red: Sequence[str]
    rounds: int
    seconds: float
    losses: Mapping[str, float] = dataclasses.field(default_factory=dict)
    floors: Mapping[str, float] = dataclasses.field(default_factory=dict)
    values: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict)
    said: str = ""


@dataclasses.dataclass(frozen=True)
class Asker:
    """`arguments`: further ones of every gate that is asked."""

    bin_dir: Path
    arguments: Sequence[str] = ()

    def ask(self, attempt: Attempt) -> Answer:
        if attempt.counts:
            return self._counts(attempt)
        return self._one_round(attempt) if attempt.one_round else self._gate(attempt)

    def _gate(self, attempt: Attempt) -> Answer:
        with tempfile.TemporaryDirectory(prefix="httpdyno-") as folder:
            scratch = Path(folder)
            out = scratch / "out"
            command = [sys.executable, "-B", str(GATE), "--table", str(self.table(attempt, scratch)), "--rows", attempt.row,
                       "--bin-dir", str(self.bin_dir), "--out", str(out), *self._sides(attempt, scratch), *self.arguments]
            begin = time.monotonic()
            with beside(attempt.beside, choose_cores().server):
                done = _run(command)
            seconds = time.monotonic() - begin
            return answer_of(done, out, seconds)

    def _sides(self, attempt: Attempt, scratch: Path) -> list[str]:
        if attempt.place == "relinked":
            return ["--base", "HEAD", "--head", "HEAD"]
        program = self._planted(attempt)
        places = [program, program]
        environment = ""
        if attempt.place == "other":
            places[1] = scratch / _LONG_FOLDER / f"{program.name}-of-another-name"
            places[1].parent.mkdir()
            shutil.copy2(program, places[1])
            environment = f"env A_LONG_VARIABLE={'x' * 3000} "
        plants = ["", attempt.plant]
        if attempt.place == "swapped":
            plants.reverse()
        base, head = (_command(place, plant) for place, plant in zip(places, plants, strict=True))
        return ["--base-cmd", base, "--head-cmd", environment + head]

    def _planted(self, attempt: Attempt) -> Path:
        program = self.bin_dir / f"{attempt.variant}-plants"
        if not program.exists():
            raise UsageError(f"there is no {program.name}: build it first (make build)")
        return program

    def _one_round(self, attempt: Attempt) -> Answer:
        (row,) = chosen(load_rows(TABLE), attempt.row)
        program = self._planted(attempt)
        base, head = (CommandSide(name, _command(program, plant)) for name, plant in (("base", ""), ("head", attempt.plant)))
        ring = Ring(self.bin_dir / "loadgen", choose_cores(), _SEED, _ROUND_SCALE)
        begin = time.monotonic()
        try:
            values = ring.fight(base, head, row, 0).values
        except (RunError, InvalidRun) as error:
            return Answer("INVALID", [], 0, time.monotonic() - begin, said=str(error))
        losses = {f"{row.name} {metric}": round(math.expm1(value), 6) for metric, value in values.items()}
        return Answer("PASS", [], 1, time.monotonic() - begin, losses)

    def table(self, attempt: Attempt, scratch: Path) -> Path:
        """The committed one, or one that somebody has made blind."""
        if attempt.role != "sabotage":
            return TABLE
        table = json.loads(TABLE.read_text(encoding="utf-8"))
        for row in table["rows"]:
            row["metrics"] = {} if attempt.name == "no-metrics" else {
                metric: {**limits, "matters": 5.0} for metric, limits in row["metrics"].items()
            }
        (scratch / "gate.json").write_text(json.dumps(table), encoding="utf-8")
        return scratch / "gate.json"

    def _counts(self, attempt: Attempt) -> Answer:
        begin = time.monotonic()
        with_instructions = "instructions" in attempt.seers
        base, head = (self._count(attempt, flags, with_instructions) for flags in ((), ("--plant", attempt.plant)))
        results = compare(base, head)
        red = [result.count for result in results if result.state is State.WORSE]
        losses = {f"counts {result.count}": round(result.ratio - 1, 6) for result in results
                  if result.state is State.WORSE and math.isfinite(result.ratio)}
        outcome = "REGRESSION" if red else "PASS"
        return Answer(outcome, red, 0, time.monotonic() - begin, losses)

    def _count(self, attempt: Attempt, flags: tuple[str, ...], with_instructions: bool) -> Counts:
        """Of the twin with plants, which is no row of variants.json."""
        rows = {row.name: row for row in load_variants(ROOT / "variants" / "variants.json")}
        workloads = {workload.name: workload for workload in load_workloads(ROOT / "bench" / "scenarios.json")}
        row = dataclasses.replace(rows[attempt.variant], name=f"{attempt.variant}-plants")
        return measure(self.bin_dir, row, exchange_of(workloads["keepalive-get"]), flags=flags, instructions=with_instructions)


def _command(program: Path, plant: str) -> str:
    planted = f" --plant {plant}" if plant else ""
    return f"{shlex.quote(str(program))} --bind 127.0.0.1 --port {{port}}{planted}"


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_GATE_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise RunError(f"the gate did not come back within {_GATE_SECONDS:g} s") from None


def answer_of(done: subprocess.CompletedProcess[str], out: Path, seconds: float) -> Answer:
    if done.returncode not in _CODES:
        raise RunError(f"the gate ended with code {done.returncode}: {_last_line(done.stderr)}")
    outcome = _CODES[done.returncode]
    verdict = _read(out / "verdict.json")
    if verdict is None:
        if outcome not in ("ERROR", "INVALID"):
            raise RunError(f"the gate said {outcome} and left no verdict: {_last_line(done.stderr)}")
        return Answer(outcome, [], 0, seconds, said=_last_line(done.stderr))
    if verdict["outcome"] != outcome:
        raise RunError(f"the gate ended as {outcome} and wrote {verdict['outcome']}")
    cells = verdict["cells"]
    return Answer(
        outcome,
        [cell["metric"] for cell in cells if cell["zone"] == "REGRESSION"] + [
            count["name"] for count in verdict["counts"] if count["zone"] == "REGRESSION"],
        max((cell["rounds"] for cell in cells), default=0),
        seconds,
        {f"{cell['row']} {cell['metric']}": round(cell["ratio"] - 1, 6) for cell in cells},
        {f"{cell['row']} {cell['metric']}": round(cell["layout_floor"] - 1, 6) for cell in cells if cell["layout_floor"]},
        _values(out / "slices.ndjson"),
        verdict["reasons"][0] if verdict["reasons"] else "",
    )


def _values(path: Path) -> dict[str, list[float]]:
    """Of the closed loop's metrics, each round's value, as rounds.py makes it; the slices of a pair follow each other."""
    if not path.exists():
        return {}
    sums: dict[tuple[str, str, int], list[float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        one: dict[str, Any] = json.loads(line)
        for metric, key in _METRICS.items():
            sign = 1.0 if one["side"] == "b" else -1.0
            sums.setdefault((one["row"], metric, one["round"]), []).append(sign * math.log(one[key] / one["requests"]))
    values: dict[str, list[float]] = {}
    for (row, metric, _), logs in sorted(sums.items()):
        values.setdefault(f"{row} {metric}", []).append(
            round(statistics.median(one + other for one, other in zip(logs[::2], logs[1::2])), 6))
    return values


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name} is damaged: {error}") from error


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no word"
