"""However the octets of a request are cut on their way, the answer is the same."""

from __future__ import annotations

import pytest

from processes import Server
from wire import Client, answer, mask_date, post, post_chunked, request

OCTETS = "application/octet-stream"
REQUESTS = {
    "get": (request("/bytes/7", "Accept: */*", "X-Empty:"), answer(b"xxxxxxx", content_type=OCTETS)),
    "post": (post("/echo", b"0123456789\r\n\r\n\0\xff", "X: y"), answer(b"0123456789\r\n\r\n\0\xff", content_type=OCTETS)),
    "chunked": (
        post_chunked("/echo", b"0123456789\r\n0\r\n\r\n\0", [1, 10, 3])[:-2] + b"Trailer-Field: dropped\r\n\r\n",
        answer(b"0123456789\r\n0\r\n\r\n\0", content_type=OCTETS),
    ),
    "chunked-extensions": (
        request("/", "Transfer-Encoding: chunked", method="POST")
        + b'3;a\r\nabc\r\n002 ; b = "q\\"\t" ;c=d\r\nde\r\n0;last\r\n\r\n',
        answer(b"abcde", content_type=OCTETS),
    ),
    "after-empty-lines": (b"\r\n\r\n" + request("/"), answer(b"OK")),
    "refused": (request("/", "Bad Name: x"), None),
    "refused-length": (request("/", "Content-Length: 5", "Content-Length: 5", method="POST") + b"12345", None),
    "refused-chunk": (request("/", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabcX\r\n", None),
}


@pytest.fixture(params=REQUESTS)
def example(request: pytest.FixtureRequest, either_site: Server) -> tuple[bytes, bytes]:
    """A request and the octets that it is answered when it comes in one piece."""
    sent, expected = REQUESTS[request.param]
    with Client(either_site.port) as client:
        client.send(sent)
        whole = client.read().masked
    assert expected is None or whole == expected
    return sent, whole


def test_split_at_every_octet(either_site: Server, example: tuple[bytes, bytes]) -> None:
    sent, expected = example
    keeps = b"Connection: keep-alive" in expected
    client = Client(either_site.port)
    try:
        for at in range(1, len(sent)):
            client.send(sent[:at])
            either_site.sync()  # so that the server has really met the first piece alone
            client.send(sent[at:])
            assert client.read().masked == expected, f"split at {at}"
            if not keeps:
                client.expect_end()
                client.close()
                client = Client(either_site.port)
        assert client.buffer == b""
    finally:
        client.close()


@pytest.mark.parametrize("size", [1, 7, 13])
def test_small_writes(either_site: Server, example: tuple[bytes, bytes], size: int) -> None:
    sent, expected = example
    with Client(either_site.port) as client:
        for at in range(0, len(sent), size):
            client.send(sent[at : at + size])
            either_site.sync()
        assert client.read().masked == expected


@pytest.mark.parametrize("size", [1, 7, 13])
def test_small_writes_of_a_long_head(either_site: Server, size: int) -> None:
    """24 fields, as the kernel happens to join the pieces."""
    sent = request("/bytes/3", *[f"Field-{i}: {'v' * i}" for i in range(24)])
    with Client(either_site.port) as client:
        for _ in range(3):
            for at in range(0, len(sent), size):
                client.send(sent[at : at + size])
            assert client.read().masked == answer(b"xxx", content_type=OCTETS)


def test_two_requests_split_at_every_octet(either_site: Server) -> None:
    sent = post("/echo", b"first") + post_chunked("/echo", b"second", [4]) + request("/")
    expected = answer(b"first", content_type=OCTETS) + answer(b"second", content_type=OCTETS) + answer(b"OK")
    with Client(either_site.port) as client:
        for at in range(1, len(sent)):
            client.send(sent[:at])
            either_site.sync()
            client.send(sent[at:])
            assert mask_date(b"".join(client.read().raw for _ in range(3))) == expected, f"split at {at}"
        assert client.buffer == b""


@pytest.mark.parametrize("edge", [16 * 1024, 64 * 1024])
def test_head_or_body_ends_at_the_edge_of_a_buffer(serve: Callable[..., Server], either: str, edge: int) -> None:
    """A request whose head, or whose end, lies around the size of a first buffer or of a read."""
    site = serve(either, "--head-bytes-max", "1000000", "--field-bytes-max", "1000000")
    with Client(site.port) as client:
        for total in range(edge - 2, edge + 3):
            bare = request("/bytes/2", "X: ")
            sent = request("/bytes/2", "X: " + "v" * (total - len(bare)))
            assert len(sent) == total
            assert client.ask(sent).body == b"xx"
            client.send(sent[: total - 1])
            site.sync()
            client.send(sent[total - 1 :] + request("/bytes/1"))
            assert client.read().body == b"xx"
            assert client.read().body == b"x"
            head = len(post("/echo", b"v" * (total - 90)))
            body = b"v" * (total - 90 + total - head)
            sent = post("/echo", body)
            client.send(sent + request("/bytes/1"))
            assert len(client.read().body) == len(body)
            assert client.read().body == b"x"
        assert client.buffer == b""
