#!/usr/bin/python3
"""Attacks a server with thousands of slow clients and measures what a healthy client notices of it.

  slow_clients.py measure    runs the trial and writes a record under results/ (some minutes)
  slow_clients.py report     makes docs/SLOW_CLIENTS.md from the newest record, or proves that it comes from one (--check)

Needs Debian's slowhttptest to measure: apt-get install --no-install-recommends slowhttptest

Exit codes: 0 done, 1 a failed run or a page that differs, 2 wrong usage, 130 interrupted by Ctrl-C.
"""

from __future__ import annotations

import sys

from httpdyno_trials.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
