"""Percentile distributions as HdrHistogram prints them (.hgrm). loadgen writes values in milliseconds."""

from __future__ import annotations

import bisect
import dataclasses
from pathlib import Path

MS = 1e6


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Rows of a distribution, in rising order: up to which value lies which share of all."""

    values_ns: tuple[float, ...]
    shares: tuple[float, ...]
    count: int

    def value_ns(self, share: float) -> float:
        """The least listed value that at least this share of the requests does not exceed."""
        return self.values_ns[min(bisect.bisect_left(self.shares, share), len(self.values_ns) - 1)]


def read_hgrm(path: Path) -> Distribution:
    values: list[float] = []
    shares: list[float] = []
    count = 0
    for line in path.read_text(encoding="ascii").splitlines():
        fields = line.split()
        # Header and footer begin with words; the last row has no fourth column.
        if len(fields) < 3 or line.startswith("#") or not fields[0][0].isdigit():
            continue
        values.append(float(fields[0]) * MS)
        shares.append(float(fields[1]))
        count = int(fields[2])
    if not values or values != sorted(values) or shares != sorted(shares):
        raise ValueError(f"{path.name} is no percentile distribution")
    return Distribution(tuple(values), tuple(shares), count)
