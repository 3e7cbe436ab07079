"""Bodies that are produced as the client takes them: to the octet, in order, and never far ahead of the client."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from processes import Server, until
from programs import sanitized
from wire import EOF, Client, parse_all, request

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def streamed(size: int) -> bytes:
    return (ALPHABET * (size // 26 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 15, 16, 4095, 32_768, 32_769, 1_000_003])
def test_every_size_arrives_whole_and_the_connection_goes_on(serve: Callable[..., Server], either: str, size: int) -> None:
    client = serve(either).connect()
    response = client.get(f"/stream/{size}")
    assert (response.status, response.field("Transfer-Encoding"), response.body) == (200, "chunked", streamed(size))
    assert client.get("/plaintext").body == b"Hello, World!"


def test_a_body_of_many_megabytes(serve: Callable[..., Server], either: str) -> None:
    """T5: short writes go on at the right octet; what the server holds of it stays small."""
    size = 64 << 20
    server = serve(either)
    before = server.peak_rss()
    client = Client(server.port, receive_buffer=65_536)
    with client:
        client.send(request(f"/stream/{size}", version="1.0"))
        head, _, rest = client.read_exactly(4096).partition(b"\r\n\r\n")
        assert b"Connection: close" in head and b"Transfer-Encoding" not in head
        body = rest + client.read_to_end()
    assert client.ended == EOF
    assert len(body) == size and body == streamed(size)
    assert sanitized() or server.peak_rss() - before < 4 << 20


def test_streams_and_other_answers_stay_in_order(serve: Callable[..., Server], either: str) -> None:
    """T10: depth 64, streamed and fixed bodies mixed, each with a size of its own."""
    client = serve(either).connect()
    targets = [f"/stream/{7000 + i}" if i % 3 else f"/bytes/{7000 + i}" for i in range(64)]
    client.send(b"".join(request(target) for target in targets))
    for i, target in enumerate(targets):
        size = 7000 + i
        assert client.read().body == (streamed(size) if "stream" in target else b"x" * size), target


def test_head_of_a_stream(serve: Callable[..., Server], either: str) -> None:
    client = serve(either).connect()
    response = client.ask(request("/stream/100000", method="HEAD"), "HEAD")
    assert (response.field("Transfer-Encoding"), response.body) == ("chunked", b"")
    assert client.get("/plaintext").status == 200


def test_a_client_that_does_not_read_is_evicted_and_costs_little(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--timeout-write-ms", "300")
    before = server.peak_rss()
    clients = [Client(server.port, receive_buffer=4096) for _ in range(20)]
    for client in clients:
        client.send(request(f"/stream/{1 << 30}"))
    until(lambda: server.stats()["timeouts_write"] == len(clients), "the evictions")
    assert sanitized() or server.peak_rss() - before < len(clients) * 256 << 10
    for client in clients:
        client.close()


def test_an_endless_body_leaves_the_others_their_turn(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    greedy, other = server.connect(), server.connect()
    greedy.send(request(f"/stream/{8 << 30}"))
    taken = 0
    for _ in range(50):
        taken += len(greedy.receive())
        assert other.get("/plaintext").status == 200
    assert taken > 0


def test_stop_lets_a_stream_come_to_its_end(serve: Callable[..., Server], either: str) -> None:
    """T25: what is in flight is finished."""
    server = serve(either, "--timeout-drain-ms", "60000")
    size = 16 << 20
    with Client(server.port) as client:
        client.send(request(f"/stream/{size}"))
        first = client.read_exactly(1000)
        server.send_signal(signal.SIGTERM)
        client.buffer = first + client.buffer
        assert client.read().body == streamed(size)
        client.expect_end()
    code, counters = server.wait()
    assert (code, counters["streams_cut"], counters["active"]) == (0, 0, 0)


def test_stop_cuts_a_stream_at_the_drain_deadline(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--timeout-drain-ms", "200")
    client = server.connect()
    client.send(request(f"/stream/{8 << 30}"))
    client.read_exactly(1000)
    begin = time.monotonic()
    server.send_signal(signal.SIGTERM)
    assert server.wait()[0] == 0
    assert time.monotonic() - begin >= 0.2
    # Whatever the client has got of it, the last chunk is not there.
    assert not client.read_to_end().endswith(b"\r\n0\r\n\r\n")
