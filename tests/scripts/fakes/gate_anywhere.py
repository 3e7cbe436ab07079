#!/usr/bin/python3
"""scripts/gate.py on any machine: what others do on it meanwhile is no part of these tests."""
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "scripts"))

from httpdyno_gate import fitness  # noqa: E402
from httpdyno_gate.cli import main  # noqa: E402

fitness.STEAL_SHARE_MAX = fitness.FOREIGN_SHARE_MAX = fitness.LOAD_PER_CORE_MAX = math.inf
sys.exit(main(sys.argv[1:]))
