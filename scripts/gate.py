#!/usr/bin/python3
"""Whether a change made the server slower: base and head, built alike, linked anew for each round, driven in turn.

  scripts/gate.py --base origin/main

Exit codes: 0 PASS, 1 REGRESSION, 2 wrong usage or a fault of the gate, 3 INCONCLUSIVE, 4 UNFIT machine, 5 INVALID run,
130 interrupted by Ctrl-C. Nothing but 0 is green.
"""

from __future__ import annotations

import sys

from httpdyno_gate.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__))
