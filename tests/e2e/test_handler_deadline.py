"""Workers that take longer than --timeout-handler-ms: their client is told so and goes, they go on, and what they bring then
reaches nobody.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

import pytest

from processes import Server, until
from programs import POOL, rounds
from wire import Client, Response, answer, elapsed_since, pattern, post, request

LATE_BODY = b"504 Gateway Timeout: the handler did not answer in time\n"


def pool(serve: Callable[..., Server], workers: int, deadline_ms: int, *flags: str) -> Server:
    return serve(POOL, "--thread-pool-count", str(workers), "--timeout-handler-ms", str(deadline_ms), *flags)


def assert_late(response: Response) -> None:
    assert response.masked == answer(LATE_BODY, "504 Gateway Timeout", connection="close")


def counters(server: Server) -> dict[str, int]:
    """As far as a worker is free to say: to ask for them is a request like any other."""
    with Client(server.port) as client:
        response = client.get("/stats")
    return dict(json.loads(response.body)) if response.status == 200 else {}


def came_back(server: Server, count: int) -> dict[str, int]:
    """The counters, once so many workers have brought what nobody waits for, or have not begun with it."""

    def found() -> dict[str, int]:
        now = counters(server)
        return now if now and now["stale_dropped"] + now["not_begun"] >= count else {}

    return dict(until(found, f"{count} that are late"))


def test_slow_handler_is_answered_for(serve: Callable[..., Server]) -> None:
    """At its deadline, once, and then the end; the server goes on, and the answer that comes later is dropped."""
    server = pool(serve, 2, 100)
    client = server.connect()
    start = time.monotonic()
    client.send(request("/sleep/600") + request("/plaintext"))
    response = client.read()
    assert elapsed_since(start) >= 0.1
    assert_late(response)
    client.expect_end()
    until(lambda: counters(server), "an answer of the other worker")
    stats = came_back(server, 1)
    assert stats["timeouts_handler"] >= 1 and stats["stale_dropped"] + stats["not_begun"] <= stats["timeouts_handler"]


def test_late_answer_does_not_follow_its_504(serve: Callable[..., Server]) -> None:
    """The client keeps its side open: the connection is still there when the worker is done."""
    server = pool(serve, 1, 100)
    client = server.connect()
    client.send(request("/sleep/300"))
    assert_late(client.read())
    came_back(server, 1)
    client.expect_end()


def test_time_in_the_queue_counts_and_what_waits_there_is_not_run(serve: Callable[..., Server]) -> None:
    server = pool(serve, 1, 150)
    running, *waiting = [server.connect() for _ in range(4)]
    running.send(request("/sleep/1200"))
    server.wait_for_sleepers(1)
    start = time.monotonic()
    for client in waiting:
        client.send(request("/sleep/60000"))
    for client in waiting:
        assert_late(client.read())
        client.expect_end()
    assert elapsed_since(start) >= 0.15
    assert_late(running.read())
    # The one worker is busy for a moment, and not for the minutes that the others wanted.
    stats = came_back(server, 4)
    assert stats["not_begun"] >= 3
    assert elapsed_since(start) < 60
    assert stats["timeouts_handler"] >= 4


def test_answers_before_it_come_first_and_head_has_no_content(serve: Callable[..., Server]) -> None:
    server = pool(serve, 2, 500)
    client = server.connect()
    client.send(request("/bytes/3") + post("/echo", b"echo") + request("/sleep/900", method="HEAD") + request("/bytes/1"))
    assert client.read().body == b"xxx"
    assert client.read().body == b"echo"
    response = client.read("HEAD")
    assert response.status == 504 and response.body == b"" and response.field("Content-Length") == str(len(LATE_BODY))
    client.expect_end()


def test_stop_does_not_wait_for_a_handler_that_has_its_504(serve: Callable[..., Server]) -> None:
    """The drain ends with the connection; the process ends with its worker, which nothing can end."""
    server = pool(serve, 1, 300, "--timeout-drain-ms", "30000")
    client = server.connect()
    client.send(request("/sleep/800"))
    server.wait_for_sleepers(1)
    start = time.monotonic()
    server.send_signal(15)
    assert_late(client.read())
    client.expect_end()
    client.close()
    code, counters = server.wait()
    assert code == 0 and elapsed_since(start) < 20
    assert counters["timeouts_handler"] == 1


def test_without_the_knob_a_handler_may_take_its_time(serve: Callable[..., Server]) -> None:
    server = serve(POOL, "--timeout-request-ms", "100", "--timeout-keepalive-ms", "100")
    assert server.get("/sleep/500").body == b"slept\n"
    assert counters(server)["timeouts_handler"] == 0


@pytest.mark.parametrize("workers", [1, 4])
def test_everybody_gets_an_own_answer_or_a_504(serve: Callable[..., Server], workers: int) -> None:
    """Handlers around the deadline, on connections whose places and descriptors are taken again at once."""
    server = pool(serve, workers, 20, "--max-conn", "16")
    rng = random.Random(workers)
    good = late = 0
    for turn in range(rounds(20, 1000)):
        clients = [Client(server.port) for _ in range(6)]
        bodies = [pattern(rng.randrange(1, 3000), turn * 7 + number) for number in range(6)]
        for client, body in zip(clients, bodies):
            client.send(request(f"/sleep/{rng.randrange(26)}") + post("/echo", body))
        for client, body in zip(clients, bodies):
            response = client.read()
            if response.status == 200:
                assert response.body == b"slept\n"
                good += 1
                response = client.read()
            if response.status == 200:
                assert response.body == body
                good += 1
                assert client.buffer == b""
            else:
                assert_late(response)
                late += 1
                if rng.random() < 0.5:
                    client.expect_end()
            client.close()
    until(lambda: counters(server).get("active") == 1, "only the connection that asks")
    assert good > 0 and late > 0
