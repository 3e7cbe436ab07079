"""A server program under trial: started, known by its id, and gone at the end."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_CPUCLOCK_SCHED = 2
_READY_SECONDS = 30.0
_libc = ctypes.CDLL(None)


class TrialError(Exception):
    """The trial could not be made."""


class Program:
    """A server that is ready on `port`."""

    def __init__(self, path: Path, flags: list[str], descriptors_max: int | None) -> None:
        def before_exec() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if descriptors_max is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors_max, descriptors_max))

        try:
            self.process = subprocess.Popen(
                [path, "--port", "0", *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=before_exec)
        except OSError as error:
            raise TrialError(f"cannot start {path}: {error.strerror}") from None
        assert self.process.stdout is not None
        self._stdout = self.process.stdout
        try:
            self.port = self._await_port(path)
        except BaseException:
            self.kill()
            raise

    def _await_port(self, path: Path) -> int:
        readable = select.select([self._stdout], [], [], _READY_SECONDS)[0]
        line = self._stdout.readline().decode() if readable else ""
        if "ready on http://" not in line:
            raise TrialError(f"{path} is not ready: {line!r}")
        return int(line.rstrip().rstrip("/").rsplit(":", 1)[1])

    def cpu_seconds(self) -> float:
        """Of all threads so far."""
        return time.clock_gettime_ns((~self.process.pid << 3) | _CPUCLOCK_SCHED) / 1e9

    def terminate(self) -> None:
        os.kill(self.process.pid, signal.SIGTERM)

    def wait(self, seconds: float) -> dict[str, int]:
        """After terminate(): the counters that it says at its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TrialError("the server does not end") from None
        if code != 0:
            raise TrialError(f"the server ended with code {code}")
        return dict(json.loads(self._stdout.read()))

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._stdout.close()


@contextlib.contextmanager
def running(path: Path, flags: list[str], descriptors_max: int | None = None) -> Iterator[Program]:
    program = Program(path, flags, descriptors_max)
    try:
        yield program
    finally:
        program.kill()
