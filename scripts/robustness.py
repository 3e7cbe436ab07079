#!/usr/bin/python3
"""Trials of a server's last moments and of its limits, each with one verdict.

  scripts/robustness.py stop          SIGTERM under load, over and over: no response may come truncated
  scripts/robustness.py descriptors   more clients than descriptors: no spinning, and all are served in the end
  scripts/robustness.py close-during-handling
                                      clients that leave while a worker has their request: nobody gets another's answer

Exit code: 0 the verdict is good, 1 it is not, 2 the trial could not be made.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from httpdyno_bench.command_line import said
from httpdyno_bench.errors import BenchError
from httpdyno_robustness import descriptors, leave, stop

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in (stop, descriptors, leave):
        sub = kinds.add_parser(kind.NAME, help=kind.HELP, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        sub.add_argument("--bin-dir", type=Path, default=ROOT / "build" / "release" / "bin", help="where the programs are")
        sub.add_argument("--row", default="inline-system", help="which program of variants.json")
        sub.add_argument("--loops", type=int, default=1, help="loops of the server")
        kind.add_arguments(sub)
        sub.set_defaults(run=kind.run)
    arguments = parser.parse_args()
    try:
        return int(arguments.run(arguments))
    except (BenchError, OSError) as error:
        print(f"scripts/robustness.py: {said(error)}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
