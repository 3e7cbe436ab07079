"""Every workload on every server, to the octet."""

from __future__ import annotations

import email.utils
import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from processes import Server
from programs import FLOORS, INLINE, POOL, SERVERS, counter_names, sanitized
from wire import Client, answer, mask_date, parse_all, pattern, post, post_chunked, request

OCTETS = "application/octet-stream"
NOT_FOUND = b"404 Not Found\n"
NOT_ALLOWED = b"405 Method Not Allowed\n"
ALL_METHODS = "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"


def json_body(path: str, host: str) -> bytes:
    value = {
        "host_bytes": len(host), "items": [1, 2, 3, 5, 8, 13], "message": "Hello, World!",
        "nested": {"name": "httpdyno", "ratio": 0.5, "stable": True}, "path": path,
    }
    return json.dumps(value, separators=(",", ":")).encode()


SMALL = [
    ("get-root", request("/"), answer(b"OK")),
    ("get-query", request("/?a=/b%20c&d"), answer(b"OK")),
    ("get-plaintext", request("/plaintext"), answer(b"Hello, World!")),
    ("get-json", request("/json"), answer(json_body("/json", "localhost"), content_type="application/json")),
    ("get-bytes-0", request("/bytes/0"), answer(b"", content_type=OCTETS)),
    ("get-bytes-1", request("/bytes/1"), answer(b"x", content_type=OCTETS)),
    ("get-bytes-70000", request("/bytes/70000"), answer(b"x" * 70_000, content_type=OCTETS)),
    ("get-work", request("/work/10"), answer(b"worked\n")),
    ("get-sleep", request("/sleep/1"), answer(b"slept\n")),
    ("get-sleep-0", request("/sleep/0"), answer(b"slept\n")),
    ("get-wait", request("/wait/50"), answer(b"waited\n")),
    ("get-wait-0", request("/wait/0"), answer(b"waited\n")),
    ("post-root", post("/", b"abc"), answer(b"abc", content_type=OCTETS)),
    ("post-chunked", post_chunked("/echo", b"0123456789", [3]), answer(b"0123456789", content_type=OCTETS)),
    ("post-chunked-empty", post_chunked("/echo", b""), answer(b"", content_type=OCTETS)),
    (
        "post-upload", post("/upload", b"123456789"),
        answer(b'{"bytes":9,"crc32":"cbf43926"}\n', content_type="application/json"),
    ),
    (
        "post-upload-empty", post("/upload", b""),
        answer(b'{"bytes":0,"crc32":"00000000"}\n', content_type="application/json"),
    ),
    ("get-with-body", request("/plaintext", body=b"ignored"), answer(b"Hello, World!")),
    ("not-found", request("/missing"), answer(NOT_FOUND, "404 Not Found")),
    ("not-found-post", post("/missing", b"body"), answer(NOT_FOUND, "404 Not Found")),
    ("case-matters", request("/Plaintext"), answer(NOT_FOUND, "404 Not Found")),
    ("not-decoded", request("/plaintex%74"), answer(NOT_FOUND, "404 Not Found")),
    ("no-dot-segments", request("/x/../plaintext"), answer(NOT_FOUND, "404 Not Found")),
    (
        "bad-number", request("/bytes/12x"),
        answer(b"400 Bad Request: the path must end in a number from 0 to 67108864\n", "400 Bad Request"),
    ),
    (
        "too-large-number", request("/sleep/60001"),
        answer(b"400 Bad Request: the path must end in a number from 0 to 60000\n", "400 Bad Request"),
    ),
    (
        "too-long-wait", request("/wait/1000001"),
        answer(b"400 Bad Request: the path must end in a number from 0 to 1000000\n", "400 Bad Request"),
    ),
    (
        "no-number", request("/work/"),
        answer(b"400 Bad Request: the path must end in a number from 0 to 1000000\n", "400 Bad Request"),
    ),
    (
        "not-allowed", request("/plaintext", method="DELETE"),
        answer(NOT_ALLOWED, "405 Method Not Allowed", "text/plain; charset=utf-8", "Allow: GET, HEAD, OPTIONS"),
    ),
    (
        "not-allowed-echo", request("/echo"),
        answer(NOT_ALLOWED, "405 Method Not Allowed", "text/plain; charset=utf-8", "Allow: POST, OPTIONS"),
    ),
    (
        "not-allowed-prefix", post("/bytes/5", b"abc"),
        answer(NOT_ALLOWED, "405 Method Not Allowed", "text/plain; charset=utf-8", "Allow: GET, HEAD, OPTIONS"),
    ),
    ("options-server", request("*", method="OPTIONS"), answer(b"", "204 No Content", None, ALL_METHODS)),
    (
        "options-path", request("/", method="OPTIONS"),
        answer(b"", "204 No Content", None, "Allow: GET, HEAD, POST, OPTIONS"),
    ),
    ("absolute-form", request("http://localhost/plaintext"), answer(b"Hello, World!")),
    ("absolute-form-root", request("http://localhost"), answer(b"OK")),
    ("minor-version", request("/", version="1.7"), answer(b"OK")),
]


