"""The server's counters over time, and what they say about when connections came and when they were given up."""

from __future__ import annotations

import bisect
import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from httpdyno_bench.errors import RunError

INTERVAL_SECONDS = 0.05


class Sample(NamedTuple):
    seconds: float
    counters: Mapping[str, int]


class Watch:
    """Asks /stats on one connection of its own, twenty times a second, from the beginning of the block to its end."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
        self.samples: list[Sample] = []
        self._failure: Exception | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._ask()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._connection.close()

    @property
    def latest(self) -> Mapping[str, int]:
        """Raises what went wrong while it watched."""
        if self._failure is not None:
            raise RunError(f"/stats was not answered: {self._failure}") from self._failure
        return self.samples[-1].counters

    def _run(self) -> None:
        try:
            while not self._done.wait(INTERVAL_SECONDS):
                self._ask()
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._failure = error

    def _ask(self) -> None:
        self._connection.request("GET", "/stats")
        counters = json.loads(self._connection.getresponse().read())
        self.samples.append(Sample(time.monotonic(), counters))


def longest_life(samples: Sequence[Sample], evicted_by: Sequence[str], count: int) -> float | None:
    """The longest time, in seconds, between the k-th connection that came after the first sample and the k-th that was
    given up, for every k up to `count`; None if fewer were. Each is known to one interval between samples: a
    connection came after the sample before the one that counts it, and was gone at the one that counts it so."""
    came = [sample.counters["accepted"] - samples[0].counters["accepted"] for sample in samples]
    gone = [_evicted(sample, evicted_by) - _evicted(samples[0], evicted_by) for sample in samples]
    if gone[-1] < count:
        return None
    longest = 0.0
    for k in range(1, count + 1):
        before_it_came = bisect.bisect_left(came, k) - 1
        longest = max(longest, samples[bisect.bisect_left(gone, k)].seconds - samples[before_it_came].seconds)
    return longest


def _evicted(sample: Sample, evicted_by: Sequence[str]) -> int:
    return sum(sample.counters[name] for name in evicted_by)
