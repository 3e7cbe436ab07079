"""Crowds of clients that are slow on purpose: all of them are evicted, on time, and nobody else has to wait for it."""

from __future__ import annotations

import select
import time
from collections.abc import Callable

import pytest

from processes import Server, until
from programs import patience, sanitized
from wire import EOF, Client, elapsed_since, parse_all, request

T_MS = 800
T = T_MS / 1000
# Under a sanitizer each connection costs several times as much.
CROWD = 2000 if not sanitized() else 300

BEGINNINGS = {
    "head": (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y"),
    "body": (b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"y"),
    "chunks": (b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
}


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_dripping_clients_are_all_evicted(serve: Callable[..., Server], either: str, kind: str) -> None:
    """Each goes on dripping until it is answered, so a deadline that progress extends would never come."""
    server = serve(either, "--timeout-request-ms", str(T_MS), "--timeout-keepalive-ms", "60000")
    beginning, drop = BEGINNINGS[kind]
    healthy = server.connect()
    poll = select.poll()
    dripping: dict[int, tuple[Client, float]] = {}
    for _ in range(CROWD):
        client = server.connect()
        start = time.monotonic()
        client.send(beginning)
        dripping[client.socket.fileno()] = (client, start)
        poll.register(client.socket, select.POLLIN)
    end = time.monotonic() + patience()
    evicted = 0
    while dripping:
        for descriptor, _ in poll.poll(50):
            client, start = dripping.pop(descriptor)
            poll.unregister(descriptor)
            took = elapsed_since(start)
            assert took >= T, f"after {took:.3f} s, too early"
            (response,) = parse_all(client.read_to_end())
            assert (response.status, response.closes, client.ended) == (408, True, EOF)
            client.close()
            evicted += 1
        for client, _ in dripping.values():
            client.send(drop)
        assert healthy.get("/plaintext").body == b"Hello, World!"
        assert time.monotonic() < end, f"{len(dripping)} clients still drip"
    assert evicted == CROWD
    counters = server.stats()
    assert counters["timeouts_request"] == CROWD and counters["timeouts_keepalive"] == 0
    until(lambda: server.stats()["active"] == 2, "only the healthy client, and the one that asks")


def test_stalled_readers_cost_no_cpu_and_are_all_evicted(serve: Callable[..., Server], either: str) -> None:
    """Each asks for more than the kernel takes for it, and reads nothing."""
    count = 50
    limit = 2.5
    server = serve(either, "--timeout-write-ms", "2500", "--thread-pool-backlog", "100000")

    def attempt() -> bool:
        before = server.stats()
        start = time.monotonic()
        stalled = [server.connect(receive_buffer=4096) for _ in range(count)]
        for client in stalled:
            client.send(request("/bytes/100000") * 40)
        until(lambda: at_rest(server), "the moment when the kernel takes no more")
        with server.not_spinning():
            time.sleep(limit / 4)
        undisturbed = elapsed_since(start) < limit
        until(lambda: server.stats()["timeouts_write"] - before["timeouts_write"] == count, "all of them cut")
        assert elapsed_since(start) >= limit
        for client in stalled:
            client.close()
        # Otherwise some were cut while nothing should have happened.
        return undisturbed

    assert any(attempt() for _ in range(3)), "the machine was never quick enough"
    assert server.stats()["timeouts_keepalive"] == server.stats()["timeouts_request"] == 0


@pytest.mark.parametrize("flags, low, high", [
    ((), 16_384, 300_000),
    (("--kernel-unsent-bytes-max", "16384"), 16_384, 150_000),
    (("--kernel-unsent-bytes-max", "0"), 1_000_000, 1 << 30),
], ids=["default", "little", "unbounded"])
def test_the_kernel_takes_what_it_may(
    serve: Callable[..., Server], either: str, flags: tuple[str, ...], low: int, high: int
) -> None:
    """Of answers that nobody reads: over loopback, whose segments are large, megabytes without a bound."""
    server = serve(either, *flags)
    client = server.connect(receive_buffer=4096)
    client.send(request("/bytes/6000000"))
    assert client.readable(patience())
    until(lambda: server.stats()["bytes_sent"] >= low and at_rest(server), "the moment when the kernel takes no more")
    assert server.stats()["bytes_sent"] < high
    response = client.read()
    assert response.body == b"x" * 6_000_000


def at_rest(server: Server) -> bool:
    """Whether for a moment nothing is sent but two answers of /stats."""
    before = server.stats()["bytes_sent"]
    time.sleep(0.05)
    return server.stats()["bytes_sent"] - before < 2000
