"""What idle connections cost in memory, as a record has it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from .estimates import Estimate, median_estimate


@dataclasses.dataclass(frozen=True)
class IdleRow:
    """What connections cost a server that were answered and are held open: octets each above the empty server. None
    where there is no figure: the server was not installed."""

    server: str
    version: str | None  # None: one of ours
    connections: int
    empty_bytes: Estimate | None
    each_bytes: Estimate | None
    each_anonymous_bytes: Estimate | None
    each_after_burst_bytes: Estimate | None
    closed_bytes: Estimate | None


def idle_rows(data: Mapping[str, Any]) -> tuple[IdleRow, ...]:
    """Our servers in the order of the table of variants, then the others. Of a record from before this was measured:
    none."""
    steps = data.get("idle", [])
    if not steps:
        return ()
    measured = {step["variant"] for step in steps}
    ours = {variant["name"]: None for variant in data["variants"] if variant["name"] in measured}
    others = {peer["name"]: peer["version"] for peer in data["peers"]}
    return tuple(
        _row(name, version, [step for step in steps if step["variant"] == name])
        for name, version in (ours | others).items()
    )


def _row(server: str, version: str | None, rounds: Sequence[Mapping[str, Any]]) -> IdleRow:
    if not rounds:
        return IdleRow(server, version, 0, None, None, None, None, None)

    def each(when: str, what: str) -> Estimate:
        return median_estimate([(step[when][what] - step["empty"][what]) / step["connections"] for step in rounds])

    def whole(when: str) -> Estimate:
        return median_estimate([float(step[when]["rss_bytes"]) for step in rounds])

    return IdleRow(
        server=server,
        version=version,
        connections=min(step["connections"] for step in rounds),
        empty_bytes=whole("empty"),
        each_bytes=each("idle", "rss_bytes"),
        each_anonymous_bytes=each("idle", "anonymous_bytes"),
        each_after_burst_bytes=each("after_burst", "rss_bytes"),
        closed_bytes=whole("closed"),
    )
