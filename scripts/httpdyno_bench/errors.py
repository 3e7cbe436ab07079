"""What can go wrong, by the exit code it ends with. Each error is one line: what, where, and what to do."""

from __future__ import annotations

import signal


class BenchError(Exception):
    """Ends the program with one line on stderr."""

    exit_code = 1


class UsageError(BenchError):
    """The run cannot begin as asked: an unknown name, a missing program, a server that is not its row."""

    exit_code = 2


class RunError(BenchError):
    """A run that had begun failed: a dead server, counts that differ, a full disk."""

    exit_code = 1


class VoidRun(RunError):
    """A generator calls what it measured void: measured again, it may be valid."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM. No Exception, so that no handler of errors swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        self.consequence = "nothing was recorded"
