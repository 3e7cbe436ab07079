#!/usr/bin/python3
"""Asks the gate about faults that are planted and about differences that are none, and keeps what it said: how often the gate is
wrong is a figure, too (results/gate/calibration.ndjson, shown in BENCH.md).

Exit codes: 0 the gate said what it must, 1 it did not (each such trial is named), 2 wrong usage or nothing could be tried.
"""

from __future__ import annotations

import sys

from httpdyno_gate.selftest import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
