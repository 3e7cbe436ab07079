"""The course of a gate once both sides are there: layer by layer, to one verdict."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from httpdyno_bench.errors import RunError

from . import golden
from .errors import InvalidRun
from .fitness import Watch, canary_faults
from .judge import CellResult, Samples, decide
from .limits import Cell, Limits
from .looks import Look
from .outcome import CountResult, Verdict, conclude
from .progress import Progress
from .reference import against
from .rounds import Ring
from .rows import Row
from .sides import Side
from .slices import SliceFile

_CANARY_ROUNDS = 5
_CANARY_SECONDS = 0.8


@dataclasses.dataclass
class Gate:
    """What is judged, of whom, by which rounds. `unfit`: what speaks against this machine so far. `notes` go into the verdict."""

    base: Side
    head: Side
    reference: Side | None
    rows: Sequence[Row]
    looks: Sequence[Look]
    ring: Ring
    watch: Watch
    progress: Progress
    slices: SliceFile
    unfit: list[str]
    notes: dict[str, Any]

    @property
    def planned(self) -> dict[Cell, Limits]:
        return {cell: limits for row in self.rows for cell, limits in row.cells.items()}

    def verdict(
        self, compare_answers: bool, count: Callable[[], Sequence[CountResult]], provenance: Callable[[], Mapping[str, Any]]
    ) -> Verdict:
        counts: Sequence[CountResult] = ()
        results: Sequence[CellResult] = ()
        invalid: list[str] = []
        try:
            if compare_answers:
                self.progress.step("the golden requests")
                self._refuse_other_answers()
            self.progress.step("exact counts")
            counts = count()
            if not self.unfit:
                self.progress.step("one program against itself")
                self.unfit += self._canary()
            if not self.unfit:
                results = self._rounds()
                self.unfit += self.watch.faults()
            if results and self.reference is not None:
                self.progress.step("the head against the reference")
                self.notes["against_reference"] = against(self.reference, self.head, self.rows, self.ring)
        except (RunError, InvalidRun) as error:
            invalid.append(str(error))
        return conclude(results, counts, provenance(), self.unfit, invalid)

    def _refuse_other_answers(self) -> None:
        faults = golden.differing_answers(self.base, self.head, self.rows, self.ring.cores.server)
        if faults:
            more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
            raise InvalidRun(f"the servers do not answer alike: {faults[0]}{more}: give --allow answers if that is what the change "
                             "is for")

    def _canary(self) -> list[str]:
        row = next((row for row in self.rows if "cpu" in row.metrics), self.rows[0])
        # Only its CPU time is looked at, and a short round has no tail.
        short = dataclasses.replace(row, round_seconds=_CANARY_SECONDS, metrics={})
        ring = dataclasses.replace(self.ring, scale=1.0)
        twin = dataclasses.replace(self.base, name="twin")
        values = [ring.fight(self.base, twin, short, number).loss_of_cpu for number in range(_CANARY_ROUNDS)]
        matters = min((each.metrics["cpu"].matters for each in self.rows if "cpu" in each.metrics), default=math.inf)
        return canary_faults(values, matters)

    def _rounds(self) -> list[CellResult]:
        samples: dict[Cell, list[float]] = {cell: [] for cell in self.planned}
        rounds = 0
        self.progress.begin_rounds()

        def until(count: int) -> Samples:
            nonlocal rounds
            while rounds < count:
                # In turn: what drifts within minutes reaches all rows alike.
                for row in self.rows:
                    self.progress.round(rounds, row.name)
                    one = self.ring.fight(self.base, self.head, row, rounds, self.watch)
                    self.slices.add(one)
                    for metric, value in one.values.items():
                        samples[Cell(row.name, metric)].append(value)
                rounds += 1
            return samples

        return decide(until, self.planned, self.looks)
