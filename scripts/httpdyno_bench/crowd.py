"""Keep-alive connections by the thousands, each of which has been answered and is held open."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import urllib.parse
from collections.abc import Iterator

from .errors import RunError

# Descriptors that a process needs for anything else.
_OTHER_DESCRIPTORS = 200
_PATIENCE_SECONDS = 10.0
# Closed with a reset: ten thousand connections in TIME_WAIT would weigh on the steps that follow.
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


def connections_within_limits(wanted: int) -> int:
    """As many of the wanted connections as one process may have descriptors for. Raises the soft limit, which servers
    that are started afterwards inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else wanted + _OTHER_DESCRIPTORS
    needed = min(wanted + _OTHER_DESCRIPTORS, most)
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    return needed - _OTHER_DESCRIPTORS


class Crowd:
    """Used through gathered()."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 80))
        self._request = f"GET / HTTP/1.1\r\nHost: {parts.hostname}\r\n\r\n".encode()
        self._members: list[socket.socket] = []

    def join(self, count: int) -> None:
        """One connection after the other, each with a request and its whole answer."""
        for _ in range(count):
            try:
                member = socket.create_connection(self._address, timeout=_PATIENCE_SECONDS)
            except OSError as error:
                raise RunError(f"connection {len(self._members) + 1}: {error.strerror or error}") from error
            member.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            self._members.append(member)
            self._ask(member)
            self._hear(member)

    def ask_all_at_once(self) -> None:
        """A request on every connection before the first answer is read."""
        for member in self._members:
            self._ask(member)
        for member in self._members:
            self._hear(member)

    def leave(self) -> None:
        for member in self._members:
            member.close()
        self._members.clear()

    def _ask(self, member: socket.socket) -> None:
        try:
            member.sendall(self._request)
        except OSError as error:
            raise RunError(f"an idle connection was closed: {error.strerror or error}") from error

    def _hear(self, member: socket.socket) -> None:
        """One answer to its last octet."""
        octets = b""
        while not answer_is_whole(octets):
            try:
                more = member.recv(4096)
            except OSError as error:
                raise RunError(f"no answer: {error.strerror or error}") from error
            if not more:
                raise RunError("the server closed a connection that was to be held open")
            octets += more


@contextlib.contextmanager
def gathered(url: str) -> Iterator[Crowd]:
    crowd = Crowd(url)
    try:
        yield crowd
    finally:
        crowd.leave()


def answer_is_whole(octets: bytes) -> bool:
    """Of an answer with Content-Length, as far as it has come; another status than 200 is an error."""
    head, end, content = octets.partition(b"\r\n\r\n")
    if not end:
        return False
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RunError(f"the answer was {head.splitlines()[0]!r}")
    for line in head.splitlines():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(content) >= int(value)
    raise RunError("an answer without Content-Length")