@pytest.mark.parametrize("sent, expected", [case[1:] for case in SMALL], ids=[case[0] for case in SMALL])
def test_answer_is_exact(site: Server, sent: bytes, expected: bytes) -> None:
    with Client(site.port) as client:
        # Twice: the connection is in order afterwards.
        for _ in range(2):
            assert client.ask(sent).masked == expected
        assert client.buffer == b""


@pytest.mark.parametrize("size", [0, 1, 9, 50_000, 1_048_000])
@pytest.mark.parametrize("path", ["/", "/echo"])
def test_echo_of_every_octet(site: Server, path: str, size: int) -> None:
    body = pattern(size)
    assert size < 256 or set(body) == set(range(256))
    with Client(site.port) as client:
        for sent in (post(path, body), post_chunked(path, body, [1, 100, 8192, 60_000])):
            response = client.ask(sent)
            assert response.status == 200
            assert response.body == body
            assert response.masked == answer(body, content_type=OCTETS)


@pytest.mark.parametrize("size", [1, 50_000, 1_048_000])
def test_upload_tells_length_and_crc(site: Server, size: int) -> None:
    body = pattern(size, seed=3)
    with Client(site.port) as client:
        for sent in (post("/upload", body), post_chunked("/upload", body, [1000, 1])):
            assert json.loads(client.ask(sent).body) == {"bytes": size, "crc32": f"{zlib.crc32(body):08x}"}


@pytest.mark.parametrize("size", [1_000_000, 64 << 20])
def test_large_answer(site: Server, size: int) -> None:
    if size > 1_000_000 and (site.row not in (INLINE, POOL) or sanitized()):
        size = 4_000_000
    with Client(site.port) as client:
        response = client.get(f"/bytes/{size}")
        assert len(response.body) == size
        assert response.body.count(b"x") == size
        assert client.get("/").body == b"OK"


@pytest.mark.parametrize("target", ["/", "/plaintext", "/json", "/bytes/50000", "/missing", "/work/1", "/stats"])
def test_head_is_get_without_content(site: Server, target: str) -> None:
    with Client(site.port) as client:
        head = client.ask(request(target, method="HEAD"), "HEAD")
        get = client.get(target)
        assert head.body == b""
        assert head.status == get.status
        if target != "/stats":
            assert head.masked == get.masked[: len(get.masked) - len(get.body)]
        assert client.buffer == b""


def test_a_wait_is_no_shorter_than_it_says(either_site: Server) -> None:
    with Client(either_site.port) as client:
        begin = time.monotonic()
        for _ in range(40):
            client.get("/wait/1500")
        assert time.monotonic() - begin >= 40 * 0.0015


def test_a_wait_is_without_timer_slack(serve: Callable[..., Server], either: str) -> None:
    """In the thread that waits, and in no other."""
    server = serve(either)

    def exact_threads() -> int:
        return sum(Path(f"/proc/{thread}/timerslack_ns").read_text("ascii") == "1\n" for thread in server.threads())

    try:
        assert exact_threads() == 0
    except PermissionError:
        pytest.skip("only with CAP_SYS_NICE is another process's timer slack to be seen")
    server.get("/wait/1")
    assert exact_threads() == 1


def test_head_of_a_path_without_get_is_405_without_content(site: Server) -> None:
    with Client(site.port) as client:
        head = client.ask(request("/echo", method="HEAD"), "HEAD")
        assert (head.status, head.field("Allow"), head.body) == (405, "POST, OPTIONS", b"")
        # Nothing of a body is on the wire: the next answer begins right behind.
        assert client.get("/").body == b"OK"


