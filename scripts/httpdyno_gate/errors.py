"""What the gate ends with besides a verdict."""

from __future__ import annotations

from httpdyno_bench.errors import BenchError


class InvalidRun(BenchError):
    """What was measured is not to be believed: a dead server, answers that differ, a program that is another build."""

    exit_code = 5


class BuildError(BenchError):
    """There is nothing to measure: no compiler, a tree that does not build."""

    exit_code = 2


class StoreError(BenchError):
    """What was measured could not be written."""

    exit_code = 2
