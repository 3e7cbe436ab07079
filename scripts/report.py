#!/usr/bin/python3
"""Makes BENCH.md and its plots from a record of scripts/bench.py, or proves that they come from one (--check).

Exit codes: 0 done (with --check: equal), 1 different or not written, 2 wrong usage or no usable record.
"""

from __future__ import annotations

import sys

from httpdyno_report.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