def test_not_found_keeps_the_connection(site: Server) -> None:
    with Client(site.port) as client:
        response = client.get("/missing")
        assert (response.status, response.reason, response.field("Connection")) == (404, "Not Found", "keep-alive")
        assert client.get("/plaintext").body == b"Hello, World!"


def test_stats_are_the_counters(site: Server) -> None:
    before = site.stats()
    assert list(before) == counter_names()
    with Client(site.port) as client:
        for _ in range(5):
            client.get("/plaintext")
        client.ask(post("/echo", b"12345"))
    after = site.stats()
    assert after["requests"] - before["requests"] == 6 + 1
    assert after["accepted"] - before["accepted"] == 1 + 1
    assert after["bytes_received"] > before["bytes_received"]
    assert after["bytes_sent"] > before["bytes_sent"]


def test_date_is_now_and_goes_on(serve: Callable[..., Server]) -> None:
    clients = [serve(row).connect() for row in (INLINE, POOL)]
    seen: set[str] = set()
    for pause in (0.0, 1.1):
        time.sleep(pause)
        for client in clients:
            before = time.time()
            text = client.get("/").field("Date")
            after = time.time()
            assert text is not None and text.endswith(" GMT") and len(text) == 29
            date = email.utils.parsedate_to_datetime(text).timestamp()
            # The kernel's coarse clock may be a tick behind.
            assert int(before - 0.05) <= date <= after
            seen.add(text)
    assert len(seen) >= 2


GOLDEN = [case[1] for case in SMALL] + [
    post("/echo", pattern(3000)), post_chunked("/", pattern(100_000), [1, 4096]),
    request("/", method="HEAD"), request("/", "Connection: close", version="1.0"), request("/", version="1.0", host=None),
    request("/plaintext", "Connection: close"), b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n", b"\x00",
    request("/", "Transfer-Encoding: chunked", "Content-Length: 1"), request("/" + "a" * 9000),
    request("/", "X: " + "y" * 1_100_000), request("/", method="BREW"), request("/", "Expect: cake"),
    request("/", "Content-Length: 9999999", method="POST"),
]


def test_all_rows_answer_the_same_octets(serve: Callable[..., Server]) -> None:
    """Whatever the dispatch, the allocator or the link order: the Date apart, not an octet differs."""
    servers = [serve(row) for row in SERVERS if row in (INLINE, POOL) or not sanitized()]
    assert len(servers) >= 2
    for sent in GOLDEN:
        answers = []
        for server in servers:
            with Client(server.port) as client:
                client.send(sent)
                client.half_close()
                answers.append(mask_date(client.read_to_end()))
        assert answers[0].startswith(b"HTTP/1.1 "), sent[:100]
        assert len(set(answers)) == 1, (sent[:100], answers)


# --- the floor ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", FLOORS)
@pytest.mark.parametrize("name, size", [("plaintext", 0), ("json", 0), ("echo", 4096)])
def test_floor_answers_as_the_server_would(serve: Callable[..., Server], row: str, name: str, size: int) -> None:
    floor = serve(row, "--answer", name, "--body-bytes", str(size))
    host = f"127.0.0.1:{floor.port}"
    body = b"x" * size
    if name == "echo":
        sent, expected = request("/echo", method="POST", body=body, host=host), answer(body, content_type=OCTETS)
    elif name == "json":
        sent, expected = request("/json", host=host), answer(json_body("/json", host), content_type="application/json")
    else:
        sent, expected = request("/plaintext", host=host), answer(b"Hello, World!")
    requests = 0
    with Client(floor.port) as client:
        for depth in (1, 16, 64, 1000 if size == 0 else 50):
            client.send(sent * depth)
            requests += depth
            assert mask_date(b"".join(client.read().raw for _ in range(depth))) == expected * depth
            assert client.buffer == b""
        for at in range(1, len(sent) - size):
            client.send(sent[:at])
            client.send(sent[at:])
            requests += 1
            assert client.read().masked == expected
    assert floor.stop() == {"requests": requests, "accepted": 1}


@pytest.mark.parametrize("row", FLOORS)
def test_floor_closes_when_it_should(serve: Callable[..., Server], row: str) -> None:
    floor = serve(row, "--close")
    for _ in range(20):
        with Client(floor.port) as client:
            client.send(request("/plaintext"))
            (response,) = parse_all(client.read_to_end())
            assert response.closes and response.body == b"Hello, World!"
            assert client.ended == "eof"
    assert floor.stop() == {"requests": 20, "accepted": 20}
