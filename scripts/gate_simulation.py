#!/usr/bin/python3
"""Simulates the gate's error rates: its whole procedure over drawn rounds of many shapes, where the truth is known.

Each line is one kind of truth and of noise, with the share of runs that erred and its exact interval. --append keeps them as
lines of the calibration (results/gate/calibration.ndjson), of kind "simulation".

Exit codes: 0 no rate is shown to be above 1 % (its interval does not lie above), 1 one is, 2 wrong usage. Skewed noise is beyond
what the gate promises; its rates are shown and decide nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from httpdyno_bench.errors import BenchError, UsageError
from httpdyno_bench.identity import tree_revision
from httpdyno_bench.store import timestamp
from httpdyno_gate import store
from httpdyno_gate.calibration import Trial
from httpdyno_gate.looks import FALSE_ALARMS, MISSES, plan_looks
from httpdyno_gate.simulation import SHAPES, SKEWED, TRUTHS, plan, simulate

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    options = _parser().parse_args()
    try:
        return _simulate(options)
    except BenchError as error:
        print(f"gate_simulation: {error}", file=sys.stderr)
        return 2


def _simulate(options: argparse.Namespace) -> int:
    if options.trials < 1 or min(options.cells) < 1 or options.seed < 0:
        raise UsageError("trials and cells start at 1, seeds at 0")
    revision = tree_revision(ROOT)
    lines, kept = [], True
    for cells in options.cells:
        looks = plan_looks(cells)
        for truth in TRUTHS:
            if truth.innocent(cells) == 0:
                continue
            for shape in (*SHAPES, *SKEWED):
                begin = time.monotonic()
                tally = simulate(truth, shape, plan(cells), options.trials, options.seed, looks)
                kept &= shape in SKEWED or tally.interval[0] <= (MISSES if truth.must_not_pass else FALSE_ALARMS)
                row = f"{cells} {'cell' if cells == 1 else 'cells'}, {shape}"
                outcome = "PASS" if truth.must_not_pass else "REGRESSION"
                print(f"{row}, {truth.name}: {outcome} in {tally}", flush=True)
                lines.append(Trial(
                    date=timestamp(), revision=revision.commit[:12], kind="simulation", role="loss" if truth.must_not_pass else "control",
                    plant=truth.name, argument=f"seed {options.seed}", row=row, outcome=outcome, seen_by=[], rounds=looks[-1].rounds,
                    seconds=round(time.monotonic() - begin, 1), trials=tally.trials, seen=tally.seen,
                ))
    if options.append is not None:
        store.append(options.append, [trial.line() for trial in lines])
    return 0 if kept else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/gate_simulation.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000, help="runs of the gate for each line (default: %(default)s)")
    parser.add_argument("--cells", type=_numbers, default=(1, 3, 8), help="how many cells a run has, several after commas "
                        "(default: 1,3,8)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (default: %(default)s)")
    parser.add_argument("--append", type=Path, metavar="FILE", help="append the lines to FILE as NDJSON")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
