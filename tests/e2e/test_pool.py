"""Handlers on workers: a request that a worker has is frozen, answers keep their order, too much is shed, and whatever
happens to a connection meanwhile, nobody else notices.

What must be in a worker before a test goes on is looked up in the kernel: a thread that sleeps in its handler. What the
loop must have read is made sure of by a request that the loop answers itself (Server.sync).
"""

from __future__ import annotations

import json
import random
import re
import select
import threading
import time
from collections.abc import Callable

import pytest

from processes import Server, has_own_threads, tool, until, while_handlers_sleep
from programs import BIN_DIR, INLINE, POOL, ROOT, SERVERS, patience, pooled, rounds, sanitized
from wire import EOF, Client, Response, answer, elapsed_since, parse_all, pattern, post, request

POOLS = [row for row in SERVERS if pooled(row)]


def pool(serve: Callable[..., Server], workers: int, backlog: int = 1024, *flags: str, row: str = POOL) -> Server:
    return serve(row, "--thread-pool-count", str(workers), "--thread-pool-backlog", str(backlog), *flags)


def busy(server: Server, workers: int, milliseconds: int) -> list[Client]:
    """So many handlers that sleep; returns when they do."""
    clients = [server.connect() for _ in range(workers)]
    for count, client in enumerate(clients, start=1):
        client.send(request(f"/sleep/{milliseconds}"))
        server.wait_for_sleepers(count)
    return clients


# --- threads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SERVERS)
def test_number_of_threads(serve: Callable[..., Server], row: str) -> None:
    """One, and one for each worker."""
    if has_own_threads():
        pytest.skip("the sanitizer's runtime has threads of its own")
    if not pooled(row):
        server = serve(row)
        server.get("/plaintext")
        assert server.threads() == [server.pid]
        return
    for workers in (1, 3, 8):
        server = pool(serve, workers, row=row)
        server.get("/plaintext")
        assert len(server.threads()) == 1 + workers


def test_default_of_a_pool_and_of_none(serve: Callable[..., Server]) -> None:
    if has_own_threads():
        pytest.skip("the sanitizer's runtime has threads of its own")
    assert len(serve(INLINE).threads()) == 1
    assert len(serve(POOL).threads()) == 1 + 4


def test_who_runs_the_handlers(serve: Callable[..., Server]) -> None:
    """The loop's own thread, or any but it."""
    for row in (INLINE, POOL):
        server = serve(row)
        before = server.thread_cpu_seconds(server.pid)
        assert server.get("/work/300000").body == b"worked\n"
        used = server.thread_cpu_seconds(server.pid) - before
        if row == INLINE:
            assert used >= 0.3
        else:
            assert used < 0.2


@pytest.mark.parametrize("row", POOLS)
def test_slow_handlers_run_side_by_side(serve: Callable[..., Server], row: str) -> None:
    server = pool(serve, 8, row=row)
    start = time.monotonic()
    clients = [server.connect() for _ in range(8)]
    for client in clients:
        client.send(request("/sleep/300"))
    for client in clients:
        assert client.read().body == b"slept\n"
    assert 0.3 <= elapsed_since(start) < 8 * 0.3 / 2


def test_answer_wakes_a_loop_that_has_nothing_else_to_wait_for(serve: Callable[..., Server]) -> None:
    """The loop sleeps without a limit while a worker works: a wake that is lost would be lost for good."""
    server = serve(POOL)
    client = server.connect()
    for _ in range(50):
        assert client.get("/sleep/1").body == b"slept\n"
    slowest = 0.0
    for _ in range(500):
        start = time.monotonic()
        assert client.get("/plaintext").body == b"Hello, World!"
        slowest = max(slowest, elapsed_since(start))
    assert slowest < 1.0


def test_no_wake_is_lost_under_load(serve: Callable[..., Server]) -> None:
    """Eight workers, many connections: every answer comes."""
    server = pool(serve, 8)
    clients = [server.connect() for _ in range(64)]
    for _ in range(150):
        for client in clients:
            client.send(request("/bytes/1"))
        for client in clients:
            assert client.read().body == b"x"
    assert server.stats()["requests"] == 64 * 150 + 1


