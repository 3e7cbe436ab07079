"""The least of every program that the other tests leave out: it serves, it stops, and its pool and loops are there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from processes import Server, has_own_threads, tcp_listeners
from programs import FURTHER, axes, pooled
from wire import answer, pattern, post, request

OCTETS = "application/octet-stream"


@pytest.mark.parametrize("row", FURTHER)
def test_keep_alive(serve: Callable[..., Server], row: str) -> None:
    """Blocks of all sizes go to and fro, on connections of every loop; the sums are right."""
    server = serve(row)
    clients = [server.connect() for _ in range(8)]
    for size in (0, 100, 5_000, 300_000):
        body = pattern(size)
        for client in clients:
            client.send(post("/echo", body) + request("/plaintext"))
        for client in clients:
            assert client.read().masked == answer(body, content_type=OCTETS)
            assert client.read().body == b"Hello, World!"
    counters = server.stop()
    assert (counters["requests"], counters["accepted"], counters["active"]) == (64, 8, 0)


@pytest.mark.parametrize("row", FURTHER)
def test_loops_and_workers(serve: Callable[..., Server], row: str) -> None:
    """As many as the row says, without a flag; the size of the pool is a flag's."""
    loops, workers = int(axes(row)["loops"]), 3 if pooled(row) else 0
    server = serve(row, *(("--thread-pool-count", str(workers)) if pooled(row) else ()))
    assert len(tcp_listeners(server.pid)) == loops
    if not has_own_threads():
        assert len(server.threads()) == loops * (1 + workers)


@pytest.mark.parametrize("row", [row for row in FURTHER if pooled(row)])
def test_handlers_wait_on_workers(serve: Callable[..., Server], row: str) -> None:
    """Two at a time on the two workers of one loop, and what follows on their connections is answered behind them."""
    server = serve(row, "--loops", "1", "--thread-pool-count", "2")
    clients = [server.connect() for _ in range(2)]
    for client in clients:
        client.send(request("/sleep/400") + request("/json"))
    server.wait_for_sleepers(2)
    for client in clients:
        assert client.read().body == b"slept\n"
        assert client.read().status == 200
