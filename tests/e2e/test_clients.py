"""The clients that everybody has."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable

import pytest

from processes import Server, tool
from programs import FLOORS, POOL, SERVERS
from wire import Client, mask_date, pattern


def url(server: Server, path: str) -> str:
    return f"http://127.0.0.1:{server.port}{path}"


def curl(*arguments: str, octets: bytes | None = None) -> bytes:
    result = tool("curl", "--silent", "--show-error", "--max-time", "15", *arguments, octets=octets)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_curl_get(site: Server) -> None:
    assert curl(url(site, "/plaintext")) == b"Hello, World!"
    assert json.loads(curl(url(site, "/json")))["message"] == "Hello, World!"
    assert curl(url(site, "/bytes/100000")) == b"x" * 100_000
    assert curl("--http1.0", url(site, "/plaintext")) == b"Hello, World!"
    assert curl("--http1.0", "--header", "Connection: keep-alive", url(site, "/")) == b"OK"


def test_curl_post(site: Server) -> None:
    body = pattern(300_000)
    data = ("--data-binary", "@-")
    assert curl(*data, url(site, "/echo"), octets=body) == body
    # With the question first, and without a length.
    assert curl(*data, "--header", "Expect: 100-continue", url(site, "/echo"), octets=body) == body
    assert curl(*data, "--header", "Transfer-Encoding: chunked", url(site, "/echo"), octets=body) == body
    assert curl("--upload-file", "-", "--request", "POST", url(site, "/echo"), octets=body) == body


def test_curl_reuses_the_connection(site: Server) -> None:
    before = site.stats()["accepted"]
    assert curl(*[url(site, "/plaintext")] * 5) == b"Hello, World!" * 5
    assert site.stats()["accepted"] - before == 2


def test_curl_head_and_options(site: Server) -> None:
    head = curl("--head", url(site, "/plaintext")).decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n") and "Content-Length: 13\r\n" in head
    options = curl("--include", "--request", "OPTIONS", "--request-target", "*", url(site, "/")).decode()
    assert options.startswith("HTTP/1.1 204 No Content\r\n") and "\r\nAllow: GET, HEAD, POST" in options


def test_curl_sees_errors(site: Server) -> None:
    code = ("--output", "/dev/null", "--write-out", "%{http_code}")
    assert curl(*code, url(site, "/missing")) == b"404"
    assert curl(*code, "--request", "DELETE", url(site, "/plaintext")) == b"405"
    assert curl(*code, "--request", "BREW", url(site, "/plaintext")) == b"501"
    assert curl(*code, "--header", "Host:", url(site, "/plaintext")) == b"400"
    # Refused before it is sent: the question is answered with the status.
    assert curl(*code, "--data-binary", "@-", url(site, "/upload"), octets=b"y" * 5_000_000) == b"413"


@pytest.mark.parametrize("row", FLOORS)
def test_curl_and_the_floor(serve: Callable[..., Server], row: str) -> None:
    floor = serve(row)
    assert curl(url(floor, "/plaintext"), url(floor, "/plaintext")) == b"Hello, World!" * 2
    assert floor.stop() == {"requests": 2, "accepted": 1}


def wrk(server: Server, path: str, *arguments: str) -> int:
    """One second; returns how many answers wrk counted. It speaks of errors only when there are some."""
    result = tool("wrk", "--threads", "1", "--connections", "16", "--duration", "1s", *arguments, url(server, path))
    text = result.stdout.decode()
    assert result.returncode == 0, (text, result.stderr)
    assert "Socket errors" not in text and "Non-2xx" not in text, text
    found = re.search(r"(\d+) requests in ", text)
    assert found, text
    return int(found[1])


@pytest.mark.parametrize("row", SERVERS + FLOORS)
def test_wrk(serve: Callable[..., Server], row: str) -> None:
    server = serve(row)
    counted = wrk(server, "/plaintext")
    assert counted > 1000
    with Client(server.port) as client:
        assert client.get("/plaintext").body == b"Hello, World!"
    counters = server.stop()
    # What was under way at wrk's end is the server's alone.
    assert counted <= counters["requests"] - 1 <= counted + 16
    assert counters.get("refused", 0) == 0


def test_answers_under_load_are_those_of_a_quiet_server(serve: Callable[..., Server]) -> None:
    """While the load goes on, an onlooker's answers are to the octet what they always are."""
    server = serve(POOL)
    client = server.connect()
    quiet = client.get("/plaintext").masked
    seen = 0
    load = threading.Thread(target=wrk, args=(server, "/bytes/1000"))
    load.start()
    while load.is_alive():
        assert mask_date(client.get("/plaintext").raw) == quiet
        seen += 1
    load.join()
    assert seen > 10
