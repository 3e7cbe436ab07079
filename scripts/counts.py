#!/usr/bin/python3
"""Counts exactly what a request costs: instructions, allocations and their octets, calls to the kernel by name.

One connection asks for the same again and again, in lock-step. Each count is the difference between a process that answered
many requests and one that answered few, over the requests between them. Instructions are callgrind's, without the kernel's;
they are compared with those of a base (--base-bin-dir), built by the same compiler, in the same run. Allocations and calls
are held to bench/budgets.json: more are red, and fewer are red until the budget is lowered (--accept).

Exit codes: 0 all as it should be, 1 a count is not, 2 wrong usage or a missing tool, 3 repeats do not agree, 5 a run that
went wrong (a server that died or answered wrongly), 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import sys

from httpdyno_counts.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
