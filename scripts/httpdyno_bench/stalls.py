"""A server that stops now and then, for a known time: what a generator says of it can be held against the truth."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def stalling(pid: int, stall_seconds: float, period_seconds: float) -> Iterator[list[float]]:
    """In the middle of each period the process is stopped. Yields the seconds that each stall has taken so far; the
    process goes on at the end of the block, whatever happens."""
    over = threading.Event()
    stalls: list[float] = []

    def stall() -> None:
        begin = time.monotonic()
        for number in itertools.count():
            if over.wait(begin + (number + 0.5) * period_seconds - time.monotonic()):
                return
            stopped = time.monotonic()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                try:
                    over.wait(stall_seconds)
                finally:
                    os.kill(pid, signal.SIGCONT)
                stalls.append(time.monotonic() - stopped)

    thread = threading.Thread(target=stall)
    thread.start()
    try:
        yield stalls
    finally:
        over.set()
        thread.join()
