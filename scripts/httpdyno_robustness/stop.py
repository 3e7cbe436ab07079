"""SIGTERM while many connections ask without a pause: whatever has begun to come must come whole.

Connections differ in what they ask, in how many questions they keep under way, and in how fast they read. A connection
may end between two responses, and unanswered questions may be lost (RFC 9112 9.3.1: a client may ask again); a response
that ends before its end is the failure that is counted.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import select
import socket
import time
from collections.abc import Callable

from httpdyno_bench.errors import RunError
from httpdyno_robustness.program import running
from httpdyno_robustness.responses import Responses

NAME = "stop"
HELP = "SIGTERM under load"
_TRIAL_SECONDS = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trials", type=int, default=100, help="how often")
    parser.add_argument("--connections", type=int, default=64, help="at a time")
    parser.add_argument("--seed", type=int, default=1, help="of the moments at which the signal comes")
    parser.add_argument("--drain-seconds", type=float, default=5.0, help="after which the server may cut what is left")


def _get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: trial\r\n\r\n".encode()


def _post(size: int) -> bytes:
    return b"POST /echo HTTP/1.1\r\nHost: trial\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size)


@dataclasses.dataclass(frozen=True)
class Manner:
    """What a connection asks, how many questions it keeps under way, and how much it reads at a time."""

    question: bytes
    depth: int
    read_bytes: int = 1 << 18


MANNERS = [
    Manner(_get("/plaintext"), 1),
    Manner(_get("/plaintext"), 16),
    Manner(_get("/bytes/3000"), 4),
    Manner(_post(4096), 1),
    Manner(_post(500), 8),
    Manner(_get("/bytes/400000"), 2, read_bytes=16_384),
    Manner(_get("/bytes/3000000"), 2, read_bytes=65_536),
    Manner(_get("/stream/300000"), 2, read_bytes=16_384),
    Manner(_get("/sleep/1"), 1),
]


class Asker:
    """One connection."""

    def __init__(self, port: int, manner: Manner) -> None:
        self.manner = manner
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TRIAL_SECONDS)
        self.socket.setblocking(False)
        self.responses = Responses()
        self._unsent = b""
        self.ask(manner.depth)

    def ask(self, count: int) -> None:
        """As far as the kernel takes it; the rest goes with the next."""
        self._unsent += self.manner.question * count
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent = b""  # the end is seen by the next read

    def read(self) -> bool:
        """False at the end."""
        try:
            octets = self.socket.recv(self.manner.read_bytes)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        if not octets:
            return False
        if whole := self.responses.feed(octets):
            self.ask(whole)
        return True


@dataclasses.dataclass
class Outcome:
    responses: int = 0
    truncated: int = 0
    stop_seconds: float = 0.0  # from the signal to the last connection's end


def trial(port: int, terminate: Callable[[], None], connections: int, delay: float) -> Outcome:
    askers = {}
    poll = select.poll()
    for number in range(connections):
        asker = Asker(port, MANNERS[number % len(MANNERS)])
        askers[asker.socket.fileno()] = asker
        poll.register(asker.socket, select.POLLIN)
    outcome = Outcome()
    begin = time.monotonic()
    signalled: float | None = None
    while askers:
        now = time.monotonic()
        if now - begin > _TRIAL_SECONDS:
            raise RunError(f"{len(askers)} connections do not end")
        # Every manner has been answered before the end may come.
        if signalled is None and now - begin >= delay and all(asker.responses.whole for asker in askers.values()):
            terminate()
            signalled = time.monotonic()
        for descriptor, _ in poll.poll(5):
            asker = askers[descriptor]
            if asker.read():
                continue
            if signalled is None:
                raise RunError("a connection has ended before the signal")
            poll.unregister(descriptor)
            asker.socket.close()
            outcome.responses += asker.responses.whole
            outcome.truncated += asker.responses.truncated
            del askers[descriptor]
    assert signalled is not None
    outcome.stop_seconds = time.monotonic() - signalled
    return outcome


def run(arguments: argparse.Namespace) -> int:
    chance = random.Random(arguments.seed)
    flags = ["--loops", str(arguments.loops), "--timeout-drain-ms", str(round(arguments.drain_seconds * 1000))]
    total = Outcome()
    for _ in range(arguments.trials):
        with running(arguments.bin_dir / arguments.row, flags) as server:
            try:
                outcome = trial(server.port, server.terminate, arguments.connections, chance.uniform(0.02, 0.3))
            except ValueError as error:
                raise RunError(str(error)) from None
            counters = server.wait(arguments.drain_seconds + 30)
        if counters["active"] != 0 or counters["accepted"] != counters["closed"]:
            raise RunError(f"connections are left: {counters}")
        total.responses += outcome.responses
        total.truncated += outcome.truncated
        total.stop_seconds = max(total.stop_seconds, outcome.stop_seconds)
    print(
        f"{arguments.row}, {arguments.loops} loops: {arguments.trials} trials of {arguments.connections} connections, "
        f"{total.responses} whole responses, {total.truncated} truncated, longest stop {total.stop_seconds:.2f} s"
    )
    return 0 if total.truncated == 0 else 1
