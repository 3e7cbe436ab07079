"""Deadlines: never early, soon after, silent or in words as they should be, and nobody else's business.

A deadline's lower bound holds strictly, measured from before the first octet was sent. Its upper bound is the promise
of a machine that has time: a test tries three times, and one in time is enough.
"""

from __future__ import annotations

import json
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from processes import Server, until
from programs import INLINE, POOL, patience, sanitized, sanitizers
from wire import EOF, Client, Response, elapsed_since, parse_all, parse_response, pattern, post, post_chunked, request

T_MS = 150
T = T_MS / 1000
LATE = 0.15
LIMITS = ("--timeout-request-ms", str(T_MS))


def within_bounds(attempt: Callable[[], float], low: float, high: float) -> None:
    """The attempt returns how long it took."""
    took = []
    for _ in range(3):
        took.append(attempt())
        assert took[-1] >= low, f"after {took[-1]:.3f} s, too early: {low:.3f}"
        if took[-1] <= (high if not sanitized() else patience()):
            return
    pytest.fail(f"after {took} s, too late: {high:.3f}")


def expect_408(octets: bytes) -> Response:
    response = parse_response(octets)
    assert response is not None and response.raw == octets
    assert (response.status, response.closes) == (408, True)
    return response


UNFINISHED = {
    "one-octet": b"G",
    "request-line": b"GET / HTTP/1.1\r\n",
    "half-head": b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
    "head-without-end": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "no-body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
    "half-body": post("/echo", b"0123456789")[:-5],
    "half-large-body": post("/echo", b"y" * 900_000)[:-1],
    "half-chunk": post_chunked("/echo", b"0123456789", [10])[:-9],
    "no-last-chunk": post_chunked("/echo", b"0123456789", [10])[:-5],
    "half-trailer": post_chunked("/echo", b"0123456789", [10])[:-2] + b"X: ",
}


def test_unfinished_request_gets_408_then_the_end(serve: Callable[..., Server], either: str) -> None:
    """Wherever it stops; all at a time."""
    server = serve(either, *LIMITS)

    def attempt() -> float:
        late = 0.0
        poll = select.poll()
        waiting: dict[int, tuple[str, Client, float]] = {}
        for name, octets in UNFINISHED.items():
            client = server.connect()
            waiting[client.socket.fileno()] = (name, client, time.monotonic())
            poll.register(client.socket, select.POLLIN)
            client.send(octets)
        while waiting:
            ready = poll.poll(patience() * 1000)
            assert ready, f"neither an answer nor an end: {[name for name, _, _ in waiting.values()]}"
            for descriptor, _ in ready:
                name, client, start = waiting.pop(descriptor)
                poll.unregister(descriptor)
                received = client.read_to_end()
                took = elapsed_since(start)
                assert took >= T, f"{name}: {took:.3f} s is too early"
                late = max(late, took - T)
                expect_408(received)
                assert client.ended == EOF, name
                client.close()
        return late

    within_bounds(attempt, 0.0, LATE)
    stats = server.stats()
    assert stats["timeouts_request"] % len(UNFINISHED) == 0 and stats["timeouts_request"] > 0
    assert stats["requests"] == 1  # no handler has seen any


def test_connection_that_never_says_a_word_ends_in_silence(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, *LIMITS)

    def attempt() -> float:
        start = time.monotonic()
        with Client(server.port) as client:
            client.expect_end()
        return elapsed_since(start)

    within_bounds(attempt, T, T + LATE)


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("octets", [
    b"GET / HTTP/1.1\r\nX: " + b"y" * 1000,
    b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"y" * 1000,
], ids=["head", "body"])
def test_progress_does_not_extend_the_deadline(
    serve: Callable[..., Server], either: str, octets: bytes, before: int
) -> None:
    """One octet after the other, on the first and on a later request of a connection."""
    server = serve(either, *LIMITS)

    def attempt() -> float:
        with Client(server.port) as client:
            for _ in range(before):
                assert client.get("/bytes/1").body == b"x"
            start = time.monotonic()
            for at in range(len(octets)):
                client.send(octets[at : at + 1])
                if client.readable(0.02):
                    break
            received = client.read_to_end()
            took = elapsed_since(start)
            assert client.ended == EOF
        expect_408(received)
        return took

    within_bounds(attempt, T, T + LATE)


