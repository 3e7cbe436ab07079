"""Each program is the build that its row says: found out, not repeated."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable

import pytest

from processes import Server
from programs import BIN_DIR, FURTHER, INLINE, ROWS, SERVERS, VARIANTS, axes, built, identity, program, sanitized

# Of the allocators that are not the C library's: what the names of their files begin with.
LIBRARIES = {"mimalloc": "libmimalloc", "jemalloc": "libjemalloc", "tcmalloc": "libtcmalloc"}


@pytest.mark.parametrize("row", ROWS)
def test_identity_is_the_row(row: str) -> None:
    program(row)
    who = identity(row)
    assert who["row"] == row
    assert who["axes"] == axes(row)
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", who["revision"])
    assert isinstance(who["dirty"], bool)
    for key in ("compiler", "build_type", "kernel"):
        assert who[key]
    assert "flags" in who and "sanitizers" in who


@pytest.mark.parametrize("row", ROWS)
def test_allocator_is_proven(row: str) -> None:
    program(row)
    who = identity(row)
    if sanitized():
        assert who["allocator"] not in LIBRARIES and who["allocator_proof"]
    else:
        assert who["allocator"] == axes(row)["allocator"]
        assert LIBRARIES.get(who["allocator"], "libc.so") in who["allocator_proof"]


@pytest.mark.parametrize("allocator", LIBRARIES)
def test_the_malloc_that_runs_is_asked(allocator: str) -> None:
    """Not what the program was linked with: another allocator in front of it is the one that is named."""
    if sanitized():
        pytest.skip("the sanitizers bring their own allocator")
    row = next(variant["name"] for variant in VARIANTS if variant["axes"]["allocator"] == allocator)
    libraries = subprocess.run(["ldd", program(row)], capture_output=True, text=True, check=True, timeout=30).stdout
    (library,) = re.findall(rf"=> (\S*{LIBRARIES[allocator]}\S*)", libraries)
    for impostor in (INLINE, *(variant["name"] for variant in VARIANTS if variant["axes"]["allocator"] in LIBRARIES)):
        result = subprocess.run([program(impostor), "--identity"], capture_output=True, text=True, check=True, timeout=30,
                                env={**os.environ, "LD_PRELOAD": library})
        assert json.loads(result.stdout)["allocator"] == allocator


@pytest.mark.parametrize("row", SERVERS + FURTHER)
def test_allocator_is_in_the_process(serve: Callable[..., Server], row: str) -> None:
    """What is mapped while it serves agrees with what it says."""
    server = serve(row)
    server.get("/json")
    with open(f"/proc/{server.pid}/maps", encoding="utf-8") as maps:
        mapped = maps.read()
    loaded = [allocator for allocator, library in LIBRARIES.items() if library in mapped]
    assert loaded == [allocator for allocator in LIBRARIES if allocator == axes(row)["allocator"]]


def test_identity_is_one_line() -> None:
    result = subprocess.run([BIN_DIR / SERVERS[0], "--identity"], capture_output=True, text=True, check=True, timeout=30)
    assert result.stdout.count("\n") == 1 and result.stderr == ""


def test_link_order_differs_and_nothing_else() -> None:
    """The A/A row is the same code in another order: another file, of the same size."""
    aa = next(variant for variant in VARIANTS if variant["changed_axis"] == "link_order")
    a, b = program(aa["name"]).read_bytes(), program(aa["reference"]).read_bytes()
    assert a != b
    assert abs(len(a) - len(b)) < 0.02 * len(a)


def test_every_pool_row_is_compared_with_an_inline_row() -> None:
    """So that a report has inline and pool of one host and one run side by side."""
    rows = {variant["name"]: variant for variant in VARIANTS}
    pools = [variant for variant in VARIANTS if variant["axes"]["dispatch"] == "pool"]
    assert pools
    for variant in pools:
        chain = variant
        while chain["axes"]["dispatch"] == "pool":
            chain = rows[chain["reference"]]
        assert chain["axes"]["dispatch"] == "inline"


def test_table_and_programs_agree() -> None:
    """No row without a program, but for the sanitizers."""
    for variant in VARIANTS:
        if built(variant["name"]):
            assert program(variant["name"]).exists()
