"""The tail of a round at a fixed rate: how many more requests of head than of base are slower than base's own percentile.

A share of requests tells more than a quantile does: every request on either side of the percentile counts, not only the one
at it. Latencies count from when a request was due. Percentiles are of all the requests of a round together and are never
averaged; the replicate is the round.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Slice = Mapping[str, Any]
# Of requests of base that are at or below it.
PERCENTILES: Mapping[str, float] = {"tail-p99": 99.0, "tail-p99.9": 99.9}
# Fewer requests beyond the percentile say too little of it.
BEYOND_MIN = 10
# Of what was offered to base: below that the latencies tell how long its queue grew, not how it responds.
ACHIEVED_MIN = 0.95


@dataclasses.dataclass(frozen=True)
class Share:
    """Of one percentile: base's latency at it, and how many of how many requests were beyond, half of those at it."""

    at_ns: int
    base_beyond: float
    base_requests: int
    head_beyond: float
    head_requests: int

    @property
    def loss(self) -> float:
        """The log ratio of the shares, head over base; positive is worse. Half a request more on either side keeps it finite.

        Without a difference it is above 0 as often as below: of two samples of one source, the number of requests in the
        second beyond the r-th greatest of the first is r or more in exactly half of the cases.
        """
        head = (self.head_beyond + 0.5) / self.head_requests
        base = (self.base_beyond + 0.5) / self.base_requests
        return math.log(head / base)


@dataclasses.dataclass(frozen=True)
class Tail:
    """Of a round. `refused`: why it has no share, by metric."""

    shares: Mapping[str, Share]
    refused: Mapping[str, str]


def requests_needed(metric: str) -> int:
    """Of base in a round."""
    return math.ceil(BEYOND_MIN / (1 - PERCENTILES[metric] / 100) - 1e-6)


def tail(base: Sequence[Slice], head: Sequence[Slice], rate: float) -> Tail:
    """Of a round's slices, as loadgen versus writes them with --rate. A head that does not bear the rate has a value: that is
    a loss, and its requests are all there, later and later."""
    of_base, of_head = _pooled(base), _pooled(head)
    reason = _gap("base", base, of_base) or _gap("head", head, of_head) or _overload(base, rate)
    if reason is not None:
        return Tail({}, dict.fromkeys(PERCENTILES, reason))
    shares, refused = {}, {}
    for metric, percentile in PERCENTILES.items():
        if of_base.total() < requests_needed(metric):
            refused[metric] = (f"{of_base.total()} requests of base leave fewer than {BEYOND_MIN} beyond its "
                               f"p{percentile:g}: at least {requests_needed(metric)} are needed (more seconds or a higher rate)")
            continue
        at = percentile_of(of_base, percentile)
        shares[metric] = Share(at, _beyond(of_base, at), of_base.total(), _beyond(of_head, at), of_head.total())
    return Tail(shares, refused)


def _pooled(slices: Sequence[Slice]) -> Counter[int]:
    """How many of all requests took how long."""
    out = Counter[int]()
    for each in slices:
        out.update(dict(each["response_ns"]))
    return out


def percentile_of(histogram: Mapping[int, int], percentile: float) -> int:
    """The least value that so many of all are at or below."""
    rank = max(1, math.ceil(percentile / 100 * sum(histogram.values()) - 1e-6))
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= rank:
            return value
    raise ValueError("no percentile of no values")


def _beyond(histogram: Mapping[int, int], at: int) -> float:
    # Those at it lie on both sides of the percentile: one value stands for all that its bucket cannot tell apart.
    return sum(count for value, count in histogram.items() if value > at) + histogram.get(at, 0) / 2


def _gap(name: str, slices: Sequence[Slice], latencies: Counter[int]) -> str | None:
    """What keeps these requests from being all that were due."""
    due, sent, answered, errors = (sum(each[key] for each in slices) for key in ("due", "sent", "requests", "errors"))
    timed = latencies.total()
    if due == 0:
        return f"{name} was asked nothing"
    if errors != 0:
        return f"{name} had {errors} errors"
    if not due == sent == answered == timed:
        return f"of {due} requests that were due {name} was sent {sent} and answered {answered}, {timed} of them with a latency"
    return None


def _overload(base: Sequence[Slice], rate: float) -> str | None:
    # In most of its slices: what holds it up for a while is part of its tail, and of head's.
    achieved = statistics.median(each["requests"] / (each["wall_ns"] / 1e9) for each in base)
    if achieved >= ACHIEVED_MIN * rate:
        return None
    return (f"base bore {achieved:.0f} of {rate:g} requests per second: the rate is too high for it, for the generator or for a machine "
            "that is busy with something else")
