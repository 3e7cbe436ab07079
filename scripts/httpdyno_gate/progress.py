"""How far a gate is: a line that is written over on a terminal, nothing elsewhere."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from httpdyno_bench.progress import clock


class Progress:
    """Speaks between two rounds only: nothing runs beside a measurement."""

    def __init__(self, stream: TextIO, rounds_max: int) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._rounds_max = rounds_max
        self._begin = time.monotonic()

    def step(self, text: str) -> None:
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write("\r" + text[:width].ljust(width))
            self._stream.flush()

    def begin_rounds(self) -> None:
        self._begin = time.monotonic()

    def round(self, number: int, row: str) -> None:
        spent = time.monotonic() - self._begin
        left = spent / number * (self._rounds_max - number) if number else 0.0
        self.step(f"round {number + 1} of at most {self._rounds_max}, {row}" + (f", at most {clock(left)} left" if number else ""))

    def clear(self) -> None:
        if self._terminal:
            self.step("")
            self._stream.write("\r")
            self._stream.flush()
