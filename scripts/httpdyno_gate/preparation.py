"""From two commits to two sides: built, linked again and again, and each program held to what it is said to be."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from random import Random

from httpdyno_bench.errors import UsageError
from httpdyno_bench.identity import Program, Revision, identified, refuse_impostor
from httpdyno_bench.tables import load_variants

from .builds import Tree, built, differing_flags
from .errors import InvalidRun
from .relinks import relinked
from .rows import Row
from .sides import BuiltSide
from .sources import Source


@dataclasses.dataclass(frozen=True)
class Workshop:
    """Where things are made. `definitions` are CMake's, for both trees; `links` is a folder that is gone after the run."""

    root: Path
    cache: Path
    links: Path
    definitions: Sequence[str]
    seed: int

    def tree(self, source: Source, rows: Sequence[Row]) -> Tree:
        return built(self.root, self.cache, source, sorted({row.variant for row in rows}), self.definitions)

    def side(self, name: str, tree: Tree, rows: Sequence[Row], link_count: int, flags: Sequence[str]) -> BuiltSide:
        """The sides' links are drawn apart also where both are of one tree. No links: the programs as the build made them."""
        variants = sorted({row.variant for row in rows})
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            made = {
                variant: list(pool.map(lambda number, variant=variant: self._link(name, tree, variant, number), range(link_count)))
                for variant in variants
            }
        programs = {
            variant: [identified(path) for path in (made[variant] or [tree.program(variant)])] for variant in variants
        }
        for variant, links in programs.items():
            _refuse_impostors(name, tree, variant, links)
        return BuiltSide(name, programs, tuple(flags))

    def _link(self, side: str, tree: Tree, variant: str, number: int) -> Path:
        seed = Random(f"{self.seed}/{side}/{variant}/{number}").randrange(1, 2**31)
        # Names of one length: a path is part of a process's stack.
        return relinked(tree, variant, seed, self.links / f"{side}-{number:03}")


def refuse_unequal_flags(base: Tree, head: Tree) -> None:
    differing = differing_flags(base, head)
    if differing:
        raise InvalidRun(f"base and head compile {len(differing)} files by other commands, such as {differing[0]}: give --allow flags "
                         "if that is what is compared")


def _refuse_impostors(side: str, tree: Tree, variant: str, links: Sequence[Program]) -> None:
    rows = {row.name: row for row in load_variants(tree.sources / "variants" / "variants.json")}
    for program in links:
        try:
            refuse_impostor(program, rows[variant], Revision(tree.source.commit, False))
        except UsageError as error:
            raise InvalidRun(f"{side}: {error}") from error
        if program.identity.get("dirty"):
            raise InvalidRun(f"{side}: {variant} was built from files that are not those of {tree.source.short}")
    if len({program.sha256 for program in links}) != len(links):
        raise InvalidRun(f"{side}: two links of {variant} are one and the same: their order was not shuffled")
