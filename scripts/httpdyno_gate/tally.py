"""How often something happened in so many trials, with an exact interval."""

from __future__ import annotations

import dataclasses

from .statistics import clopper_pearson


@dataclasses.dataclass(frozen=True)
class Tally:
    seen: int
    trials: int

    @property
    def share(self) -> float:
        return self.seen / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's, at 95 %."""
        return clopper_pearson(self.seen, self.trials)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.seen} of {self.trials:,} ({self.share:.2%}; 95 %: {low:.2%} … {high:.2%})"
