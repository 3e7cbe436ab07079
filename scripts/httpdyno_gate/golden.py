"""The golden requests: what base and head answer to them must be equal, octet for octet, but for the Date.

A head that answers less, or something else, is not compared with its base: it has become another server.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Mapping, Sequence

from httpdyno_bench.errors import RunError

from .rows import Row
from .sides import Running, Side

_ANSWER_SECONDS = 10.0
_ANSWER_BYTES_MAX = 16 << 20
_DATE = re.compile(rb"(?i)(\r\ndate: )[a-z]{3}, \d\d [a-z]{3} \d{4} \d\d:\d\d:\d\d GMT(?=\r\n)")
_HOST = b"Host: golden\r\n"
_CLOSE = b"Connection: close\r\n"


def _get(target: str, *fields: str, version: str = "1.1") -> bytes:
    head = f"GET {target} HTTP/{version}\r\n".encode() + _HOST + b"".join(field.encode() + b"\r\n" for field in fields)
    return head + _CLOSE + b"\r\n"


def _post(target: str, body: bytes) -> bytes:
    return f"POST {target} HTTP/1.1\r\nContent-Length: {len(body)}\r\n".encode() + _HOST + _CLOSE + b"\r\n" + body


_ALPHABET = bytes(range(256)) * 16
# By name; each on a connection of its own that the server closes after its last answer.
REQUESTS: Mapping[str, bytes] = {
    "GET": _get("/plaintext"),
    "GET with a query": _get("/plaintext?a=b"),
    "GET of HTTP/1.0": _get("/plaintext", version="1.0"),
    "HEAD": _get("/plaintext").replace(b"GET", b"HEAD", 1),
    "JSON": _get("/json"),
    "an empty body": _get("/bytes/0"),
    "a body of many sends": _get("/bytes/1048576"),
    "a streamed body": _get("/stream/100000"),
    "sixteen pipelined": b"GET /plaintext HTTP/1.1\r\nHost: golden\r\n\r\n" * 15 + _get("/json"),
    "POST": _post("/echo", _ALPHABET),
    "POST in chunks": (b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + _HOST + _CLOSE
                       + b"\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
    "POST that expects 100": _post("/echo", b"hello").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n", 1),
    "no such target": _get("/no-such-target"),
    "a method that the target has not": _get("/plaintext").replace(b"GET", b"DELETE", 1),
    "a target that is refused": _get("/bytes/none"),
    "a target that is too long": _get("/" + "a" * 10_000),
    "no Host": b"GET /plaintext HTTP/1.1\r\n" + _CLOSE + b"\r\n",
    "two lengths": b"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + _HOST + b"\r\nab",
    "no HTTP": b"\x16\x03\x01\x00\x00",
    "another version": _get("/plaintext", version="2.0"),
}


def answer_to(port: int, request: bytes) -> bytes:
    """All that a server sends until it closes, with the Date's value left out."""
    got = bytearray()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS) as connection:
            connection.sendall(request)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                got += piece
                if len(got) > _ANSWER_BYTES_MAX:
                    raise RunError(f"more than {_ANSWER_BYTES_MAX} octets of answer")
    except OSError as error:
        return bytes(got) + f"[{type(error).__name__}]".encode()
    return _DATE.sub(rb"\1", bytes(got))


def differing_answers(base: Side, head: Side, rows: Sequence[Row], core: int) -> list[str]:
    """What the sides do not answer alike, with the beginnings of how they do."""
    faults = []
    for variant, row in {row.variant: row for row in rows}.items():
        requests = {**REQUESTS, **{f"GET {row.target}": _get(row.target) for row in rows if row.variant == variant}}
        with base.serving(row, 0, core, {}) as ours, head.serving(row, 0, core, {}) as theirs:
            for name, request in requests.items():
                answers = [answer_to(_port(running), request) for running in (ours, theirs)]
                if answers[0] != answers[1]:
                    faults.append(f"{variant}, {name}: {_difference(*answers)}")
    return faults


def _port(running: Running) -> int:
    return int(running.url.rsplit(":", 1)[1])


def _difference(base: bytes, head: bytes) -> str:
    """The first lines that are not equal."""
    ours, theirs = base.split(b"\r\n"), head.split(b"\r\n")
    for one, other in zip(ours, theirs):
        if one != other:
            return f"base {_shown(one)}, head {_shown(other)}"
    return f"base {len(base)} octets, head {len(head)}"


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("latin-1")) + ("..." if len(line) > 60 else "")
