"""When a connection stays and when it ends: RFC 9112 9.3, Connection, HTTP/1.0, and the cap on requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from processes import Server
from wire import EOF, Client, parse_all, post, request


def test_connection_is_reused(site: Server) -> None:
    before = site.stats()
    with Client(site.port) as client:
        for _ in range(10):
            assert client.get("/plaintext").field("Connection") == "keep-alive"
    after = site.stats()
    assert after["accepted"] - before["accepted"] == 2  # this one, and the one that asked
    assert after["requests"] - before["requests"] == 11


CLOSING = [
    ("close",), ("Close",), ("CLOSE",), ("close, TE",), ("TE, close",), ("TE,close",), ("TE\t,\tclose\t",), ("  close  ",),
    ("foo, bar,close , baz",), (",close,",), ("keep-alive, close",), ("close, keep-alive",), ("keep-alive", "close"),
    ("close", "keep-alive"), ("TE", "Close"),
]
STAYING = [
    (), ("keep-alive",), ("Keep-Alive",), ("closed",), ("x-close",), ("close-x",), ("TE",), ("",), (",",), ("clos", "e"),
]


@pytest.mark.parametrize("values", CLOSING)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_close_is_honoured(either_site: Server, values: tuple[str, ...], version: str) -> None:
    with Client(either_site.port) as client:
        fields = [f"Connection: {value}" for value in values]
        client.send(request("/plaintext", *fields, version=version) + request("/bytes/3"))
        (response,) = parse_all(client.read_to_end())
        assert response.closes and response.body == b"Hello, World!"
        assert client.ended == EOF


@pytest.mark.parametrize("values", STAYING)
def test_nothing_else_closes(either_site: Server, values: tuple[str, ...]) -> None:
    with Client(either_site.port) as client:
        for _ in range(2):
            response = client.get("/plaintext", *[f"Connection: {value}" for value in values])
            assert response.field("Connection") == "keep-alive"


@pytest.mark.parametrize("fields", [(), ("Connection: TE",), ("Keep-Alive: timeout=5",)])
def test_http_1_0_closes(either_site: Server, fields: tuple[str, ...]) -> None:
    with Client(either_site.port) as client:
        client.send(request("/plaintext", *fields, version="1.0", host=None) + request("/bytes/3"))
        (response,) = parse_all(client.read_to_end())
        assert response.closes and response.body == b"Hello, World!"
        assert client.ended == EOF


def test_http_1_0_stays_when_it_asks_to(site: Server) -> None:
    with Client(site.port) as client:
        for _ in range(3):
            response = client.ask(request("/plaintext", "Connection: Keep-Alive", version="1.0"))
            assert response.field("Connection") == "keep-alive"
        assert client.ask(request("/plaintext", version="1.0")).closes
        client.expect_end()


def test_answer_to_a_later_minor_version_stays(either_site: Server) -> None:
    with Client(either_site.port) as client:
        for _ in range(2):
            assert not client.ask(request("/", version="1.9")).closes


@pytest.mark.parametrize("cap", [1, 3, 17])
def test_cap_on_requests(serve: Callable[..., Server], either: str, cap: int) -> None:
    """The last one that may be is answered with `Connection: close`; one more is not answered."""
    server = serve(either, "--request-count", str(cap))
    for pipelined in (True, False):
        client = server.connect()
        if pipelined:
            client.send(request("/bytes/1") * (cap + 3))
            responses = parse_all(client.read_to_end())
            assert client.ended == EOF
        else:
            responses = [client.get("/bytes/1") for _ in range(cap)]
            client.expect_end()
        assert [response.closes for response in responses] == [False] * (cap - 1) + [True]
        assert all(response.body == b"x" for response in responses)
    assert server.stats()["requests"] == 2 * cap + 1


def test_cap_counts_what_is_not_found_too(serve: Callable[..., Server], either: str) -> None:
    client = serve(either, "--request-count", "2").connect()
    assert not client.get("/missing").closes
    assert client.ask(post("/missing", b"body")).closes
    client.expect_end()


def test_no_cap_by_default(either_site: Server) -> None:
    with Client(either_site.port) as client:
        for _ in range(20):
            client.send(request("/bytes/0") * 100)
            assert not any(client.read().closes for _ in range(100))


def test_the_scenario_of_one_client(serve: Callable[..., Server], either: str) -> None:
    """A short life: two answers, the last with close, an echo, a missing path, a large echo, each on its connection."""
    server = serve(either, "--request-count", "3", "--max-conn", "8", "--timeout-request-ms", "2000",
                   "--timeout-keepalive-ms", "2000")
    for _ in range(20):
        client = server.connect()
        assert [client.get("/").field("Connection") for _ in range(3)] == ["keep-alive", "keep-alive", "close"]
        client.expect_end()
        client.close()
        client = server.connect()
        assert client.ask(post("/echo", b"123456789")).body == b"123456789"
        response = client.get("/missing")
        assert (response.status, response.reason) == (404, "Not Found")
        body = bytes(range(200)) * 250
        response = client.ask(post("/echo", body))
        assert response.body == body and response.field("Content-Length") == "50000" and response.closes
        client.expect_end()
        client.close()


# --- half-close ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("octets, expected", [
    pytest.param(request("/plaintext"), [13], id="one"),
    pytest.param(request("/sleep/60"), [6], id="slow"),
    pytest.param(request("/bytes/1") + request("/sleep/30") + request("/bytes/2") * 3, [1, 6, 2, 2, 2], id="pipelined"),
    pytest.param(request("/bytes/10000") * 1000, [10_000] * 1000, id="more-than-fits"),
    pytest.param(request("/bytes/9000000"), [9_000_000], id="large"),
    pytest.param(post("/echo", b"x" * 500_000), [500_000], id="body"),
])
def test_half_close_behind_requests_is_no_reason_not_to_answer(either_site: Server, octets: bytes, expected: list[int]) -> None:
    with Client(either_site.port) as client:
        client.send(octets)
        client.half_close()
        responses = parse_all(client.read_to_end())
        assert [len(response.body) for response in responses] == expected
        assert client.ended == EOF


@pytest.mark.parametrize("octets", [
    b"", b"\r\n", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n0123",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n",
])
def test_half_close_inside_a_request_ends_the_connection(either_site: Server, octets: bytes) -> None:
    """It can never become whole: no handler sees it, nobody waits for its deadline."""
    before = either_site.stats()
    with Client(either_site.port) as client:
        client.send(request("/bytes/1") + octets)
        client.half_close()
        (response,) = parse_all(client.read_to_end())
        assert response.body == b"x" and client.ended == EOF
    after = either_site.stats()
    assert after["requests"] - before["requests"] == 2
    assert after["timeouts_request"] == before["timeouts_request"]
    assert after["timeouts_keepalive"] == before["timeouts_keepalive"]
