"""Who is compared: a row of variants.json, and with a pool the number of workers and how long they look for a request
before they sleep, which are axes of the runner."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .tables import Variant

# Rows that differ from their reference in nothing but where the linker put their functions.
LAYOUT_AXIS = "link_order"
# The sizes of the pool of the system's allocator and one loop; every other pool has the one in which they are compared.
POOL_SIZES = (1, 2, 4, 8)
POOL_SIZE_OF_OTHERS = 4
# Of workers that spin, and how many of them: more would take each other's core.
SPIN_US = 50
POOL_SIZE_OF_SPINNING = 1


@dataclasses.dataclass(frozen=True)
class Contender:
    """A program, how many workers each of its loops has and how long they spin; None: as the program is by itself."""

    variant: Variant
    workers: int | None = None
    spin_us: int | None = None

    @property
    def name(self) -> str:
        name = _named(self.variant.name, self.workers)
        return name if self.spin_us is None else f"{name}-spin{self.spin_us}"

    @property
    def reference(self) -> str | None:
        """The contender that it is compared with: its row's reference, with as many workers if that has a pool, too;
        where workers spin, the same without."""
        if self.spin_us is not None:
            return _named(self.variant.name, self.workers)
        if self.variant.reference is None or self.variant.changed_axis == "dispatch":
            return self.variant.reference
        return _named(self.variant.reference, self.workers)

    @property
    def changed_axis(self) -> str | None:
        return self.variant.changed_axis if self.spin_us is None else "spin"

    @property
    def question(self) -> str:
        if self.spin_us is None:
            return self.variant.question
        return "What does a worker gain that looks for another request before it sleeps?"

    @property
    def flags(self) -> tuple[str, ...]:
        workers = () if self.workers is None else ("--thread-pool-count", str(self.workers))
        return workers if self.spin_us is None else (*workers, "--thread-pool-spin-us", str(self.spin_us))

    @property
    def is_layout_pair(self) -> bool:
        return self.changed_axis == LAYOUT_AXIS

    @property
    def is_plain(self) -> bool:
        """In nothing but its dispatch different from the simplest server."""
        axes = self.variant.axes
        usual = self.spin_us is None and not self.is_layout_pair
        return usual and axes["allocator"] == "system" and axes["loops"] == 1


def as_built(variants: Sequence[Variant]) -> list[Contender]:
    """Each row as its program is without a flag."""
    return [Contender(variant) for variant in variants]


def with_pool_sizes(variants: Sequence[Variant], spinning: bool = False) -> list[Contender]:
    """The servers, those with a pool by its size; the floor has no handlers. `spinning`: and one whose workers spin."""
    contenders: list[Contender] = []
    for variant in variants:
        if variant.kind == "floor":
            continue
        if variant.axes["dispatch"] != "pool":
            contenders.append(Contender(variant))
            continue
        sizes = POOL_SIZES if Contender(variant).is_plain else (POOL_SIZE_OF_OTHERS,)
        contenders += [Contender(variant, size) for size in sizes]
        if spinning and Contender(variant).is_plain:
            contenders.append(Contender(variant, POOL_SIZE_OF_SPINNING, SPIN_US))
    return contenders


def _named(variant: str, workers: int | None) -> str:
    return variant if workers is None else f"{variant}@{workers}"
