"""How far a run is: a bar with the time left on a terminal, a line per block elsewhere."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from .plan import Profile, Step, forecast_seconds

_BAR = 24


class Progress:
    """Says nothing while something is measured: it speaks between two steps only."""

    def __init__(self, plan: list[Step], done: set[str], profile: Profile, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._profile = profile
        self._total = len(plan)
        self._finished = sum(step.id in done for step in plan)
        todo = [step for step in plan if step.id not in done]
        self._forecast_left = sum(forecast_seconds(step, profile) for step in todo)
        self._blocks = plan[-1].block if plan else 0
        self._left_by_block: dict[int, int] = {}
        for step in todo:
            self._left_by_block[step.block] = self._left_by_block.get(step.block, 0) + 1
        self._forecast_spent = 0.0
        self._begin = time.monotonic()

    @property
    def seconds_left(self) -> float:
        """The forecast, corrected by how it did so far."""
        elapsed = time.monotonic() - self._begin
        pace = elapsed / self._forecast_spent if self._forecast_spent > 2.0 else 1.0
        return self._forecast_left * pace

    def begin(self) -> None:
        self._line(f"{self._total - self._finished} measurements, about {clock(self._forecast_left)}")

    def before(self, step: Step) -> None:
        if not self._terminal:
            return
        full = _BAR * self._finished // max(self._total, 1)
        text = (f"[{'#' * full}{'.' * (_BAR - full)}] {self._finished}/{self._total}  "
                f"{clock(self.seconds_left)} left  {step}")
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r" + text[:width].ljust(width))
        self._stream.flush()

    def after(self, step: Step) -> None:
        self._finished += 1
        seconds = forecast_seconds(step, self._profile)
        self._forecast_left -= seconds
        self._forecast_spent += seconds
        self._left_by_block[step.block] -= 1
        if not self._terminal and self._left_by_block[step.block] == 0:
            self._line(f"part {step.block} of {self._blocks} done, {clock(self.seconds_left)} left")

    def clear(self) -> None:
        """Makes room for another line on a terminal."""
        if self._terminal:
            self._stream.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")
            self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(f"bench: {text}\n")
        self._stream.flush()


def clock(seconds: float) -> str:
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02} h" if hours else f"{rest // 60}:{rest % 60:02} min"
