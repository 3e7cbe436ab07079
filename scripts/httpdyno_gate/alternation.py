"""One run of `loadgen versus`: two servers driven in turn, slice by slice, and what it wrote held to what was asked for."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from httpdyno_bench.errors import RunError
from httpdyno_bench.generators import last_words
from httpdyno_bench.processes import Finished, describe_exit, run_to_end

from .rows import Row
from .sides import Running

# Pairs of slices before those that count, in which caches and branch predictors get used to both servers.
SETTLE_PAIRS = 1
# loadgen's names of the sides.
BASE, HEAD = "a", "b"
Slice = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Alternation:
    """The slices in the order in which they were driven, the requests of each side in all, and what the generator used."""

    slices: Sequence[Slice]
    requests: Mapping[str, int]
    finished: Finished

    def pairs(self) -> list[dict[str, Slice]]:
        """By side."""
        return [{one["side"]: one, other["side"]: other} for one, other in zip(self.slices[::2], self.slices[1::2])]


def alternate(loadgen: Path, base: Running, head: Running, row: Row, core: int, pairs: int, seed: int, ndjson: Path) -> Alternation:
    command = [
        str(loadgen), "versus", base.url + row.target, head.url + row.target,
        "--pid-a", ",".join(map(str, base.pids)), "--pid-b", ",".join(map(str, head.pids)),
        "--connections", str(row.connections), "--pipeline", str(row.pipeline), "--slice-ms", f"{row.slice_ms:g}",
        "--pairs", str(pairs), "--settle-pairs", str(SETTLE_PAIRS), "--seed", str(seed), "--ndjson", str(ndjson),
    ]
    if row.rate:
        command += ["--rate", str(row.rate)]
    finished = run_to_end(command, core, 2 * (pairs + SETTLE_PAIRS) * row.slice_ms / 1000)
    if finished.code != 0:
        raise RunError(f"loadgen versus failed ({describe_exit(finished.code)}){last_words(finished)}")
    *slices, totals = _lines(ndjson)
    faults = faults_of(slices, totals, pairs)
    if faults:
        raise RunError(f"loadgen versus wrote what cannot be: {faults[0]}")
    return Alternation(slices, {BASE: int(totals["requests_a"]), HEAD: int(totals["requests_b"])}, finished)


def faults_of(slices: Sequence[Slice], totals: Mapping[str, Any], pairs: int) -> list[str]:
    """Why these are not the slices of so many pairs."""
    if len(slices) != 2 * pairs:
        return [f"{len(slices)} slices, where {2 * pairs} were asked for"]
    faults = []
    for number in range(pairs):
        both = slices[2 * number: 2 * number + 2]
        if {one.get("side") for one in both} != {BASE, HEAD} or any(one.get("pair") != number for one in both):
            faults.append(f"pair {number} has not one slice of each side")
        for one in both:
            for key in ("requests", "cpu_ns", "wall_ns"):
                value = one.get(key)
                if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
                    faults.append(f"pair {number}: {key} {value!r}")
            if one.get("errors") != 0:
                faults.append(f"pair {number}: {one.get('errors')!r} errors")
    for key in ("requests_a", "requests_b"):
        if not isinstance(totals.get(key), int):
            faults.append(f"no {key} in the closing line")
    if totals.get("errors") != 0 or totals.get("interrupted") is not False:
        faults.append("errors, or an interruption, in the closing line")
    return faults


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise RunError(f"loadgen versus wrote no readable lines: {error}") from error
    if not lines or not all(isinstance(line, dict) for line in lines):
        raise RunError("loadgen versus wrote no lines")
    return lines
