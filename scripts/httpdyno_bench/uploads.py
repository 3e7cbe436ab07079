"""Connections that upload a body each at the same time, and then stay open and silent."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
import urllib.parse
from collections.abc import Iterator

from .crowd import answer_is_whole
from .errors import RunError

_PATIENCE_SECONDS = 30.0
# Written to one connection before the next has its turn, so that all bodies grow side by side.
_TURN_BYTES = 65_536


class Uploaders:
    """Used through uploading()."""

    def __init__(self, url: str, path: str, connections: int, body_bytes: int) -> None:
        parts = urllib.parse.urlsplit(url)
        head = f"POST {path} HTTP/1.1\r\nHost: {parts.hostname}\r\nContent-Length: {body_bytes}\r\n\r\n"
        self._request = head.encode() + b"x" * body_bytes
        self._address = (str(parts.hostname), int(parts.port or 80))
        self._members: list[socket.socket] = []
        try:
            for _ in range(connections):
                member = socket.create_connection(self._address, timeout=_PATIENCE_SECONDS)
                member.setblocking(False)
                self._members.append(member)
        except OSError as error:
            self.leave()
            raise RunError(f"cannot connect to upload: {error.strerror or error}") from error

    def burst(self) -> None:
        """A body from each, and each one's whole answer."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        sent = dict.fromkeys(self._members, 0)
        heard = dict.fromkeys(self._members, b"")
        with selectors.DefaultSelector() as selector:
            for member in self._members:
                selector.register(member, selectors.EVENT_WRITE)
            while selector.get_map():
                if time.monotonic() > deadline:
                    raise RunError(f"{len(selector.get_map())} uploads were not answered in {_PATIENCE_SECONDS:g} s")
                for key, events in selector.select(1.0):
                    member = key.fileobj
                    assert isinstance(member, socket.socket)
                    try:
                        if events & selectors.EVENT_WRITE:
                            sent[member] += self._send_some(member, sent[member])
                            if sent[member] == len(self._request):
                                selector.modify(member, selectors.EVENT_READ)
                        elif self._hear_some(member, heard):
                            selector.unregister(member)
                    except OSError as error:
                        raise RunError(f"an upload was broken off: {error.strerror or error}") from error

    def leave(self) -> None:
        for member in self._members:
            member.close()
        self._members.clear()

    def _send_some(self, member: socket.socket, begin: int) -> int:
        return member.send(memoryview(self._request)[begin : begin + _TURN_BYTES])

    def _hear_some(self, member: socket.socket, heard: dict[socket.socket, bytes]) -> bool:
        octets = member.recv(4096)
        if not octets:
            raise RunError("the server closed a connection instead of answering an upload")
        heard[member] += octets
        return answer_is_whole(heard[member])


@contextlib.contextmanager
def uploading(url: str, path: str, connections: int, body_bytes: int) -> Iterator[Uploaders]:
    uploaders = Uploaders(url, path, connections, body_bytes)
    try:
        yield uploaders
    finally:
        uploaders.leave()
