"""The head against a build that stays the same over years: losses that are each too small to be called show in their sum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .looks import FALSE_ALARMS
from .rounds import Ring
from .rows import Row
from .sides import Side
from .statistics import hodges_lehmann, signed_rank_bounds

# As few as give an interval at the gate's error rate: it is a plot's point, no verdict.
ROUNDS = 8


def against(reference: Side, head: Side, rows: Sequence[Row], ring: Ring) -> list[dict[str, Any]]:
    """By row and metric the ratio of head over reference, more is worse."""
    rounds = [ring.fight(reference, head, row, number) for number in range(ROUNDS) for row in rows]
    found = []
    for row in rows:
        for metric in row.metrics:
            values = [each.values[metric] for each in rounds if each.row is row]
            low, high = signed_rank_bounds(values, FALSE_ALARMS / 2, FALSE_ALARMS / 2)
            found.append({"row": row.name, "metric": metric, "rounds": len(values), "ratio": math.exp(hodges_lehmann(values)),
                          "low": math.exp(low), "high": math.exp(high)})
    return found
