"""Requests that follow each other without waiting: every answer, whole, once and in order."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable

import pytest

from processes import Server, until
from programs import INLINE, POOL, patience, rounds, sanitized
from wire import Client, answer, mask_date, parse_all, pattern, post, post_chunked, request

OCTETS = "application/octet-stream"


def echo_answer(body: bytes, connection: str = "keep-alive") -> bytes:
    return answer(body, content_type=OCTETS, connection=connection)


def mixed(count: int, seed: int) -> tuple[list[bytes], list[bytes]]:
    """Requests of every kind, each with an answer that only it can have, and these answers."""
    rng = random.Random(seed)
    sent: list[bytes] = []
    expected: list[bytes] = []
    for index in range(count):
        body = b"%d:" % index + pattern(rng.choice([0, 1, 100, 5000]), index)
        kind = rng.randrange(5)
        if kind == 0:
            sent.append(post("/echo", body))
            expected.append(echo_answer(body))
        elif kind == 1:
            sent.append(post_chunked("/", body, [rng.randrange(1, 50), 1]))
            expected.append(echo_answer(body))
        elif kind == 2:
            sent.append(request(f"/bytes/{index}"))
            expected.append(answer(b"x" * index, content_type=OCTETS))
        elif kind == 3:
            sent.append(request(f"/missing/{index}"))
            expected.append(answer(b"404 Not Found\n", "404 Not Found"))
        else:
            sent.append(post("/bytes/1", body))
            expected.append(
                answer(
                    b"405 Method Not Allowed\n", "405 Method Not Allowed", "text/plain; charset=utf-8",
                    "Allow: GET, HEAD, OPTIONS",
                )
            )
    return sent, expected


@pytest.mark.parametrize("depth", [2, 16, 64, 1000])
def test_pipelined_gets_are_answered_to_the_octet(site: Server, depth: int) -> None:
    expected = answer(b"Hello, World!")
    before = site.stats()["requests"]
    with Client(site.port) as client:
        client.send(request("/plaintext") * depth)
        size = len(client.read().raw)
        rest = client.read_exactly(size * (depth - 1))
        assert mask_date(rest) == expected * (depth - 1)
        assert client.get("/").body == b"OK"  # and nothing was left over
        assert client.buffer == b""
    assert site.stats()["requests"] - before == depth + 2


@pytest.mark.parametrize("depth", [16, 64, 1000])
def test_pipelined_mixture_comes_in_order(site: Server, depth: int) -> None:
    sent, expected = mixed(depth, seed=depth)
    with Client(site.port) as client:
        # What the client does not read in time must wait, so it reads while it writes.
        writer = threading.Thread(target=client.send, args=(b"".join(sent),))
        writer.start()
        for index in range(depth):
            assert client.read().masked == expected[index], f"answer {index}"
        writer.join(patience())
        assert not writer.is_alive() and client.buffer == b""


@pytest.mark.parametrize("depth", [16, 64])
def test_pipelined_behind_sleepers(serve: Callable[..., Server], depth: int) -> None:
    """Slow and fast handlers and bodies: two workers never have one connection."""
    server = serve(POOL, "--thread-pool-count", "4")
    sent: list[bytes] = []
    expected: list[bytes] = []
    for index in range(depth):
        body = b"body %d" % index
        sent += [request(f"/sleep/{index % 4 * 2}"), post("/echo", body), request(f"/bytes/{index}"), post_chunked("/", body)]
        expected += [
            answer(b"slept\n"), echo_answer(body), answer(b"x" * index, content_type=OCTETS), echo_answer(body),
        ]
    client = server.connect()
    client.send(b"".join(sent))
    for index, octets in enumerate(expected):
        assert client.read().masked == octets, f"answer {index}"
    assert client.buffer == b""


def test_fast_answer_waits_for_the_slow_one_before_it(serve: Callable[..., Server]) -> None:
    client = serve(POOL, "--thread-pool-count", "4").connect()
    client.send(request("/sleep/100") + request("/bytes/1") + request("/sleep/50") + request("/bytes/2"))
    assert [client.read().body for _ in range(4)] == [b"slept\n", b"x", b"slept\n", b"xx"]


@pytest.mark.parametrize("count", [1, 7, 16])
def test_requests_cut_in_the_middle_of_a_batch(either_site: Server, count: int) -> None:
    """Whole requests are answered at once; the rest of the last one comes later."""
    batch = request("/plaintext") * count
    cut = request("/bytes/5")
    for at in range(1, len(cut)):
        with Client(either_site.port) as client:
            client.send(batch + cut[:at])
            for _ in range(count):
                assert client.read().body == b"Hello, World!"
            client.send(cut[at:] + batch)
            assert client.read().body == b"xxxxx"
            for _ in range(count):
                assert client.read().body == b"Hello, World!"
            assert client.buffer == b""


def test_echo_with_a_second_body_behind_it(either_site: Server) -> None:
    """The next request's body is not taken for this one's, however large either is."""
    sizes = [0, 1, 9, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 200_000]
    before = either_site.stats()["requests"]
    with Client(either_site.port) as client:
        for first in sizes:
            for second in sizes:
                a, b = pattern(first, 1), pattern(second, 2)
                writer = threading.Thread(target=client.send, args=(post("/echo", a) + post("/echo", b),))
                writer.start()
                assert client.read().body == a
                assert client.read().body == b
                writer.join(patience())
        assert client.buffer == b""
    assert either_site.stats()["requests"] - before == 2 * len(sizes) ** 2 + 1


def test_large_answer_with_requests_behind_it_is_served_once(either_site: Server) -> None:
    """A response that blocks half-way, with pipelined bytes behind it: each request reaches its handler once."""
    before = either_site.stats()["requests"]
    with Client(either_site.port, receive_buffer=4096) as client:
        body = pattern(2000)
        client.send(request("/bytes/6000000") + (request("/bytes/3") + post("/echo", body)) * 20)
        either_site.sync()
        assert client.read().body == b"x" * 6_000_000
        for _ in range(20):
            assert client.read().body == b"xxx"
            assert client.read().body == body
        assert client.buffer == b""
    assert either_site.stats()["requests"] - before == 41 + 1


def test_twenty_thousand_at_once(either_site: Server) -> None:
    """The depth of a batch costs no stack."""
    count = 20_000
    small = request("/bytes/0", host="x")
    with Client(either_site.port) as client:
        size = len(client.ask(small).raw)
        writer = threading.Thread(target=client.send, args=(small * count,))
        writer.start()
        octets = client.read_exactly(size * count)
        writer.join(patience())
        assert mask_date(octets) == answer(b"", content_type=OCTETS) * count
        assert client.buffer == b""


@pytest.mark.skipif("sanitized()", reason="its runtime needs more stack than that")
def test_a_batch_needs_no_more_than_a_small_stack(serve: Callable[..., Server], either: str) -> None:
    """256 KiB for every thread: answers that beget the next request must not pile up."""
    server = serve(either, stack_limit=256 * 1024)
    count = 20_000
    small = request("/bytes/0", host="x")
    client = server.connect()
    size = len(client.ask(small).raw)
    writer = threading.Thread(target=client.send, args=(small * count,))
    writer.start()
    assert len(client.read_exactly(size * count)) == size * count
    writer.join(patience())
    assert server.stop()["requests"] == count + 1


def test_a_long_batch_does_not_starve_another_connection(either_site: Server) -> None:
    """What lies ready on one connection is served in shares; what lies ready on another has its turn in between."""
    small = request("/bytes/0", host="x")
    with Client(either_site.port) as flood, Client(either_site.port) as other:
        size = len(flood.ask(small).raw)
        before = json.loads(other.get("/stats").body)["requests"]
        count = 60_000 // len(small)
        with either_site.frozen():
            assert flood.send_some(small * count) == len(small) * count
            other.send(request("/stats"))
        seen = json.loads(other.read().body)["requests"] - before
        flood.read_exactly(size * count)
        assert count > 1000 and seen < count / 2, f"{seen} of {count} requests came before"


def test_pipeline_ends_at_connection_close(either_site: Server) -> None:
    with Client(either_site.port) as client:
        client.send(request("/bytes/1") * 3 + request("/bytes/2", "Connection: close") + request("/bytes/3") * 50)
        responses = parse_all(client.read_to_end())
        assert [len(response.body) for response in responses] == [1, 1, 1, 2]
        assert [response.closes for response in responses] == [False, False, False, True]
        assert client.ended == "eof"


def test_second_request_at_any_moment_is_never_forgotten(serve: Callable[..., Server]) -> None:
    """Octets that arrive just when a worker is done must not wait for ever (no stall, whatever the timing)."""
    server = serve(POOL, "--thread-pool-count", "2")
    rng = random.Random(8)
    client = server.connect()
    one = request("/bytes/1")
    for _ in range(rounds(3000, 100_000)):
        at = rng.randrange(len(one))
        client.send(one + one[:at])
        for _ in range(rng.randrange(3)):
            server.state()  # some microseconds
        client.send(one[at:])
        assert client.read().body == b"x"
        assert client.read().body == b"x"
    assert client.buffer == b""


@pytest.mark.parametrize("row", [INLINE, POOL])
def test_many_clients_pipeline_at_once(serve: Callable[..., Server], row: str) -> None:
    """Answers never cross between connections."""
    server = serve(row)
    clients = [server.connect() for _ in range(32)]
    for turn in range(5):
        for index, client in enumerate(clients):
            client.send(b"".join(post("/echo", b"%d.%d.%d" % (turn, index, i)) for i in range(20)))
        for index, client in enumerate(clients):
            for i in range(20):
                assert client.read().body == b"%d.%d.%d" % (turn, index, i)
    until(lambda: server.stats()["active"] == 33, "32 connections and the one that asks")


def test_interrupted_system_calls_are_no_errors(serve: Callable[..., Server], either: str) -> None:
    """A process that is stopped and continued all the time finds its waits broken off."""
    server = serve(either)
    done = threading.Event()

    def disturb() -> None:
        while not done.is_set():
            server.send_signal(signal.SIGSTOP)
            server.send_signal(signal.SIGCONT)
            time.sleep(0.0005)

    storm = threading.Thread(target=disturb)
    storm.start()
    try:
        for turn in range(30):
            with Client(server.port) as client:
                body = pattern(3000, turn)
                for _ in range(5):
                    assert client.ask(post("/echo", body)).body == body
                client.send(request("/bytes/300000") + request("/sleep/1"))
                assert len(client.read().body) == 300_000
                assert client.read().body == b"slept\n"
    finally:
        done.set()
        storm.join(patience())
    stats = server.stats()
    assert (stats["requests"], stats["refused"], stats["accept_errors"]) == (30 * 7 + 1, 0, 0)