def test_a_fast_upload_does_not_extend_the_deadline(serve: Callable[..., Server], either: str) -> None:
    """There is always something of it to be read, and yet its time is over when it is over."""
    limit, size = 0.06, 600
    server = serve(either, "--timeout-request-ms", "60", "--read-buf-cap", "1000000000")
    block = b"y" * 1_000_000

    def attempt() -> float:
        with Client(server.port) as client:
            start = time.monotonic()
            client.send(request("/upload", f"Content-Length: {size * len(block)}", method="POST"))
            for _ in range(size):
                client.send(block)
                if client.readable(0):
                    break
            response = client.read()
            took = elapsed_since(start)
            assert (response.status, response.closes) == (408, True), f"{response.status} after {took:.3f} s"
        return took

    within_bounds(attempt, limit, limit + LATE)


def test_a_busy_loop_does_not_extend_the_deadline(serve: Callable[..., Server]) -> None:
    """The same where the loop reads more slowly than the client sends, because its handlers take their time: what is
    there at the deadline may still count, what comes later must not."""
    limit = 0.15
    server = serve(INLINE, "--timeout-request-ms", "150", "--read-buf-cap", "256000000")
    done = threading.Event()
    octets = post("/upload", b"y" * 100_000_000)

    def work() -> None:
        with Client(server.port) as client:
            while not done.is_set():
                client.get("/work/4000")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with Client(server.port) as client:
            start = time.monotonic()
            sender = threading.Thread(target=send_quietly, args=(client, octets))
            sender.start()
            response = client.read()
            took = elapsed_since(start)
            assert (response.status, response.closes) == (408, True), f"{response.status} after {took:.3f} s"
            assert took >= limit
            sender.join(patience())
    finally:
        done.set()
        worker.join(patience())


def send_quietly(client: Client, octets: bytes) -> None:
    try:
        client.send(octets)
    except OSError:
        pass  # the server had heard enough


def test_deadlines_hold_while_others_send_without_a_pause(serve: Callable[..., Server], either: str) -> None:
    """The loop always has something to read, and yet looks at its clock."""
    server = serve(either, *LIMITS)
    done = threading.Event()
    octets = post("/upload", b"y" * 900_000)
    uploads: list[int] = []

    def upload() -> None:
        with Client(server.port) as client:
            while not done.is_set():
                uploads.append(client.ask(octets).status)

    threads = [threading.Thread(target=upload) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(uploads) > 10, "uploads")
        for _ in range(3):
            half, idle = server.connect(), server.connect()
            start = time.monotonic()
            half.send(b"GET / HTTP/1.1\r\n")
            expect_408(half.read_to_end())
            assert T <= elapsed_since(start) < (2.0 if not sanitized() else patience())
            idle.expect_end()
    finally:
        done.set()
        for thread in threads:
            thread.join(patience())
    assert set(uploads) == {200}


def test_deadline_begins_with_the_first_octet(serve: Callable[..., Server], either: str) -> None:
    """Not with the connection, nor with the last answer."""
    limit = 0.3
    server = serve(either, "--timeout-request-ms", "300", "--timeout-keepalive-ms", "60000")

    def attempt() -> bool:
        with Client(server.port) as client:
            connected = time.monotonic()
            for size, pause in ((1, 0.7 * limit), (2, 1.3 * limit)):
                time.sleep(pause)
                if size == 1 and elapsed_since(connected) > limit:
                    return False  # the machine was away for so long
                begun = time.monotonic()
                client.send(f"GET /bytes/{size} HTTP/1.1\r\n".encode())
                time.sleep(0.5 * limit)
                client.send(b"Host: x\r\n\r\n")
                if elapsed_since(begun) > limit:
                    return False
                assert client.read().body == b"x" * size
        return True

    assert any(attempt() for _ in range(3)), "the machine was never quick enough"


