#!/usr/bin/python3
"""Measures every variant under every workload and writes a record under results/.

The steps of a round (variants × workloads × generators, and comparisons in turn) come in random order, drawn from the
seed; each has a fresh server process. Only the programs' JSON is read, no table is made here: scripts/report.py turns
records into BENCH.md.

Exit codes: 0 done, 1 a failed run, 2 wrong usage (also: a server that is not its row), 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import sys

from httpdyno_bench.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