def test_no_answer_under_load_is_late(serve: Callable[..., Server]) -> None:
    """Eight workers, 64 connections: a wake that is lost would leave its answer for good, for the loop waits without a
    limit, and the request would time out."""
    server = pool(serve, 8)
    wanted = rounds(2_000, 1_000_000)
    counted = 0
    while counted < wanted:
        result = tool(str(BIN_DIR / "loadgen"), f"http://127.0.0.1:{server.port}/plaintext", "--connections", "64",
                      "--duration", "1s" if wanted < 10_000 else "10s", "--timeout", "10s", "--json", "-")
        # 3: the machine was too busy for times to count; answers do.
        assert result.returncode in (0, 3), (result.stdout, result.stderr)
        report = json.loads(result.stdout)
        assert report["errors"]["total"] == 0 and report["unanswered"] == 0, report
        counted += report["requests"]
    counters = server.stop()
    assert (counters["requests"], counters["stale_dropped"], counters["shed"]) == (counted, 0, 0)


def full_pool(serve: Callable[..., Server], milliseconds: int, *flags: str) -> tuple[Server, list[Client], Client]:
    """One worker that sleeps, one request that waits, and no room for another."""
    server = pool(serve, 1, 1, *flags)
    running = busy(server, 1, milliseconds)
    waiting = server.connect()
    waiting.send(request("/plaintext"))
    server.sync()
    return server, running, waiting


# --- frozen ---------------------------------------------------------------------------------------------------------------


def test_frozen_connection_is_not_read(serve: Callable[..., Server]) -> None:
    server = pool(serve, 2)
    more = request("/bytes/1") * 4000

    def check(milliseconds: int) -> bool:
        with server.connect() as frozen, server.connect() as control:
            frozen.send(request(f"/sleep/{milliseconds}"))
            server.wait_for_sleepers(1)
            before = json.loads(control.get("/stats").body)["bytes_received"]
            rss = server.rss()
            sent = frozen.send_some(more)
            server.sync()
            after = json.loads(control.get("/stats").body)["bytes_received"]
            grown = server.rss() - rss
            conclusive = server.sleeping_workers() == 1
            if conclusive:
                assert sent > 30_000
                assert after - before == len(request("/stats")) + len(b"sync\r\n")
                assert sanitized() or grown < 256 * 1024
            rest = threading.Thread(target=frozen.send, args=(more[sent:],))
            rest.start()
            assert frozen.read().body == b"slept\n"
            for _ in range(4000):
                assert frozen.read().body == b"x"
            rest.join(patience())
            assert frozen.buffer == b""
        return conclusive

    while_handlers_sleep(check)


@pytest.mark.parametrize("first", [100, 40_000, 300_000])
def test_frozen_request_does_not_change(serve: Callable[..., Server], first: int) -> None:
    """A body waits for its worker while larger ones arrive behind it and elsewhere."""
    server = pool(serve, 1)
    busy(server, 1, 200)
    bodies = [pattern(first, 1), pattern(first * 3, 2), pattern(10, 3)]
    clients = [server.connect() for _ in range(3)]
    writers = []
    for client in clients:
        client.send(post("/echo", bodies[0]))
        writer = threading.Thread(target=client.send, args=(post("/echo", bodies[1]) + post("/echo", bodies[2]),))
        writer.start()
        writers.append(writer)
    for client in clients:
        for body in bodies:
            assert client.read().body == body
    for writer in writers:
        writer.join(patience())


def test_frozen_connection_is_not_evicted(serve: Callable[..., Server]) -> None:
    """The wait for a worker is not the client's: neither deadline runs, and the idle time begins with the answer."""
    server = pool(serve, 2, 1024, "--timeout-request-ms", "200", "--timeout-keepalive-ms", "200",
                  "--timeout-write-ms", "200")
    client = server.connect()
    for _ in range(2):
        assert client.get("/sleep/400").body == b"slept\n"
    # The idle time does run from here.
    start = time.monotonic()
    client.get("/plaintext")
    client.expect_end()
    assert elapsed_since(start) >= 0.2


def test_half_a_request_behind_a_frozen_one_has_its_time_from_the_answer_on(serve: Callable[..., Server]) -> None:
    server = pool(serve, 2, 1024, "--timeout-request-ms", "250")
    client = server.connect()
    start = time.monotonic()
    client.send(request("/sleep/500") + b"GET / HTTP/1.1\r\n")
    assert client.read().body == b"slept\n"
    assert client.read().status == 408
    client.expect_end()
    assert elapsed_since(start) >= 0.75