def test_idle_connection_ends_in_silence(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--timeout-keepalive-ms", str(T_MS))

    def attempt() -> float:
        with Client(server.port) as client:
            client.get("/")
            start = time.monotonic()
            client.get("/")
            client.expect_end()
            return elapsed_since(start)

    within_bounds(attempt, T, T + LATE)
    assert server.stats()["timeouts_keepalive"] >= 1


def test_each_answer_begins_the_idle_time_anew(serve: Callable[..., Server], either: str) -> None:
    limit = 0.3
    server = serve(either, "--timeout-keepalive-ms", "300")

    def attempt() -> bool:
        with Client(server.port) as client:
            begin = time.monotonic()
            while elapsed_since(begin) < 2.2 * limit:
                before = time.monotonic()
                client.send(request("/"))
                if not client.buffer and not (octets := client.receive()):
                    assert False, f"{client.ended} although it was not idle"
                assert octets.endswith(b"OK")
                time.sleep(limit / 3)
                if elapsed_since(before) > limit:
                    return False
        return True

    assert any(attempt() for _ in range(3)), "the machine was never quick enough"


def test_empty_lines_do_not_hold_an_idle_connection(serve: Callable[..., Server], either: str) -> None:
    """A line end that belongs to nothing is neither a request nor a sign of life."""
    server = serve(either, *LIMITS, "--timeout-keepalive-ms", str(T_MS))
    client = server.connect()
    assert client.get("/").body == b"OK"
    client.send(b"\r\n")
    client.expect_end()


def test_healthy_client_does_not_notice_evictions(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, *LIMITS)
    broken = [server.connect() for _ in range(200)]
    for client in broken:
        client.send(b"GET / HTTP/1.1\r\nHost")
    healthy = server.connect()
    start = time.monotonic()
    slowest = 0.0
    while elapsed_since(start) < 2 * T:
        before = time.monotonic()
        assert healthy.get("/plaintext").body == b"Hello, World!"
        slowest = max(slowest, elapsed_since(before))
    for client in broken:
        expect_408(client.read_to_end())
    assert slowest < 1.0
    assert server.stats()["timeouts_request"] == len(broken)


@pytest.mark.parametrize("kind", ["half-head", "idle", "mixed"])
def test_each_connection_has_its_own_deadline(serve: Callable[..., Server], either: str, kind: str) -> None:
    """Ten, begun one after the other: the first one's end is not everybody's, and takes nobody with it."""
    server = serve(either, *LIMITS, "--timeout-keepalive-ms", str(T_MS))

    def attempt() -> float:
        started: dict[int, tuple[Client, float, bool]] = {}
        late = 0.0
        poll = select.poll()
        begin = time.monotonic()
        step = 0.03
        while started or elapsed_since(begin) < 10 * step:
            count = min(10, int(elapsed_since(begin) / step) + 1)
            while count > attempt_state["made"]:
                number = attempt_state["made"]
                attempt_state["made"] += 1
                half = kind == "half-head" or (kind == "mixed" and number % 2 == 0)
                client = server.connect()
                start = time.monotonic()
                if half:
                    client.send(b"GET / HTTP/1.1\r\n")
                else:
                    client.get("/")
                started[client.socket.fileno()] = (client, start, half)
                poll.register(client.socket, select.POLLIN)
            for descriptor, _ in poll.poll(5):
                client, start, half = started.pop(descriptor)
                poll.unregister(descriptor)
                took = elapsed_since(start)
                assert took >= T, f"{took:.3f} s is too early"
                late = max(late, took - T)
                octets = client.read_to_end()
                assert client.ended == EOF
                if half:
                    expect_408(octets)
                else:
                    assert octets == b""
                client.close()
            assert elapsed_since(begin) < patience()
        return late

    attempt_state = {"made": 0}

    def fresh_attempt() -> float:
        attempt_state["made"] = 0
        return attempt()

    within_bounds(fresh_attempt, 0.0, LATE)


# --- what arrived in time is never late because the server was --------------------------------------------------------------

without_thread_sanitizer = pytest.mark.skipif(sanitizers() == "thread", reason="the machine is never quick enough")
STANDSTILL = 0.3
STANDSTILL_FLAGS = ("--timeout-request-ms", "300", "--timeout-keepalive-ms", "300")
WHOLE = request("/bytes/5")


def stand_still(server: Server, begin: Callable[[], Any], send: Callable[[Any], None]) -> Any:
    """What begin() made is in the server when the process is stopped, in time; send() reaches the kernel alone; the
    process goes on when every deadline has passed. Returns what begin() made."""
    for _ in range(3):
        start = time.monotonic()
        made = begin()
        server.sync()
        with server.frozen():
            in_time = elapsed_since(start) < STANDSTILL
            send(made)
            time.sleep(STANDSTILL + 0.1)
        if in_time:
            return made
    pytest.fail("the machine was never quick enough")


def test_request_that_arrived_during_a_standstill_is_served(serve: Callable[..., Server], either: str) -> None:
    """The rest of one, one on an idle connection, and the first of a connection."""
    server = serve(either, *STANDSTILL_FLAGS)

    def begin() -> dict[str, Client]:
        clients = {kind: server.connect() for kind in ("rest", "next", "first")}
        clients["rest"].send(WHOLE[:20])
        clients["next"].get("/")
        return clients

    def send(clients: dict[str, Client]) -> None:
        clients["rest"].send(WHOLE[20:])
        clients["next"].send(WHOLE)
        clients["first"].send(WHOLE)

    received = {kind: client.receive() for kind, client in stand_still(server, begin, send).items()}
    assert {kind: octets[:12] for kind, octets in received.items()} == dict.fromkeys(received, b"HTTP/1.1 200")
    assert all(octets.endswith(b"\r\n\r\nxxxxx") for octets in received.values())


@without_thread_sanitizer
def test_large_request_that_arrived_during_a_standstill_is_served(serve: Callable[..., Server], either: str) -> None:
    """More than one read takes."""
    server = serve(either, *STANDSTILL_FLAGS, "--read-buf-cap", str(64 << 20))
    octets = post("/upload", pattern(300_000))
    taken: list[int] = []

    def begin() -> Client:
        client = server.connect()
        # After a long upload the kernel takes as much as this without being read.
        client.ask(post("/upload", b"y" * 20_000_000))
        client.send(octets[:100])
        return client

    client = stand_still(server, begin, lambda client: taken.append(client.send_some(octets[100:])))
    assert taken[-1] == len(octets) - 100, "the kernel did not take it all"
    assert json.loads(client.read().body)["bytes"] == 300_000


@without_thread_sanitizer
def test_many_requests_that_arrived_during_a_standstill_are_served(serve: Callable[..., Server], either: str) -> None:
    """More than one wait reports."""
    backlog = ("--thread-pool-backlog", "4000") if either == POOL else ()
    server = serve(either, *STANDSTILL_FLAGS, *backlog)

    def begin() -> list[Client]:
        clients = [server.connect() for _ in range(1200)]
        with server.frozen():
            for client in clients:
                client.send(WHOLE[:20])
        return clients

    def send_rests(clients: list[Client]) -> None:
        for client in clients:
            client.send(WHOLE[20:])

    clients = stand_still(server, begin, send_rests)
    statuses = [client.read().status for client in clients]
    assert statuses == [200] * len(clients), {status: statuses.count(status) for status in set(statuses)}


def test_what_did_not_arrive_is_late_after_a_standstill(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, *STANDSTILL_FLAGS)

    def begin() -> tuple[Client, Client]:
        unfinished, idle = server.connect(), server.connect()
        unfinished.send(b"GET / HTTP/1.1\r\n")
        idle.get("/")
        return unfinished, idle

    unfinished, idle = stand_still(server, begin, lambda made: None)
    expect_408(unfinished.read_to_end())
    idle.expect_end()


# --- writing ----------------------------------------------------------------------------------------------------------------

LARGE = 12_000_000


def test_client_that_does_not_read_is_cut(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--timeout-write-ms", str(T_MS))
    start = time.monotonic()
    clients = [server.connect(receive_buffer=4096) for _ in range(5)]
    for client in clients:
        client.send(request(f"/bytes/{LARGE}"))
    until(lambda: server.stats()["timeouts_write"] == len(clients), "all five cut")
    assert elapsed_since(start) >= T
    assert server.stats()["active"] == 1
    for client in clients:
        received = client.read_to_end()
        assert len(received) < LARGE


def test_client_that_reads_slowly_is_not_cut(serve: Callable[..., Server], either: str) -> None:
    """It takes some octets all the time, only not many: that is not `without taking a single octet`."""
    limit = 0.4
    server = serve(either, "--timeout-write-ms", "400")

    def attempt() -> bool:
        with Client(server.port) as client:
            client.send(request(f"/bytes/{LARGE}"))
            start = last = time.monotonic()
            received = 0
            longest = 0.0
            while received < LARGE:
                slowly = elapsed_since(start) < 3 * limit
                octets = client.receive(16_384 if slowly else 1 << 20)
                longest = max(longest, elapsed_since(last))
                last = time.monotonic()
                if not octets and longest > limit / 2:
                    return False
                assert octets, f"{client.ended} after {received} octets and {elapsed_since(start):.2f} s of reading"
                received += len(octets)
                time.sleep(0.02 if slowly else 0)
        return True

    assert any(attempt() for _ in range(3)), "the machine was never quick enough"


def test_slow_reader_of_eight_megabytes(serve: Callable[..., Server], either: str) -> None:
    """A small window, drop by drop: byte-exact, then another request; meanwhile the server does not spin and serves
    others."""
    server = serve(either)
    client = server.connect(receive_buffer=4096)
    size = 8_000_000
    client.send(request(f"/bytes/{size}") + request("/bytes/3"))
    server.sync()
    # Nothing moves while nobody reads.
    with server.not_spinning():
        time.sleep(0.4)
    others: list[bytes] = []
    done = threading.Event()

    def be_served() -> None:
        while not done.is_set():
            others.append(server.get("/plaintext").body)

    other = threading.Thread(target=be_served)
    other.start()
    try:
        assert client.read().body == b"x" * size
        assert client.read().body == b"xxx"
    finally:
        done.set()
        other.join(patience())
    assert client.get("/bytes/4").body == b"xxxx"
    assert client.buffer == b"" and len(others) >= 10


def test_client_that_pipelines_and_never_reads_is_bounded_and_cut(serve: Callable[..., Server], either: str) -> None:
    """It is no longer read when enough waits for it; what waits is bounded; and in the end it is cut."""
    server = serve(either, "--timeout-write-ms", "400")
    server.get("/bytes/100000")
    before = server.rss()
    client = server.connect(receive_buffer=4096)
    start = time.monotonic()
    requests = request("/bytes/100000", host="x") * 10_000
    sent = 0
    while elapsed_since(start) < 0.25:
        sent += client.send_some(requests)
        time.sleep(0.01)
    until(lambda: server.stats()["timeouts_write"] == 1, "the reader that does not read, cut")
    assert elapsed_since(start) >= 0.4
    stats = server.stats()
    assert stats["bytes_received"] < 1_000_000 and stats["bytes_sent"] < 20_000_000, stats
    if not sanitized():
        assert server.peak_rss() - before < 16_000_000
    # What was sent before is not torn in the middle of nowhere: whole answers, then a piece of one at most.
    octets = client.read_to_end()
    assert sent > 50_000
    assert 1 <= octets.count(b"HTTP/1.1 200 OK\r\n") < 10_000


def test_client_that_pipelines_and_reads_late_gets_everything(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    client = server.connect(receive_buffer=65_536)
    count = 300
    octets = b"".join(request(f"/bytes/{100_000 + i}") for i in range(count))
    writer = threading.Thread(target=client.send, args=(octets,))
    writer.start()
    server.sync()
    time.sleep(0.2)
    if not sanitized():
        assert server.rss() < 40_000_000
    for i in range(count):
        assert len(client.read().body) == 100_000 + i
    writer.join(patience())
    assert client.buffer == b""


def test_idle_servers_do_nothing(serve: Callable[..., Server], either: str) -> None:
    """No timer, no wake-up, no spin, after some load and with connections open."""
    server = serve(either, "--timeout-keepalive-ms", "60000", "--timeout-request-ms", "60000")
    clients = [server.connect() for _ in range(50)]
    for client in clients[:40]:
        for _ in range(20):
            client.get("/plaintext")
    for client in clients[40:]:
        client.send(b"GET / HT")
    server.until_at_rest(0.6)
    for client in clients[:40]:
        assert parse_all(client.get("/").raw)[0].body == b"OK"
