"""How often a program has called its allocator: read from outside, while it runs (bench/count/allocations.cc)."""

from __future__ import annotations

import struct
from pathlib import Path

# The file begins with the names of the counts, behind which are zeros up to the counts themselves.
_NAMES_BYTES = 64
# The calls that take memory; free gives it back. How many octets they took is counted beside them.
TAKING = ("malloc", "calloc", "realloc", "aligned_alloc")
BYTES = "bytes"


def environment(library: Path, file: Path) -> dict[str, str]:
    """What a program is started with, so that its calls are counted in the file."""
    return {"LD_PRELOAD": str(library), "HTTPDYNO_ALLOCATIONS": str(file)}


def read_counts(file: Path) -> dict[str, int]:
    """Since the program began: the calls by function, and the octets that were taken."""
    page = file.read_bytes()
    names = page[:_NAMES_BYTES].rstrip(b"\0").decode("ascii").split()
    return dict(zip(names, struct.unpack_from(f"={len(names)}Q", page, _NAMES_BYTES), strict=True))
