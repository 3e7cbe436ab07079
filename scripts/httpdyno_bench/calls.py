"""Which calls to the kernel a program makes, as strace counts them. Traced, a call takes many times as long as otherwise:
only the counts are of use."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from .errors import RunError, UsageError

_SUMMARY_SECONDS = 10.0


class CallCounter:
    """Counts over the whole life of one program, which strace has to start."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # -D: the program is our child, and strace is not between us and it.
        self.wrapper = ("strace", "-D", "-f", "-qq", "-c", "-U", "calls,name", "-o", str(file))

    def counts(self) -> dict[str, int]:
        """Of a program that has ended, by the name of the call. strace writes them a moment later."""
        deadline = time.monotonic() + _SUMMARY_SECONDS
        while True:
            lines = self._file.read_text(encoding="ascii").splitlines() if self._file.exists() else []
            if lines and lines[-1].split()[-1:] == ["total"]:
                break
            if time.monotonic() > deadline:
                raise RunError("strace wrote no summary: is it allowed to trace here?")
            time.sleep(0.005)
        rows = [line.split() for line in lines]
        return {row[1]: int(row[0]) for row in rows if len(row) == 2 and row[0].isdigit() and row[1] != "total"}


def strace_version() -> str:
    program = shutil.which("strace")
    if program is None:
        raise UsageError("strace is not installed: run scripts/setup")
    printed = subprocess.run([program, "-V"], capture_output=True, text=True, check=False).stdout.split()
    return printed[3] if len(printed) > 3 else "unknown"
