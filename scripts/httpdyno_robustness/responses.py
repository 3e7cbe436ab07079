"""How many whole responses a stream of octets holds, and whether it ends inside one."""

from __future__ import annotations

import re

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")
_CHUNKED = b"\r\nTransfer-Encoding: chunked\r\n"
_CHUNK = re.compile(rb"([0-9a-fA-F]+)\r\n")


class Responses:
    """Counts as octets come. Raises ValueError at octets that begin no response of ours."""

    def __init__(self) -> None:
        self.whole = 0
        self._octets = bytearray()
        self._missing = 0  # of the body, when it is longer than what is here

    @property
    def truncated(self) -> bool:
        """If nothing more comes."""
        return self._missing > 0 or bool(self._octets)

    def feed(self, octets: bytes) -> int:
        """Returns how many responses have become whole."""
        before = self.whole
        if self._missing > len(octets):
            self._missing -= len(octets)
            return 0
        if self._missing > 0:
            octets = octets[self._missing :]
            self._missing = 0
            self.whole += 1
        self._octets += octets
        while self._take():
            pass
        return self.whole - before

    def _take(self) -> bool:
        """One response off the front."""
        end = self._octets.find(b"\r\n\r\n") + 4
        if end < 4:
            if self._octets and not b"HTTP/1.1 ".startswith(self._octets[:9]):
                raise ValueError(f"no response: {bytes(self._octets[:60])!r}")
            return False
        head = bytes(self._octets[:end])
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ValueError(f"not a response that was asked for: {head[:60]!r}")
        if _CHUNKED in head:
            size = self._chunked_end(end)
            if size == 0:
                return False
        else:
            length = _LENGTH.search(head)
            if length is None:
                raise ValueError(f"no length: {head!r}")
            size = end + int(length[1])
            if size > len(self._octets):
                self._missing = size - len(self._octets)
                self._octets.clear()
                return False
        del self._octets[:size]
        self.whole += 1
        return bool(self._octets)

    def _chunked_end(self, at: int) -> int:
        """Where a chunked body that begins at `at` ends; 0 while it does not."""
        while line := _CHUNK.match(self._octets, at):
            size = int(line[1], 16)
            at = line.end() + size + 2
            if at > len(self._octets):
                return 0
            if self._octets[at - 2 : at] != b"\r\n":
                raise ValueError("a chunk that is longer than it said")
            if size == 0:
                return at
        return 0
