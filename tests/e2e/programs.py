"""Which programs there are, where they are, and what they say of themselves.

HTTPDYNO_BIN names the folder of the programs; without it, it is the release build's. A build with sanitizers has only
the rows that are built(), and its times and sizes are not those of a server: tests ask sanitized() before they judge either.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN_DIR = Path(os.environ.get("HTTPDYNO_BIN") or ROOT / "build" / "release" / "bin")

VARIANTS: list[dict[str, Any]] = json.loads((ROOT / "variants" / "variants.json").read_text("utf-8"))["variants"]
FLOORS = [variant["name"] for variant in VARIANTS if variant["kind"] == "floor"]
# The tests run in whole on the rows that make bench measures, but for another order of linking. The others are of the same
# objects, with another library behind malloc or another default: test_variants.py asks the least of them, for what would
# be lost by linking.
SERVERS = [
    v["name"] for v in VARIANTS
    if v["kind"] == "server" and "base" in v["suites"] and v["axes"]["link_order"] == "listed"
]
FURTHER = [v["name"] for v in VARIANTS if v["kind"] == "server" and v["name"] not in SERVERS]
ROWS = FLOORS + SERVERS + FURTHER


def axes(row: str) -> dict[str, Any]:
    return next(variant["axes"] for variant in VARIANTS if variant["name"] == row)


def pooled(row: str) -> bool:
    return bool(axes(row)["dispatch"] == "pool")


# One row of each dispatch: for behaviour that neither the allocator nor the link order can change.
INLINE = next(row for row in SERVERS if not pooled(row) and axes(row)["allocator"] == "system")
POOL = next(row for row in SERVERS if pooled(row) and axes(row)["allocator"] == "system")


@functools.cache
def identity(row: str) -> dict[str, Any]:
    answer = subprocess.run(
        [BIN_DIR / row, "--identity"], capture_output=True, text=True, check=True, timeout=30, stdin=subprocess.DEVNULL
    )
    return dict(json.loads(answer.stdout))


@functools.cache
def sanitizers() -> str:
    """"" for a build without, else as -fsanitize= has them."""
    return str(identity(INLINE)["sanitizers"])


def sanitized() -> bool:
    return sanitizers() != ""


def built(row: str) -> bool:
    """The sanitizers bring their own allocator, and other defaults or another order of linking are the same code to them."""
    of = axes(row)
    return not sanitized() or (of["allocator"] == "system" and of["loops"] == 1 and of["link_order"] == "listed")


def program(row: str) -> Path:
    """The program of a row. Only a build with sanitizers may lack one: see built()."""
    path = BIN_DIR / row
    if path.exists():
        return path
    if not (BIN_DIR / INLINE).exists():
        pytest.fail(f"there are no programs in {BIN_DIR}: build them, or name their folder in HTTPDYNO_BIN")
    if not built(row):
        pytest.skip(f"{row} is not built with sanitizers ({sanitizers()})")
    pytest.fail(f"{row} is a row of variants.json, but there is no such program in {BIN_DIR}")


def patience() -> float:
    """Seconds after which something that should have happened will not. Only a failing test waits for so long."""
    return 60.0 if sanitized() else 20.0


def rounds(short: int, long: int) -> int:
    """How often a test tries what goes wrong rarely: HTTPDYNO_LONG=1 asks for the long run."""
    return long if os.environ.get("HTTPDYNO_LONG") else short


def counter_help() -> dict[str, str]:
    """The rows of server/counters.def: what each counts."""
    table = (ROOT / "server" / "counters.def").read_text("utf-8")
    return dict(re.findall(r'^COUNTER\((\w+), +"([^"]+)"\)$', table, re.MULTILINE))


def counter_names() -> list[str]:
    """The same, by name, and what the JSON adds to them."""
    return [*counter_help(), "active"]
