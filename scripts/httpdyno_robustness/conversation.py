"""One connection to a server under trial: what is asked, and that what comes back is exactly the answers to it."""

from __future__ import annotations

import dataclasses
import re
import socket
import struct
from collections import deque

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")
_LAST = b"\r\nConnection: close\r\n"
# What the server itself may say in a handler's place: it ends the connection.
GIVEN_UP = (503, 504)
_RECEIVE_BYTES = 1 << 16


class WrongAnswer(Exception):
    """An answer that is not the expected one, or too many, or too few."""


@dataclasses.dataclass(frozen=True)
class Question:
    """A request's octets, and the content of its answer."""

    octets: bytes
    content: bytes


def get(target: str, content: bytes) -> Question:
    return Question(f"GET {target} HTTP/1.1\r\nHost: trial\r\n\r\n".encode(), content)


def echo(content: bytes) -> Question:
    return Question(b"POST /echo HTTP/1.1\r\nHost: trial\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content), content)


class Conversation:
    """Does not block; the questions are all asked at once."""

    def __init__(self, port: int, questions: list[Question]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30.0)
        self.socket.setblocking(False)
        self.answered = 0
        self.given_up = 0  # the status with which the server ended it
        self._expected = deque(question.content for question in questions)
        self._unsent = b"".join(question.octets for question in questions)
        self._received = bytearray()
        self.send()

    def fileno(self) -> int:
        return self.socket.fileno()

    @property
    def finished(self) -> bool:
        """All has been answered, or the server has said that the rest will not be."""
        return not self._expected or self.given_up > 0

    @property
    def unsent(self) -> bool:
        return bool(self._unsent)

    def send(self) -> None:
        """As much as the kernel takes."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the end is seen by the next receive()

    def receive(self) -> bool:
        """Looks at what has come. False at the stream's end; then everything must have been answered."""
        try:
            octets = self.socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return True
        except OSError as error:
            raise WrongAnswer(f"the connection broke: {error.strerror}; {self._where()}") from None
        self._received += octets
        while self._take():
            pass
        if octets:
            return True
        if not self.finished or self._received:
            raise WrongAnswer(f"the stream ended before all was answered; {self._where()}")
        return False

    def _take(self) -> bool:
        """One answer off the front."""
        end = self._received.find(b"\r\n\r\n") + 4
        if self._received and self.finished:
            raise WrongAnswer(f"octets that nobody asked for: {bytes(self._received[:80])!r}; {self._where()}")
        if end < 4:
            return False
        head = bytes(self._received[:end])
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 ") or length is None:
            raise WrongAnswer(f"no answer: {head[:80]!r}; {self._where()}")
        status = int(head[9:12])
        size = int(length[1])
        content = bytes(self._received[end : end + size])
        if status in GIVEN_UP and _LAST in head:
            if len(content) < size:
                return False
            self.given_up = status
        elif status != 200 or not self._expected[0].startswith(content) or len(self._expected[0]) != size:
            raise WrongAnswer(f"the wrong answer: {head!r}, {content[:40]!r}; {self._where()}")
        elif len(content) < size:
            return False
        else:
            self._expected.popleft()
            self.answered += 1
        del self._received[: end + size]
        return bool(self._received)

    def _where(self) -> str:
        return f"{self.answered} answered, {len(self._expected)} to come"

    def end_our_side(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