def quiet_while_frozen(server: Server, client: Client, disturb: Callable[[Client], None]) -> None:
    """A worker sleeps, and the client does something."""
    client.send(request("/sleep/400"))
    server.wait_for_sleepers(1)
    disturb(client)
    time.sleep(0.05)
    with server.not_spinning():
        time.sleep(0.25)


def test_octets_behind_a_frozen_request_cost_nothing(serve: Callable[..., Server]) -> None:
    server = serve(POOL)
    client = server.connect()
    quiet_while_frozen(server, client, lambda client: client.send(request("/bytes/2") * 10))
    assert client.read().body == b"slept\n"
    assert [client.read().body for _ in range(10)] == [b"xx"] * 10


def test_half_close_behind_a_frozen_request_costs_nothing(serve: Callable[..., Server]) -> None:
    server = serve(POOL)
    client = server.connect()
    quiet_while_frozen(server, client, Client.half_close)
    assert client.read().body == b"slept\n"
    client.expect_end()


def test_reset_behind_a_frozen_request_costs_nothing(serve: Callable[..., Server]) -> None:
    server = serve(POOL)
    descriptors = server.descriptors()
    quiet_while_frozen(server, server.connect(), Client.reset)
    until(lambda: server.stats()["active"] == 1, "only the connection that asks")
    until(lambda: server.descriptors() == descriptors, "as many descriptors as before")


def test_half_closed_pipeline_is_answered_to_the_end(serve: Callable[..., Server]) -> None:
    with serve(POOL).connect() as client:
        client.send(request("/sleep/5") * 20)
        client.half_close()
        assert [client.read().body for _ in range(20)] == [b"slept\n"] * 20
        client.expect_end()


@pytest.mark.parametrize("workers", [1, 4])
def test_buffered_requests_follow_without_a_stall(serve: Callable[..., Server], workers: int) -> None:
    """Twenty in one write: no event will announce the second."""
    server = pool(serve, workers)
    client = server.connect()
    start = time.monotonic()
    client.send(request("/sleep/10") * 20)
    for _ in range(20):
        assert client.read().body == b"slept\n"
    assert 0.2 <= elapsed_since(start) < 2.0


def test_second_request_during_a_slow_handler_is_not_stranded(serve: Callable[..., Server]) -> None:
    client = serve(POOL).connect()
    for _ in range(100):
        client.send(request("/sleep/2"))
        client.send(request("/bytes/3"))
        assert client.read().body == b"slept\n"
        assert client.read().body == b"xxx"


# --- too much -------------------------------------------------------------------------------------------------------------

SHED_BODY = b"503 Service Unavailable: every worker is busy and the backlog is full\n"


def assert_shed(response: Response) -> None:
    assert response.masked == answer(SHED_BODY, "503 Service Unavailable", "text/plain; charset=utf-8", "Retry-After: 1",
                                     connection="close")


@pytest.mark.parametrize("workers, backlog", [(1, 1), (2, 3), (4, 1)])
def test_one_more_than_fits_is_shed(serve: Callable[..., Server], workers: int, backlog: int) -> None:
    """Not when the workers are busy, but when as many wait as may; and at once."""

    def check(milliseconds: int) -> bool:
        server = pool(serve, workers, backlog)
        running = busy(server, workers, milliseconds)
        waiting = [server.connect() for _ in range(backlog)]
        for client in waiting:
            client.send(request("/plaintext"))
        server.sync()
        extra = [server.connect() for _ in range(3)]
        responses = [client.get("/plaintext") for client in extra]
        if server.sleeping_workers() != workers:
            return False
        for client, response in zip(extra, responses):
            assert_shed(response)
            client.expect_end()
        for client in running:
            assert client.read().body == b"slept\n"
        for client in waiting:
            assert client.read().body == b"Hello, World!"
        for client in running + waiting:
            assert client.get("/bytes/1").body == b"x"
        stats = server.stats()
        assert stats["shed"] == 3
        assert stats["requests"] == 2 * (workers + backlog) + 3 + 1
        return True

    while_handlers_sleep(check)


