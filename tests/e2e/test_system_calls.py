"""What a request costs in calls to the kernel, as strace sees it."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from processes import Server
from programs import INLINE, SERVERS, patience, sanitized
from wire import Client, post, request

pytestmark = pytest.mark.skipif("sanitized()", reason="the sanitizers' runtime makes calls of its own")
assert callable(sanitized)


class Trace:
    """A server under strace; calls() reads what was traced when it has ended."""

    def __init__(self, serve: Callable[..., Server], folder: Path, row: str, *flags: str) -> None:
        assert shutil.which("strace"), "strace is not installed"
        self.path = folder / "trace"
        calls = "trace=epoll_ctl,epoll_wait,epoll_pwait,sendto,sendmsg,recvfrom,recvmsg,accept4,socket,setsockopt,brk,mmap,mremap,getppid,sched_yield,clock_nanosleep"
        wrapper = ["strace", "-f", "-qq", "-s", "0", "-o", str(self.path), "-e", calls, "-e", "signal=none"]
        self.server = serve(row, *flags, wrapper=wrapper)

    def calls(self) -> list[str]:
        self.server.stop()
        return self.path.read_text("utf-8").splitlines()


def named(calls: list[str], name: str) -> list[str]:
    return [call for call in calls if re.match(rf"\d+ +{name}\(", call)]


@pytest.mark.parametrize("row", SERVERS)
def test_small_requests_cost_no_epoll_ctl(serve: Callable[..., Server], tmp_path: Path, row: str) -> None:
    """One registration a connection and none a request; no interest in writing, one send and one receive."""
    trace = Trace(serve, tmp_path, row)
    clients = [trace.server.connect() for _ in range(5)]
    for _ in range(60):
        for client in clients:
            client.get("/plaintext")
            client.ask(post("/echo", b"x" * 1000))
    requests = 5 * 60 * 2
    calls = trace.calls()
    # Listener, wake and connections; the end needs none.
    assert len(named(calls, "epoll_ctl")) == 2 + 5
    assert not any("EPOLLOUT" in call for call in calls)
    assert requests <= len(named(calls, "sendto")) <= requests + 5
    assert requests <= len(named(calls, "recvfrom")) <= requests + 3 * 5


def test_pipelined_answers_share_a_send(serve: Callable[..., Server], tmp_path: Path) -> None:
    trace = Trace(serve, tmp_path, INLINE)
    client = trace.server.connect()
    for _ in range(50):
        client.send(request("/plaintext") * 16)
        for _ in range(16):
            assert client.read().body == b"Hello, World!"
    calls = trace.calls()
    assert 50 <= len(named(calls, "sendto")) <= 55
    assert not any("EPOLLOUT" in call for call in calls)


def test_interest_in_writing_while_a_send_is_stuck(serve: Callable[..., Server], tmp_path: Path) -> None:
    """It is there when it must be, and gone afterwards."""
    trace = Trace(serve, tmp_path, INLINE)
    client = trace.server.connect(receive_buffer=4096)
    client.send(request("/bytes/6000000"))
    trace.server.sync()  # a client that reads at once may take it all from under the send
    assert client.read().body == b"x" * 6_000_000
    client.send(request("/bytes/1"))
    assert client.read().body == b"x"
    changes = [call for call in named(trace.calls(), "epoll_ctl") if "EPOLL_CTL_MOD" in call]
    assert changes and "EPOLLOUT" in changes[0] and "EPOLLOUT" not in changes[-1]
    assert len(changes) < 10


@pytest.mark.parametrize("row", SERVERS)
def test_sockets_are_as_they_should_be(serve: Callable[..., Server], tmp_path: Path, row: str) -> None:
    """Closed on exec, never blocking, and without Nagle's algorithm."""
    trace = Trace(serve, tmp_path, row)
    trace.server.get("/plaintext")
    calls = trace.calls()
    accepted = [call for call in named(calls, "accept4") if not call.rstrip().endswith(")")]
    assert accepted and all("SOCK_CLOEXEC" in call and "SOCK_NONBLOCK" in call for call in accepted)
    assert any("TCP_NODELAY, [1]" in call for call in named(calls, "setsockopt"))


def test_connections_after_the_first_ones_take_no_memory(serve: Callable[..., Server], tmp_path: Path) -> None:
    """Places and buffers are reused: the heap does not grow."""
    trace = Trace(serve, tmp_path, INLINE)

    def round_of_connections(count: int) -> None:
        for _ in range(count):
            with Client(trace.server.port) as client:
                octets = post("/echo", b"y" * 3000)
                client.send(octets[:80])
                trace.server.sync()
                client.send(octets[80:])
                assert len(client.read().body) == 3000

    round_of_connections(20)
    with Client(trace.server.port) as client:
        client.get("/bytes/12345")
    round_of_connections(100)
    with Client(trace.server.port) as client:
        client.get("/bytes/12345")
    calls = trace.calls()
    # The mark is the connection that asked for so many bytes: its send is the only one of this size.
    marks = [i for i, call in enumerate(calls) if re.search(r"sendto\(.* 12[45]\d\d, ", call)]
    assert len(marks) == 2, marks
    grown = [call for call in calls[marks[0] : marks[1]] if re.match(r"\d+ +(brk|mmap|mremap)\(", call)]
    assert grown == []


def test_an_idle_server_makes_no_calls(serve: Callable[..., Server], tmp_path: Path) -> None:
    trace = Trace(serve, tmp_path, INLINE, "--timeout-keepalive-ms", "60000")
    client = trace.server.connect()
    client.get("/plaintext")
    before = len(trace.path.read_text("utf-8").splitlines())
    done = threading.Event()
    done.wait(min(0.3, patience()))
    after = len(trace.path.read_text("utf-8").splitlines())
    # The wait in which it sleeps may be written in between.
    assert after - before <= 2
    assert client.get("/plaintext").body == b"Hello, World!"
