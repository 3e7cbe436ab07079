"""Who is compared: a row of variants.json, and with a pool the number of workers, which is an axis of the runner."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .tables import Variant

# Rows that differ from their reference in nothing but where the linker put their functions.
LAYOUT_AXIS = "link_order"
# The sizes of the pool of the system's allocator and one loop; every other pool has the one in which they are compared.
POOL_SIZES = (1, 2, 4, 8)
POOL_SIZE_OF_OTHERS = 4


@dataclasses.dataclass(frozen=True)
class Contender:
    """A program and how many workers each of its loops has; None: as many as the program takes by itself."""

    variant: Variant
    workers: int | None = None

    @property
    def name(self) -> str:
        return _named(self.variant.name, self.workers)

    @property
    def reference(self) -> str | None:
        """The contender that it is compared with: its row's reference, with as many workers if that has a pool, too."""
        if self.variant.reference is None or self.variant.changed_axis == "dispatch":
            return self.variant.reference
        return _named(self.variant.reference, self.workers)

    @property
    def flags(self) -> tuple[str, ...]:
        return () if self.workers is None else ("--thread-pool-count", str(self.workers))

    @property
    def is_layout_pair(self) -> bool:
        return self.variant.changed_axis == LAYOUT_AXIS

    @property
    def is_plain(self) -> bool:
        """In nothing but its dispatch different from the simplest server."""
        axes = self.variant.axes
        return axes["allocator"] == "system" and axes["loops"] == 1 and not self.is_layout_pair


def as_built(variants: Sequence[Variant]) -> list[Contender]:
    """Each row as its program is without a flag."""
    return [Contender(variant) for variant in variants]


def with_pool_sizes(variants: Sequence[Variant]) -> list[Contender]:
    """The servers, those with a pool by its size; the floor has no handlers."""
    contenders: list[Contender] = []
    for variant in variants:
        if variant.kind == "floor":
            continue
        if variant.axes["dispatch"] != "pool":
            contenders.append(Contender(variant))
            continue
        sizes = POOL_SIZES if Contender(variant).is_plain else (POOL_SIZE_OF_OTHERS,)
        contenders += [Contender(variant, size) for size in sizes]
    return contenders


def _named(variant: str, workers: int | None) -> str:
    return variant if workers is None else f"{variant}@{workers}"
