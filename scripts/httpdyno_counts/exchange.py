"""What is asked of a server that is being counted: the same octets each time, in lock-step, so that it does the same each time."""

from __future__ import annotations

import dataclasses
import re
import socket

from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.tables import Workload

# Counted, a server is up to a hundred times slower than otherwise, on a machine that may be busy.
PATIENCE_SECONDS = 60.0
_HEAD_BYTES_MAX = 64 << 10
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_DATE = re.compile(rb"\r\ndate: *([^\r]*)\r\n", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Exchange:
    """`depth` requests that are sent in one piece; the next ones when all their answers are here."""

    name: str
    request: bytes
    depth: int


def exchange_of(workload: Workload) -> Exchange:
    """The workload of the bench, on one connection. Of loadgen's options those that say what a request is are known here."""
    method, body = "GET", b""
    options = dict(zip(workload.loadgen[::2], workload.loadgen[1::2], strict=False))
    if len(workload.loadgen) % 2 or workload.kind != "load" or workload.mix or set(options) - {"-m", "--body-bytes", "--pipeline"}:
        raise UsageError(f"the workload {workload.name} cannot be counted: it is more than one request, again and again")
    method = options.get("-m", method)
    body = b"x" * int(options.get("--body-bytes", "0"))
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {workload.path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n"
    return Exchange(workload.name, head.encode("ascii") + body, workload.pipeline)


class Client:
    """One connection. Every answer must be the first one again, but for its date."""

    def __init__(self, port: int, exchange: Exchange) -> None:
        self._exchange = exchange
        self._batch = exchange.request * exchange.depth
        self._first = b""
        self._date = slice(0, 0)
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        except OSError as error:
            raise self._wrong(f"no connection: {error.strerror or error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, batches: int) -> int:
        """How many requests were answered."""
        try:
            for _ in range(batches):
                self._socket.sendall(self._batch)
                self._check(self._answers())
        except OSError as error:
            raise self._wrong(f"no answer: {error.strerror or error}") from error
        return batches * self._exchange.depth

    def finish(self) -> None:
        """Ends the connection, and returns when the server has done so, too."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            rest = self._socket.recv(1)
        except OSError as error:
            raise self._wrong(f"the connection did not end: {error.strerror or error}") from error
        if rest:
            raise self._wrong("more octets than the answers have")

    def _answers(self) -> bytes:
        octets = bytearray()
        if not self._first:
            while b"\r\n\r\n" not in octets:
                self._receive(octets, 1)
                if len(octets) > _HEAD_BYTES_MAX:
                    raise self._wrong("its head has no end")
            self._know(bytes(octets[: octets.index(b"\r\n\r\n") + 4]))
            self._receive(octets, self._size - len(octets))
            self._first = bytes(octets[: self._size])
        self._receive(octets, self._size * self._exchange.depth - len(octets))
        return bytes(octets)

    def _know(self, head: bytes) -> None:
        """What the first answer says of all others."""
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise self._wrong(f"'{head.splitlines()[0].decode(errors='replace')}'"
                              + ("" if length else " without a Content-Length"))
        date = _DATE.search(head)
        self._size = len(head) + int(length[1])
        self._date = slice(*date.span(1)) if date else slice(0, 0)

    def _receive(self, octets: bytearray, wanted: int) -> None:
        """At least so many more."""
        end = len(octets) + wanted
        while len(octets) < end:
            piece = self._socket.recv(1 << 20)
            if not piece:
                raise self._wrong("the connection was closed inside an answer")
            octets += piece

    def _check(self, octets: bytes) -> None:
        if len(octets) != self._size * self._exchange.depth:
            raise self._wrong("more octets than the answers have")
        for begin in range(0, len(octets), self._size):
            answer = bytearray(octets[begin:begin + self._size])
            answer[self._date] = self._first[self._date]
            if answer != self._first:
                raise self._wrong("an answer differs from the first one")

    def _wrong(self, what: str) -> RunError:
        return RunError(f"{self._exchange.name} was answered wrongly: {what}")
