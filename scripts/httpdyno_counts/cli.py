"""The command line of scripts/counts.py."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from httpdyno_bench import interrupts
from httpdyno_bench.command_line import Parser, exit_code_of, said
from httpdyno_bench.errors import BenchError, RunError, UsageError
from httpdyno_bench.store import write_whole
from httpdyno_bench.tables import Variant, load_variants, load_workloads, select

from . import budgets
from .counting import Counts, measure
from .exchange import Exchange, exchange_of
from .judging import LIMIT, CountResult, State, budget_of, judge
from .texts import as_json, cell_line, result_lines

ROOT = Path(__file__).resolve().parents[2]
ROWS = "inline-system,pool-system"
WORKLOADS = "keepalive-get,pipelined-16,post-echo-4k,json"
_OUTCOMES = {0: "pass", 1: "regression", 3: "inconclusive"}


class InvalidRun(BenchError):
    """Nothing was counted that could be compared: a server that died, or answered wrongly."""

    exit_code = 5


def main(arguments: Sequence[str], description: str | None = None) -> int:
    return exit_code_of("counts.py", lambda: _valid(lambda: _run(_parser(description).parse_args(arguments))))


def _valid(run: Callable[[], int]) -> int:
    try:
        return run()
    except (RunError, OSError) as error:
        raise InvalidRun(said(error)) from error


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("counts.py", description)
    parser.add_argument("--bin-dir", type=Path, metavar="DIR", default=ROOT / "build" / "release" / "bin",
                        help="the programs to count (default: build/release/bin)")
    parser.add_argument("--base-bin-dir", type=Path, metavar="DIR",
                        help="those of the base: instructions are counted of both and compared")
    parser.add_argument("--rows", metavar="A,B", default=ROWS, help=f"rows of variants.json (default: {ROWS})")
    parser.add_argument("--workloads", metavar="A,B", default=WORKLOADS,
                        help=f"rows of scenarios.json, on one connection (default: {WORKLOADS})")
    parser.add_argument("--flags", type=shlex.split, metavar="FLAGS", default=[],
                        help="further flags of the servers to count, not of the base's, in one argument: --flags='--x 1'")
    parser.add_argument("--instructions", action="store_true", help="count instructions also without a base")
    parser.add_argument("--limit", type=_percent, metavar="PERCENT", default=LIMIT,
                        help=f"more instructions than the base by more than this are red (default: {LIMIT * 100:g})")
    parser.add_argument("--budgets", type=Path, metavar="FILE", default=ROOT / "bench" / "budgets.json",
                        help="what memory and calls are held to (default: bench/budgets.json)")
    parser.add_argument("--accept", action="store_true", help="write what is counted into the budgets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="counts and results as JSON, too")
    return parser


def _percent(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"'{text}' is no percentage above 0 and below 100")
    return value / 100


def _run(options: argparse.Namespace) -> int:
    interrupts.take_signals()
    cells = _cells(options)
    held = budgets.load(options.budgets)
    if not options.accept and options.base_bin_dir is None:
        for row, exchange in cells:
            if (row.name, exchange.name) not in held:
                raise UsageError(f"{options.budgets.name} has no budget for {row.name} under {exchange.name}: "
                                 "run scripts/counts.py --accept")
    counted: list[Counts] = []
    results: list[CountResult] = []
    for row, exchange in cells:
        with_instructions = options.instructions or options.base_bin_dir is not None
        head = measure(options.bin_dir, row, exchange, flags=options.flags, instructions=with_instructions)
        base = None
        if options.base_bin_dir is not None:
            # What counts is the same on both sides.
            base = measure(options.base_bin_dir, row, exchange, library_dir=options.bin_dir.parent / "lib")
        budget = None if options.accept else held.get((row.name, exchange.name))
        found = judge(head, base, budget, options.limit)
        _print([cell_line(head, found), *(line for result in found for line in result_lines(result))])
        if options.accept:
            held[row.name, exchange.name] = budget_of(head)
        counted.append(head)
        results += found
    code = _code(results)
    if options.accept:
        budgets.save(options.budgets, held)
        _print([f"{options.budgets.name} says what was counted"])
    if options.json is not None:
        write_whole(options.json, json.dumps(as_json(counted, results, _OUTCOMES[code]), indent=1) + "\n")
    return code


def _cells(options: argparse.Namespace) -> list[tuple[Variant, Exchange]]:
    variants = select(load_variants(ROOT / "variants" / "variants.json"), options.rows, "row")
    workloads = select(load_workloads(ROOT / "bench" / "scenarios.json"), options.workloads, "workload")
    for variant in variants:
        if variant.kind != "server":
            raise UsageError(f"{variant.name} is no server whose requests could be counted")
    return [(variant, exchange_of(workload)) for variant in variants for workload in workloads]


def _code(results: Iterable[CountResult]) -> int:
    states = list(results)
    if any(result.red for result in states):
        return 1
    return 3 if any(result.state is State.UNSTEADY for result in states) else 0


def _print(lines: Iterable[str]) -> None:
    print(*lines, sep="\n", flush=True)
