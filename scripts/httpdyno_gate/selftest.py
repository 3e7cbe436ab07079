"""The command line of scripts/gate_selftest.py: tries, compares with what the gate must say, keeps what it said."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from httpdyno_bench import interrupts
from httpdyno_bench.command_line import Parser, exit_code_of
from httpdyno_bench.errors import UsageError
from httpdyno_bench.identity import tree_revision
from httpdyno_bench.store import timestamp

from . import calibration, replays, selftest_plan, store
from .calibration import Trial
from .rows import load_rows
from .selftest_gate import ROOT, TABLE, Answer, Asker
from .selftest_plan import Attempt

FILE = ROOT / "results" / "gate" / "calibration.ndjson"


def main(arguments: Sequence[str], description: str | None = None) -> int:
    return exit_code_of("gate_selftest.py", lambda: _run(_parser(description).parse_args(arguments)))


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("gate_selftest.py", description)
    parser.add_argument("--short", action="store_true", help="what needs no statistics, also on a machine that is unfit for them: about half a minute; kept only with --out")
    parser.add_argument("--only", metavar="A B", help="only these trials, by NAME, NAME:ARGUMENT, role or row")
    parser.add_argument("--times", type=int, metavar="N", default=1, help="each so often (default: 1)")
    parser.add_argument("--seconds", type=float, metavar="S", default=float("inf"), help="begin no trial after so long")
    parser.add_argument("--replays", type=int, metavar="N", default=0, help="instead: so many times, the rounds of the controls that were kept, "
                        "with labels drawn anew")
    parser.add_argument("--bin-dir", type=Path, metavar="DIR", default=ROOT / "build" / "release" / "bin",
                        help="the programs, those with plants among them (default: build/release/bin)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="what is added to (default: results/gate/calibration.ndjson)")
    parser.add_argument("--gate", metavar="ARGUMENTS", default="", help="further arguments of every gate, as --gate='--seconds 60'")
    parser.add_argument("--list", action="store_true", help="print the trials and end")
    return parser


def _run(options: argparse.Namespace) -> int:
    interrupts.take_signals()
    if options.list:
        print("\n".join(attempt.title for attempt in selftest_plan.ALL))
        return 0
    if options.times < 1:
        raise UsageError(f"--times is {options.times}: it must be at least 1")
    if options.replays:
        return _replay(options.out or FILE, options.replays)
    attempts = _possible(selftest_plan.chosen(options.only, selftest_plan.SHORT if options.short else selftest_plan.ALL))
    out = options.out or (None if options.short else FILE)
    keep = None if out is None else (lambda trial: store.append(out, [trial.line()]))
    asker = Asker(options.bin_dir.resolve(), options.gate.split())
    deadline = time.monotonic() + options.seconds
    faults: list[str] = []
    for _ in range(options.times):
        for attempt in attempts:
            if time.monotonic() < deadline:
                faults += tried(attempt, asker.ask, keep)
    for fault in faults:
        print(f"gate_selftest.py: {fault}", file=sys.stderr)
    print("self-test: the gate is what it should be" if not faults else f"self-test: RED, {len(faults)} faults")
    return 1 if faults else 0


def _possible(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Those whose row is gated at all."""
    rows = [row.name for row in load_rows(TABLE)]
    for attempt in attempts:
        if not attempt.counts and attempt.row not in rows:
            print(f"{attempt.title}: not tried: {TABLE.name} has no such row")
    return [attempt for attempt in attempts if attempt.counts or attempt.row in rows]


def tried(attempt: Attempt, ask: Callable[[Attempt], Answer], keep: Callable[[Trial], None] | None = None) -> list[str]:
    """One trial: told, kept, and held to what it must be. The faults."""
    answer = ask(attempt)
    found = faults_of(attempt, answer)
    loss = ", ".join(f"{cell} {share:+.2%}" for cell, share in answer.losses.items())
    print(f"{attempt.title}: {answer.outcome}, {answer.rounds} rounds, {answer.seconds:.0f} s{': ' + loss if loss else ''}"
          + (f" [{answer.said}]" if answer.said else ""), flush=True)
    if keep is not None:
        keep(trial_of(attempt, answer))
    return found


def faults_of(attempt: Attempt, answer: Answer) -> list[str]:
    """What the gate should have said, where it did not."""
    if attempt.role == "control":
        if answer.outcome in ("REGRESSION", "ERROR", "INVALID"):
            return [f"{attempt.title}: {answer.outcome} of what is none: {answer.said}"]
        if attempt.place == "swapped" and not answer.losses.get(f"{attempt.row} cpu", 0.0) < 0:
            return [f"{attempt.title}: the plant is the base's, and the head is not said to be faster"]
        return []
    if seen(attempt, answer) or attempt.may_be_missed:
        return []
    wanted = {"plant": f"REGRESSION of {' or '.join(attempt.seers)}", "cheat": "INVALID", "sabotage": "a refusal"}[attempt.role]
    return [f"{attempt.title}: {answer.outcome}, not {wanted}"]


def seen(attempt: Attempt, answer: Answer) -> bool:
    """As calibration.Trial.seen counts."""
    if attempt.role == "cheat":
        return answer.outcome == "INVALID"
    if attempt.role == "sabotage":
        return answer.outcome == "ERROR"
    if attempt.role == "control":
        return answer.outcome == "REGRESSION"
    return answer.outcome == "REGRESSION" and any(seer in answer.red for seer in attempt.seers)


def trial_of(attempt: Attempt, answer: Answer) -> Trial:
    # Replays need the rounds of those that differ in nothing.
    kept = {cell: values for cell, values in answer.values.items() if cell in answer.losses} if attempt.role == "control" else {}
    return Trial(
        date=timestamp(),
        revision=tree_revision(ROOT).commit[:12],
        kind="real",
        role=attempt.role,
        plant=attempt.name,
        argument=attempt.argument or ("one round" if attempt.one_round else ""),
        row=attempt.row,
        outcome=answer.outcome,
        seen_by=list(answer.red),
        rounds=answer.rounds,
        seconds=round(answer.seconds, 1),
        seen=int(seen(attempt, answer)),
        losses=answer.losses,
        floors=answer.floors,
        values=kept,
    )


def _replay(out: Path, count: int) -> int:
    trials = replays.replayed(calibration.read(out), count, timestamp(), tree_revision(ROOT).commit[:12])
    if not trials:
        raise UsageError(f"{out.name} has no control with as many rounds as a gate may take: try them first")
    store.append(out, [trial.line() for trial in trials])
    for trial in trials:
        print(f"{trial.plant}, {trial.row}: {trial.seen} false alarms of {trial.trials:,} replays")
    return 0
