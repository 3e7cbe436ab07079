"""A client that hides nothing: raw sockets, octets as they came, and how a connection ended.

Responses are parsed strictly: what a lenient client would forgive fails the test.
"""

from __future__ import annotations

import dataclasses
import fcntl
import re
import select
import socket
import struct
import termios
import time
from collections.abc import Iterable

from programs import patience

_STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ([\x21-\x7e][\x20-\x7e]*)\r\n")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff\t]*[\x21-\x7e\x80-\xff])?)\r\n")
_DATE = re.compile(rb"Date: ((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT)\r\n")
_RECEIVE_BYTES = 1 << 18
_NEVER_CONTENT = (204, 304)

# How a connection can end, as its client sees it.
EOF = "eof"
RESET = "reset"


def request(
    target: str, *fields: str, method: str = "GET", body: bytes | None = None, host: str | None = "localhost",
    version: str = "1.1",
) -> bytes:
    """A request; with a body it has a Content-Length."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "".join(f"{line}\r\n" for line in [*lines, *fields, ""]).encode("latin-1") + (body or b"")


def post(target: str, body: bytes, *fields: str) -> bytes:
    return request(target, *fields, method="POST", body=body)


def chunked(body: bytes, sizes: Iterable[int]) -> bytes:
    """The body in chunks of these sizes, over and over until it is whole, and the last chunk."""
    pattern = list(sizes)
    out = bytearray()
    at = turn = 0
    while at < len(body):
        piece = body[at : at + pattern[turn % len(pattern)]]
        out += b"%x\r\n%b\r\n" % (len(piece), piece)
        at += len(piece)
        turn += 1
    return bytes(out) + b"0\r\n\r\n"


def post_chunked(target: str, body: bytes, sizes: Iterable[int] = (1, 7, 4096), *fields: str) -> bytes:
    return request(target, "Transfer-Encoding: chunked", *fields, method="POST") + chunked(body, sizes)


# Octets of every value without a short period.
_UNIT = bytes((i * 7 + i // 251) % 256 for i in range(65_521))


def pattern(size: int, seed: int = 0) -> bytes:
    """Octets of every value that differ from seed to seed."""
    start = seed * 9973 % len(_UNIT)
    return (_UNIT[start:] + _UNIT * (size // len(_UNIT) + 1))[:size]


def mask_date(octets: bytes) -> bytes:
    """The octets with every Date made the same."""
    return _DATE.sub(b"Date: -\r\n", octets)


def answer(
    body: bytes = b"", status: str = "200 OK", content_type: str | None = "text/plain; charset=utf-8",
    *fields: str, connection: str = "keep-alive", head_only: bool = False,
) -> bytes:
    """The octets that the server should answer, Date masked."""
    lines = [f"HTTP/1.1 {status}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if not status.startswith("204"):
        lines.append(f"Content-Length: {len(body)}")
    lines += [*fields, "Date: -", f"Connection: {connection}", ""]
    return "".join(f"{line}\r\n" for line in lines).encode() + (b"" if head_only else body)


@dataclasses.dataclass(frozen=True)
class Response:
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    def field(self, name: str) -> str | None:
        """The value of a field that may be there once; names in any case."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def closes(self) -> bool:
        return self.field("Connection") == "close"

    @property
    def masked(self) -> bytes:
        return mask_date(self.raw)


def unchunk(octets: bytes, at: int) -> tuple[bytes, int] | None:
    """The content of the chunks that begin there, and where they end; None when they end before the last one."""
    pieces: list[bytes] = []
    while True:
        line = octets.find(b"\r\n", at, at + 20)
        if line < 0:
            return None
        assert re.fullmatch(rb"[1-9a-f][0-9a-f]*|0", octets[at:line]), octets[at:line]
        size = int(octets[at:line], 16)
        end = line + 2 + size + 2
        if len(octets) < end:
            return None
        assert octets[end - 2 : end] == b"\r\n"
        if size == 0:
            return b"".join(pieces), end
        pieces.append(octets[line + 2 : end - 2])
        at = end


def parse_response(octets: bytes, method: str = "GET") -> Response | None:
    """The first response in the octets; None when they end before it does. Whatever is wrong with it is an error."""
    end = octets.find(b"\r\n\r\n")
    if end < 0:
        assert len(octets) < 65_536, f"a head without an end: {octets[:200]!r}"
        return None
    head = octets[: end + 2]
    line = _STATUS_LINE.match(head)
    assert line is not None, f"no status line: {head[:200]!r}"
    fields: list[tuple[str, str]] = []
    at = line.end()
    while at < len(head):
        field = _FIELD.match(head, at)
        assert field is not None, f"no field line: {head[at : at + 200]!r}"
        fields.append((field[1].decode("latin-1"), field[2].decode("latin-1")))
        at = field.end()
    status = int(line[1])
    lengths = [value for name, value in fields if name.lower() == "content-length"]
    codings = [value for name, value in fields if name.lower() == "transfer-encoding"]
    if codings:
        assert codings == ["chunked"] and not lengths and status >= 200 and status not in _NEVER_CONTENT, fields
        found = (b"", end + 4) if method == "HEAD" else unchunk(octets, end + 4)
        if found is None:
            return None
        return Response(status, line[2].decode(), tuple(fields), found[0], octets[: found[1]])
    if status < 200 or status in _NEVER_CONTENT:
        assert status == 304 or not lengths, f"{status} with Content-Length"  # RFC 9110 8.6
        size = 0
    else:
        assert len(lengths) == 1 and lengths[0].isdigit(), f"Content-Length: {lengths}"
        size = 0 if method == "HEAD" else int(lengths[0])
    total = end + 4 + size
    if len(octets) < total:
        return None
    return Response(status, line[2].decode(), tuple(fields), octets[end + 4 : total], octets[:total])


