"""What goes on beside a gate that is tried: a neighbour that burns a core, or one that takes more and more of it. Run as a program it is
that neighbour."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from httpdyno_bench.processes import die_with_runner, ending, start

# Share of the core at the beginning, and what it grows by in a second, up to the most.
KINDS = {"neighbour": (1.0, 0.0, 1.0), "drift": (0.0, 0.002, 0.12)}
# Ends by itself, should nobody end it.
_SECONDS_MAX = 1800.0
_PERIOD_SECONDS = 0.01


@contextlib.contextmanager
def beside(kind: str, core: int) -> Iterator[None]:
    """Nothing where no kind is named. It shares the servers' core."""
    if not kind:
        yield
        return
    command = [sys.executable, str(Path(__file__).resolve()), kind]
    paths = {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with ending(start(command, core, subprocess.DEVNULL, subprocess.DEVNULL, paths, die_with_runner)):
        yield


def burn(kind: str) -> None:
    first, growth, most = KINDS[kind]
    begin = time.monotonic()
    while (now := time.monotonic()) < begin + _SECONDS_MAX:
        share = min(most, first + growth * (now - begin))
        while time.monotonic() < now + share * _PERIOD_SECONDS:
            pass
        if share < 1.0:
            time.sleep((1.0 - share) * _PERIOD_SECONDS)


if __name__ == "__main__":
    burn(sys.argv[1])
