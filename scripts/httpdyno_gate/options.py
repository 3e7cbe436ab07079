"""The options of scripts/gate.py, and what is refused before anything is built."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from httpdyno_bench.command_line import Parser
from httpdyno_bench.errors import UsageError

from . import looks
from .command_server import words_of
from .looks import Look
from .rows import Row

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "bench" / "gate.json"
CACHE = ROOT / "build" / "gate"
BIN_DIR = ROOT / "build" / "release" / "bin"
ALLOWED = ("answers", "flags")


def parser_of(description: str | None) -> argparse.ArgumentParser:
    parser = Parser("gate.py", description)
    what = parser.add_argument_group("what is compared")
    what.add_argument("--base", metavar="REV", help="the revision to compare with")
    what.add_argument("--head", metavar="REV", help="the revision to judge (default: the work tree as it is)")
    what.add_argument("--base-cmd", metavar="COMMAND", help="instead: the command that starts a server of any make, in the "
                      "foreground, on 127.0.0.1 and {port}; {directory} is an empty one of its own")
    what.add_argument("--head-cmd", metavar="COMMAND", help="the same for the server to judge")
    what.add_argument("--base-flags", metavar="FLAGS", default="", help="further flags of the base's programs")
    what.add_argument("--head-flags", metavar="FLAGS", default="", help="further flags of the head's programs")
    what.add_argument("--define", metavar="NAME=VALUE", action="append", default=[], help="a definition for CMake, for both builds")
    what.add_argument("--reference", metavar="REV", help="a revision that stays the same over many runs: the ratio to it goes "
                      "into the verdict and the history")
    what.add_argument("--allow", choices=ALLOWED, action="append", default=[],
                      help="base and head may differ in what they answer, or in how they are compiled")
    how = parser.add_argument_group("how it is measured")
    how.add_argument("--table", type=Path, metavar="FILE", default=TABLE, help="the rows (default: bench/gate.json)")
    how.add_argument("--rows", metavar="A,B", help="only these rows of the table")
    how.add_argument("--rounds-max", type=int, metavar="N", default=looks.ROUNDS[-1],
                     help=f"rounds after which it says INCONCLUSIVE (default: {looks.ROUNDS[-1]})")
    how.add_argument("--seconds", type=float, metavar="S", help="time to measure, if all rounds are needed: rounds get as "
                     "long as that allows (default: as long as the table says)")
    how.add_argument("--relinks", type=int, metavar="K", help="links of each program with its functions in another order, for "
                     "each side, one after the other in the rounds (default: one for each round; 0: as the build links it)")
    how.add_argument("--no-counts", action="store_true", help="leave out the exact counts of a request: half a minute")
    how.add_argument("--seed", type=int, metavar="N", help="of every coin (default: drawn; the verdict has it)")
    how.add_argument("--bin-dir", type=Path, metavar="DIR", default=BIN_DIR, help="where loadgen is (default: build/release/bin)")
    how.add_argument("--cache", type=Path, metavar="DIR", default=CACHE, help="where trees are built (default: build/gate)")
    where = parser.add_argument_group("what is written")
    where.add_argument("--out", type=Path, metavar="DIR", help="verdict.json, verdict.md, junit.xml and slices.ndjson")
    where.add_argument("--history", type=Path, metavar="FILE", help="append a line about this run")
    where.add_argument("--json", action="store_true", help="print verdict.json instead of a table")
    return parser


def refuse_muddle(options: argparse.Namespace) -> None:
    """Two revisions, or two commands."""
    commands = [command for command in (options.base_cmd, options.head_cmd) if command is not None]
    if len(commands) == 1:
        raise UsageError("--base-cmd and --head-cmd go together: both sides are commands, or none")
    if not commands and options.base is None:
        raise UsageError("what is it to be compared with? Give --base REV, or --base-cmd and --head-cmd")
    of_revisions = (options.base, options.head, options.base_flags, options.head_flags, options.define, options.reference)
    if commands and (any(of_revisions) or options.relinks is not None):
        raise UsageError("--base-cmd and --head-cmd build nothing: --base, --head, their flags, --reference, --define and --relinks "
                         "are for revisions")
    for command in commands:
        words_of(command, 1, "directory")
    if options.relinks is not None and not 0 <= options.relinks <= 1000:
        raise UsageError(f"--relinks {options.relinks}: give 0 to 1000")
    if options.seconds is not None and not (math.isfinite(options.seconds) and options.seconds > 0):
        raise UsageError(f"--seconds {options.seconds:g}: give a time to measure")


def planned_looks(options: argparse.Namespace, rows: Sequence[Row]) -> tuple[Look, ...]:
    """Those of the table of looks that come before the last round, and the last round."""
    earlier = [rounds for rounds in looks.ROUNDS if rounds < options.rounds_max]
    return looks.plan_looks(sum(len(row.metrics) for row in rows), [*earlier, options.rounds_max])


def scale(options: argparse.Namespace, rows: Sequence[Row], rounds: int) -> float:
    """By how much longer or shorter than in the table a round is."""
    if options.seconds is None:
        return 1.0
    return float(options.seconds) / (rounds * sum(row.round_seconds for row in rows))
