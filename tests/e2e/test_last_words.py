"""The last answer of a connection reaches its client, whatever the client is sending at that moment: the answer whole,
then FIN, never RST; and memory stays what it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from processes import Server, until
from programs import patience, sanitized
from wire import EOF, Client, parse_all, pattern, post, request

MB = 1_000_000


def upload_in_background(client: Client, octets: bytes, size: int) -> threading.Thread:
    """Sends so much of the octets, over and over, as a client does that reads only when it has sent all."""

    def send() -> None:
        left = size
        try:
            while left > 0:
                client.socket.sendall(octets[: min(left, len(octets))])
                left -= len(octets)
        except OSError as error:
            failures.append(error)

    failures: list[OSError] = []
    thread = threading.Thread(target=send)
    thread.failures = failures  # type: ignore[attr-defined]
    thread.start()
    return thread


JUNK = pattern(MB)
CASES = [
    ("400", 400, b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: y\r\n\r\n"),
    ("400-length", 400, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n"),
    ("413", 413, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n"),
    ("413-chunked", 413, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2faf080\r\n"),
    ("414", 414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("417", 417, b"POST / HTTP/1.1\r\nHost: x\r\nExpect: cake\r\nContent-Length: 50000000\r\n\r\n"),
    ("431", 431, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
    ("501", 501, b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("505", 505, b"GET / HTTP/3.0\r\nHost: x\r\n\r\n"),
    ("200-close", 200, b"GET /bytes/300000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ("404-close", 404, b"GET /no HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ("405-close", 405, b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
]


@pytest.mark.parametrize("status, octets", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_last_answer_is_read_while_the_client_still_sends(either_site: Server, status: int, octets: bytes) -> None:
    with Client(either_site.port) as client:
        client.send(octets)
        sender = upload_in_background(client, JUNK, 8 * MB)
        received = client.read_to_end()
        assert client.ended == EOF
        sender.join(patience())
        assert not sender.is_alive() and sender.failures == []  # type: ignore[attr-defined]
        (response,) = parse_all(received)
        assert response.status == status and response.closes


@pytest.mark.parametrize("status, octets", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_last_answer_is_read_after_the_client_has_sent_all(either_site: Server, status: int, octets: bytes) -> None:
    """A client that looks for an answer only at the end of its upload."""
    with Client(either_site.port) as client:
        client.send(octets, JUNK, JUNK)
        (response,) = parse_all(client.read_to_end())
        assert client.ended == EOF
        assert response.status == status and response.closes


def test_fifty_megabytes_against_a_limit_of_one(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--read-buf-cap", str(1 << 20))
    head = request("/upload", "Content-Length: 50000000", method="POST")
    before = server.rss()
    for _ in range(20):
        client = server.connect()
        client.send(head)
        for _ in range(50):
            client.send(JUNK)
        (response,) = parse_all(client.read_to_end())
        assert (response.status, client.ended) == (413, EOF)
        client.close()
    if not sanitized():
        assert server.peak_rss() - before < 4 * MB
    assert server.stats()["refused"] == 20


def test_fifty_megabytes_in_chunks_against_a_limit_of_one(serve: Callable[..., Server], either: str) -> None:
    """Nothing declares the length: the limit is found under way."""
    server = serve(either, "--read-buf-cap", str(1 << 20))
    before = server.rss()
    client = server.connect()
    client.send(request("/upload", "Transfer-Encoding: chunked", method="POST"))
    for _ in range(50):
        client.send(b"f4240\r\n", JUNK, b"\r\n")
    (response,) = parse_all(client.read_to_end())
    assert (response.status, client.ended) == (413, EOF)
    if not sanitized():
        assert server.peak_rss() - before < 6 * MB


@pytest.mark.parametrize("junk", [b"\xff", b"a", b"GET / HTTP/1.1\r\nX: y\r\n", b"X: y\r\n"], ids=["ff", "a", "get", "field"])
def test_sixty_four_kilobytes_of_junk_against_a_cap_of_eight(serve: Callable[..., Server], either: str, junk: bytes) -> None:
    server = serve(either, "--read-buf-cap", "8192")
    for prefix, expected in ((b"", {400, 431, 501}), (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9000, {400, 431})):
        client = server.connect()
        client.send(prefix + (junk * 65_536)[:65_536])
        (response,) = parse_all(client.read_to_end())
        assert response.status in expected and client.ended == EOF
        client.close()


def test_an_error_of_an_application_keeps_the_connection_and_the_body_is_read(either_site: Server) -> None:
    """404 and 405 are answers like others: a large body in front of them is not left in the stream."""
    with Client(either_site.port) as client:
        body = pattern(900_000)
        for octets, status in ((post("/missing", body), 404), (post("/plaintext", body), 405), (post("/", body), 200)):
            response = client.ask(octets)
            assert (response.status, response.closes) == (status, False)
        assert client.buffer == b""


@pytest.mark.parametrize("pause, bytes_max", [(0.0, 400 * MB), (0.005, 100 * MB)], ids=["fast", "slow"])
def test_a_client_that_never_stops_sending_is_cut(
    serve: Callable[..., Server], either: str, pause: float, bytes_max: int
) -> None:
    """What is thrown away of a client that does not read its last answer is bounded, in octets and in time."""
    server = serve(either, "--timeout-linger-ms", "300")
    client = server.connect()
    client.send(b"bad\r\n")
    assert client.read().status == 400
    sent = 0
    try:
        while sent < bytes_max:
            time.sleep(pause)
            client.socket.sendall(JUNK)
            sent += len(JUNK)
    except (ConnectionResetError, BrokenPipeError):
        pass
    assert sent < bytes_max
    until(lambda: server.stats()["active"] == 1, "only the connection that asks")


def test_a_client_that_does_not_close_is_let_go(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--timeout-linger-ms", "100")
    clients = [server.connect() for _ in range(10)]
    for client in clients:
        client.send(request("/", "Connection: close"))
    for client in clients:
        assert client.read().closes
        client.expect_end()
    until(lambda: server.stats()["timeouts_linger"] == 10, "ten that were waited for in vain")
    assert server.stats()["active"] == 1


def test_flood_behind_a_large_answer_does_not_splice_into_it(serve: Callable[..., Server], either: str) -> None:
    """Octets beyond the cap arrive while a response drains: it stays whole, and the refusal comes behind it."""
    server = serve(either, "--read-buf-cap", "8192")
    client = server.connect(receive_buffer=4096)
    client.send(request("/bytes/8000000"))
    server.sync()
    flood = upload_in_background(client, b"GET /" + b"y" * 65_531, 65_536)
    response = client.read()
    assert response.body == b"x" * 8_000_000
    last = client.read()
    assert last.status == 414 and last.closes
    client.expect_end()
    flood.join(patience())


def test_reset_instead_of_reading(serve: Callable[..., Server], either: str) -> None:
    """Clients that go away without reading: nobody else notices, nothing is left behind."""
    server = serve(either)
    descriptors = server.descriptors()
    for _ in range(30):
        client = server.connect()
        client.send(request("/bytes/10000000"))
        client.receive(1)
        client.reset()
    until(lambda: server.stats()["active"] == 1, "only the connection that asks")
    until(lambda: server.descriptors() == descriptors, "as many descriptors as before")
    if not sanitized():
        assert server.rss() < 200 * MB  # a leak of the bodies alone would be 300