def parse_all(octets: bytes) -> list[Response]:
    """All responses; octets that are left over are an error."""
    responses: list[Response] = []
    at = 0
    while at < len(octets):
        # Views would be faster, but responses are small where there are many.
        found = parse_response(octets[at : at + 1_000_000]) or parse_response(octets[at:])
        assert found is not None, f"a truncated response after {len(responses)} whole ones: {octets[at : at + 200]!r}"
        responses.append(found)
        at += len(found.raw)
    return responses


class Client:
    """One connection. Everything that is received stays in `buffer` until a read takes it."""

    def __init__(
        self, port: int, receive_buffer: int | None = None, host: str = "127.0.0.1", path: str | None = None
    ) -> None:
        """To a port, or with `path` to a unix socket."""
        family = socket.AF_UNIX if path is not None else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.buffer = b""
        self.ended: str | None = None
        try:
            if receive_buffer is not None:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if path is None:
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.settimeout(patience())
            self.socket.connect((host, port) if path is None else path)
        except BaseException:
            self.socket.close()
            raise

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def send_some(self, octets: bytes) -> int:
        """As much as the kernel takes at once."""
        self.socket.setblocking(False)
        sent = 0
        try:
            while sent < len(octets):
                sent += self.socket.send(octets[sent : sent + (1 << 20)])
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(patience())
        return sent

    def readable(self, seconds: float) -> bool:
        """Whether octets or an end came within the time."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))

    def receive(self, limit: int = _RECEIVE_BYTES) -> bytes:
        """One read: octets, or none at the end (then `ended` says which). Nothing within patience() is an error."""
        try:
            octets = self.socket.recv(limit)
        except (ConnectionResetError, BrokenPipeError):
            self.ended = RESET
            return b""
        if not octets:
            self.ended = EOF
        return octets

    def read(self, method: str = "GET") -> Response:
        """The next response, whole."""
        parts = [self.buffer]
        size = len(self.buffer)
        wanted = 0
        while True:
            # Octets are joined when they may be enough, not after every read: large bodies come in many.
            if size >= wanted:
                octets = b"".join(parts)
                parts = [octets]
                found = parse_response(octets, method)
                if found is not None:
                    self.buffer = octets[len(found.raw) :]
                    return found
                wanted = _bytes_wanted(octets)
            more = self.receive()
            assert more, f"{self.ended} inside a response, after {size} octets: {b''.join(parts)[:300]!r}"
            parts.append(more)
            size += len(more)

    def read_exactly(self, size: int) -> bytes:
        parts = [self.buffer]
        have = len(self.buffer)
        while have < size:
            more = self.receive()
            assert more, f"{self.ended} after {have} of {size} octets"
            parts.append(more)
            have += len(more)
        octets = b"".join(parts)
        self.buffer = octets[size:]
        return octets[:size]

    def read_to_end(self) -> bytes:
        """Everything up to the end of the connection."""
        parts = [self.buffer]
        self.buffer = b""
        while more := self.receive():
            parts.append(more)
        return b"".join(parts)

    def ask(self, octets: bytes, method: str = "GET") -> Response:
        self.send(octets)
        return self.read(method)

    def get(self, target: str, *fields: str) -> Response:
        return self.ask(request(target, *fields))

    def expect_end(self) -> None:
        """Nothing more comes, and the server ends the connection in order: FIN, not RST."""
        rest = self.read_to_end()
        assert rest == b"", f"{len(rest)} octets instead of the end: {rest[:200]!r}"
        assert self.ended == EOF, "the connection was reset"

    def unsent(self) -> int:
        """Octets that the peer's kernel has not acknowledged yet."""
        raw = fcntl.ioctl(self.socket.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        return int(struct.unpack("i", raw)[0])

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bytes_wanted(octets: bytes) -> int:
    """How long a response that begins so will be; 0 while that is unknown."""
    end = octets.find(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)\r\n", octets[: end + 2]) if end >= 0 else None
    return end + 4 + int(length[1]) if length else 0


def elapsed_since(start: float) -> float:
    return time.monotonic() - start