def test_shed_ends_its_pipeline(serve: Callable[..., Server]) -> None:
    """One 503, then the end: no answer to what stands behind it, and no reset before it is read."""

    def check(milliseconds: int) -> bool:
        server, (running,), waiting = full_pool(serve, milliseconds)
        client = server.connect()
        client.send(request("/bytes/1") * 3 + post("/echo", b"x" * 100_000))
        response = client.read()
        if server.sleeping_workers() != 1:
            return False
        assert_shed(response)
        client.expect_end()
        assert running.read().body == b"slept\n" and waiting.read().body == b"Hello, World!"
        assert server.stats()["shed"] == 1
        return True

    while_handlers_sleep(check)


def statuses_of_burst(server: Server, count: int, begin: bytes, rest: bytes) -> list[int]:
    """What so many clients are answered whose requests, begun before, become whole while the server stands still."""
    clients = [server.connect() for _ in range(count)]
    for client in clients:
        client.send(begin)
    server.sync()
    with server.frozen():
        for client in clients:
            client.send(rest)
    return [client.read().status for client in clients]


@pytest.mark.parametrize("workers, backlog", [(1, 1), (4, 1), (4, 4)])
def test_burst_that_fits_is_not_shed(serve: Callable[..., Server], workers: int, backlog: int) -> None:
    """As many as the workers and the backlog hold together arrive in one moment, and one more."""
    server = pool(serve, workers, backlog)
    fits = workers + backlog
    statuses = statuses_of_burst(server, fits + 1, b"GET /sleep", b"/100 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert statuses == [200] * fits + [503]
    assert server.stats()["shed"] == 1


def test_sheds_at_any_moment_are_exact(serve: Callable[..., Server]) -> None:
    """Several pipelines compete for too small a pool: each gets answers in order, then perhaps one 503 and the end."""
    server = pool(serve, 1, 1)
    sheds = served = 0
    for turn in range(150):
        clients = [Client(server.port) for _ in range(4)]
        octets = [b"".join(post("/echo", b"%d.%d.%d" % (turn, number, i)) for i in range(5)) for number in range(4)]
        for number, client in enumerate(clients):
            client.send(octets[number])
            client.half_close()
        for number, client in enumerate(clients):
            responses = parse_all(client.read_to_end())
            assert client.ended == EOF
            good = [response.body for response in responses if response.status == 200]
            assert good == [b"%d.%d.%d" % (turn, number, i) for i in range(len(good))]
            if len(good) < 5:
                assert_shed(responses[-1])
                sheds += 1
            assert len(responses) == min(5, len(good) + 1)
            served += len(good)
            client.close()
    stats = server.stats()
    assert sheds > 0 and stats["shed"] == sheds
    assert stats["requests"] == served + sheds + 1


@pytest.mark.parametrize("workers, backlog", [(1, 1), (2, 1)])
def test_as_many_clients_as_fit_are_never_shed(serve: Callable[..., Server], workers: int, backlog: int) -> None:
    """Each asks again only when it has been answered, so there are never more requests than there is room for: a
    worker that has answered is free."""
    server = pool(serve, workers, backlog)
    clients = {client.socket.fileno(): client for client in (server.connect() for _ in range(workers + backlog))}
    octets = request("/bytes/1", host="x")
    poll = select.poll()
    for descriptor, client in clients.items():
        poll.register(descriptor, select.POLLIN)
        client.send(octets)
    for _ in range(6000):
        for descriptor, _ in poll.poll(patience() * 1000):
            received = clients[descriptor].receive()
            assert received.startswith(b"HTTP/1.1 200 "), received
            clients[descriptor].send(octets)
    for client in clients.values():
        assert client.read().body == b"x"
    assert server.stats()["shed"] == 0


def test_burst_of_as_many_connections_as_there_may_be_loses_no_answer(serve: Callable[..., Server]) -> None:
    """More answers than workers and backlog hold wait to be fetched in one moment."""
    count = 2000
    server = pool(serve, 2, 4, "--max-conn", "2048")
    statuses = statuses_of_burst(server, count, b"GET /bytes/3 HTTP/1.1\r\n", b"Host: x\r\n\r\n")
    good, shed = statuses.count(200), statuses.count(503)
    assert good + shed == count and good >= 2 + 4
    assert server.stats()["shed"] == shed


@pytest.mark.parametrize("depth", [2, 50])
def test_own_pipeline_does_not_fill_the_backlog(serve: Callable[..., Server], depth: int) -> None:
    """What waits on its connection does not wait for a worker."""
    server = pool(serve, 1, 1)
    clients = [server.connect(), server.connect()]
    for _ in range(40):
        for client in clients:
            client.send(request("/bytes/1") * depth)
        for client in clients:
            assert [client.read().status for _ in range(depth)] == [200] * depth
    assert server.stats()["shed"] == 0


def test_shed_of_head_has_no_content(serve: Callable[..., Server]) -> None:
    def check(milliseconds: int) -> bool:
        server, _, _ = full_pool(serve, milliseconds)
        client = server.connect()
        response = client.ask(request("/plaintext", method="HEAD"), "HEAD")
        if server.sleeping_workers() != 1:
            return False
        assert response.status == 503
        client.expect_end()
        return True

    while_handlers_sleep(check)


def test_thousands_that_are_shed_leave_nothing(serve: Callable[..., Server]) -> None:
    server, _, _ = full_pool(serve, 60_000)
    sizes: list[int] = []
    body = b"y" * 20_000
    for turn in range(2000):
        with Client(server.port) as client:
            assert client.ask(post("/echo", body)).status == 503
        if turn in (200, 1999):
            sizes.append(server.rss())
    if not sanitized():
        assert sizes[1] - sizes[0] < 512 * 1024
    server.kill()  # its handler would go on for a minute


def test_saturated_pool_stops_neither_accepts_nor_deadlines(serve: Callable[..., Server]) -> None:
    def check(milliseconds: int) -> bool:
        server, (running,), _ = full_pool(serve, milliseconds + 300, "--timeout-request-ms", "200")
        half = server.connect()
        start = time.monotonic()
        half.send(b"GET / HTTP/1.1\r\n")
        status, took = half.read().status, elapsed_since(start)
        response = server.connect().get("/plaintext")
        if server.sleeping_workers() != 1:
            return False
        assert status == 408 and took >= 0.2
        assert_shed(response)
        assert running.read().body == b"slept\n"
        return True

    while_handlers_sleep(check)


@pytest.mark.parametrize("workers", [2, 4])
def test_one_slow_handler_does_not_hold_up_the_others(serve: Callable[..., Server], workers: int) -> None:
    """A hundred requests are answered while one sleeps."""
    server = pool(serve, workers)

    def check(milliseconds: int) -> bool:
        (slow,) = busy(server, 1, milliseconds)
        clients = [server.connect() for _ in range(100)]
        for client in clients:
            client.send(request("/plaintext"))
        for client in clients:
            assert client.read().body == b"Hello, World!"
        conclusive = not slow.readable(0) and server.sleeping_workers() == 1
        assert slow.read().body == b"slept\n"
        return conclusive

    while_handlers_sleep(check)


def test_waiting_requests_are_served_in_their_order(serve: Callable[..., Server]) -> None:
    """First come, first served: the oldest does not starve."""
    server = pool(serve, 1)
    busy(server, 1, 200)
    clients = [server.connect() for _ in range(10)]
    for client in clients:
        client.send(request("/sleep/20"))
        server.sync()
    for index, client in enumerate(clients):
        assert client.read().body == b"slept\n"
        if index < len(clients) - 1:
            assert not clients[-1].readable(0), f"the last was answered before number {index}"


# --- clients that go away ---------------------------------------------------------------------------------------------------


def test_clients_that_leave_during_their_handler(serve: Callable[..., Server]) -> None:
    server = pool(serve, 64, 4096)
    descriptors = server.descriptors()
    for turn in range(1000):
        client = Client(server.port)
        client.send(request("/sleep/50"))
        if turn % 2:
            client.reset()
        else:
            client.close()
    until(lambda: server.stats()["active"] == 1, "only the connection that asks")
    until(lambda: server.descriptors() == descriptors, "as many descriptors as before")
    assert server.get("/plaintext").body == b"Hello, World!"
    stats = server.stats()
    assert stats["requests"] + stats["stale_dropped"] >= 500


@pytest.mark.parametrize("workers", [1, 4])
def test_answer_for_one_who_has_left_never_reaches_another(serve: Callable[..., Server], workers: int) -> None:
    """Its place and its descriptor are taken again at once, by a client who asks for something else."""
    server = pool(serve, workers)
    rng = random.Random(workers)
    for turn in range(rounds(150, 10_000)):
        gone = Client(server.port)
        gone.send(post("/echo", b"gone") if turn % 3 == 0 else request("/sleep/3"))
        for _ in range(rng.randrange(20)):
            server.state()  # some microseconds
        gone.reset()
        with Client(server.port) as client:
            body = b"turn %d" % turn
            response = client.ask(post("/echo", body))
            assert response.body == body
            assert client.buffer == b""


@pytest.mark.parametrize("row", [INLINE, POOL])
def test_storm_of_clients_that_break_off_anywhere(serve: Callable[..., Server], row: str) -> None:
    """Closing and resetting at every point of a request and its answer; descriptors and places are reused at once."""
    server = serve(row)
    descriptors = server.descriptors()
    rng = random.Random(2)
    kinds = [
        request("/bytes/100000") * 5, post("/echo", pattern(50_000)), request("/sleep/2") + request("/plaintext") * 10,
        b"bad\r\n", request("/plaintext", "Connection: close"),
    ]
    expected = {"/bytes/7": b"x" * 7}
    witness = server.connect()
    for turn in range(1200):
        octets = rng.choice(kinds)
        client = Client(server.port)
        try:
            client.send(octets[: rng.randrange(len(octets) + 1)])
            if rng.random() < 0.3 and client.readable(0.001):
                client.receive(rng.choice([1, 1000]))
        except OSError:
            pass  # the server has ended the connection already
        (client.reset if rng.random() < 0.5 else client.close)()
        if turn % 10 == 0:
            assert witness.get("/bytes/7").body == expected["/bytes/7"]
    until(lambda: server.stats()["active"] == 2, "the witness and the connection that asks")
    assert server.descriptors() <= descriptors + 2


def test_stuck_readers_pin_no_worker(serve: Callable[..., Server]) -> None:
    server = pool(serve, 2, 1024, "--timeout-write-ms", "600")
    start = time.monotonic()
    stuck = [server.connect(receive_buffer=4096) for _ in range(4)]
    for client in stuck:
        client.send(request("/bytes/8000000"))
    server.sync()
    other = server.connect()
    for _ in range(20):
        assert other.get("/plaintext").body == b"Hello, World!"
    until(lambda: server.stats()["timeouts_write"] == 4, "the four, cut")
    assert elapsed_since(start) >= 0.6


# --- the rest ---------------------------------------------------------------------------------------------------------------


def test_one_connection_get_echo_and_missing(serve: Callable[..., Server]) -> None:
    """Across the workers, again and again."""
    server = pool(serve, 2, 16, "--request-count", "50", "--max-conn", "8")
    for _ in range(10):
        client = server.connect()
        assert client.get("/").body == b"OK"
        assert client.ask(post("/echo", b"echo\0body")).body == b"echo\0body"
        response = client.get("/missing")
        assert (response.status, response.reason, response.field("Connection")) == (404, "Not Found", "keep-alive")
        client.close()


def test_every_client_its_own_answer(serve: Callable[..., Server]) -> None:
    """Many at a time, each with its own bodies, slow and fast handlers mixed."""
    server = pool(serve, 8)

    def talk(number: int) -> None:
        rng = random.Random(number)
        with Client(server.port) as client:
            for turn in range(40):
                body = b"%d/%d" % (number, turn) * rng.randrange(1, 500)
                client.send(post("/echo", body) + request(f"/sleep/{rng.randrange(3)}") + request(f"/bytes/{number}"))
                assert client.read().body == body
                assert client.read().body == b"slept\n"
                assert client.read().body == b"x" * number
        done.append(number)

    done: list[int] = []
    threads = [threading.Thread(target=talk, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(patience())
    assert sorted(done) == list(range(16))


def test_the_demand_on_allocators_is_written_where_the_knob_is() -> None:
    """A pool allocates on one thread and frees on another: who sets the knob must learn of it."""
    rows = (ROOT / "server" / "knobs.def").read_text("utf-8").splitlines()
    (knob,) = (row for row in rows if row.startswith("KNOB(thread_pool_count,"))
    assert "allocator must be thread-safe" in knob
