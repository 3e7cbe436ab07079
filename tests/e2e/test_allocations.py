"""How often a server calls its allocator, counted in the running program: not at all, where the handler does not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from processes import Server
from programs import BIN_DIR, FURTHER, INLINE, ROOT, SERVERS, sanitized
from wire import pattern, post, request

sys.path.insert(0, str(ROOT / "scripts"))

from httpdyno_bench.allocations import environment, read_counts  # noqa: E402

pytestmark = pytest.mark.skipif(sanitized(), reason="the sanitizers bring their own allocator")
LIBRARY = BIN_DIR.parent / "lib" / "libcount_allocations.so"


@pytest.fixture
def counted(serve: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, float]]:
    """counted(row, octets): calls of the allocator for each of two hundred such requests, on four connections that
    have served others before; `depth` of them at a time are sent in one piece."""

    def run(row: str, octets: bytes, depth: int = 1) -> dict[str, float]:
        file = tmp_path / "counts"
        with monkeypatch.context() as patch:
            for name, value in environment(LIBRARY, file).items():
                patch.setenv(name, value)
            server = serve(row)
        clients = [server.connect() for _ in range(4)]

        def round_trips(count: int) -> dict[str, int]:
            for _ in range(count):
                for client in clients:
                    client.send(octets * depth)
                    assert all(client.read().status == 200 for _ in range(depth))
            return read_counts(file)

        before = round_trips(20)
        after = round_trips(50)
        return {name: (after[name] - before[name]) / (200 * depth) for name in after}

    return run


@pytest.mark.parametrize("row", SERVERS + FURTHER)
def test_nothing_is_allocated_on_the_way(counted: Callable[..., dict[str, float]], row: str) -> None:
    """Neither by the loop nor by the hand-off to a worker, once a connection has served a few requests."""
    for octets in (request("/plaintext"), post("/echo", pattern(4096))):
        assert set(counted(row, octets).values()) == {0.0}


@pytest.mark.parametrize("row", SERVERS + FURTHER)
def test_nothing_is_allocated_for_pipelined_answers(counted: Callable[..., dict[str, float]], row: str) -> None:
    """In a pool they are held back for each other: who is held back took a block of memory each 32 times."""
    # How much is held back at a time is the scheduler's, so that a buffer may still grow (realloc).
    assert counted(row, request("/plaintext"), depth=16)["malloc"] * 200 * 16 <= 2


def test_what_a_handler_allocates_is_counted(counted: Callable[..., dict[str, float]]) -> None:
    """The same whichever thread runs it, and whichever allocator serves it."""
    assert counted(INLINE, request("/bytes/100000"))["malloc"] == 1.0
    of_json = {row: counted(row, request("/json"))["malloc"] for row in SERVERS + FURTHER}
    assert of_json[INLINE] > 10 and set(of_json.values()) == {of_json[INLINE]}
