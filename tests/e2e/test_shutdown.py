"""SIGTERM and SIGINT: nothing new, what is idle goes at once, what is in flight ends whole, the rest is cut in time."""

from __future__ import annotations

import json
import select
import signal
import socket
import time
from collections.abc import Callable

import pytest

from processes import Server, until, while_handlers_sleep
from programs import FLOORS, INLINE, POOL, SERVERS, counter_names, patience, sanitized
from wire import EOF, RESET, Client, elapsed_since, parse_all, parse_response, pattern, post, request


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("row", SERVERS)
def test_idle_server_stops_at_once_and_says_its_counters(serve: Callable[..., Server], row: str, number: int) -> None:
    server = serve(row)
    server.get("/plaintext")
    server.connect().get("/plaintext")
    start = time.monotonic()
    server.send_signal(number)
    code, counters = server.wait()
    assert code == 0 and server.stderr() == ""
    assert elapsed_since(start) < (1.0 if not sanitized() else patience())
    assert list(counters) == counter_names()
    assert (counters["requests"], counters["accepted"], counters["closed"], counters["active"]) == (2, 2, 2, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("row", FLOORS)
def test_floor_stops_at_once(serve: Callable[..., Server], row: str, number: int) -> None:
    server = serve(row)
    assert server.connect().get("/plaintext").body == b"Hello, World!"
    server.send_signal(number)
    code, counters = server.wait()
    assert (code, counters) == (0, {"requests": 1, "accepted": 1})


def test_stats_of_the_end_are_those_of_the_page(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    for _ in range(7):
        server.get("/missing")
    before = server.stats()
    until(lambda: server.stats()["active"] == 1, "only the connection that asks")
    after = server.stop()
    assert after["requests"] >= before["requests"] + 1
    assert after["accepted"] == after["closed"] == after["requests"]


def test_requests_in_flight_are_answered_and_idle_connections_end(serve: Callable[..., Server]) -> None:
    def check(milliseconds: int) -> bool:
        server = serve(POOL, "--thread-pool-count", "3", "--timeout-drain-ms", "20000")
        slow = [server.connect() for _ in range(3)]
        idle = [server.connect() for _ in range(3)]
        for client in idle:
            client.get("/plaintext")
        never = server.connect()
        for client in slow:
            client.send(request(f"/sleep/{milliseconds}"))
        server.wait_for_sleepers(3)
        server.sync()
        server.send_signal(signal.SIGTERM)
        # Idle ones first, and no new ones, while the handlers go on.
        for client in [*idle, never]:
            client.expect_end()
        refused = is_refused(server)
        conclusive = not any(client.readable(0) for client in slow)
        assert refused or not conclusive
        # Nobody answers a second request, and each answer says so.
        for client in slow:
            client.send(request("/plaintext"))
        for client in slow:
            (response,) = parse_all(client.read_to_end())
            assert response.body == b"slept\n" and (response.closes or not conclusive)
            assert client.ended == EOF or not conclusive
            client.close()
        code, counters = server.wait()
        assert code == 0 and counters["requests"] == 6
        return conclusive

    while_handlers_sleep(check)


def test_requests_that_wait_for_a_worker_are_answered_too(serve: Callable[..., Server]) -> None:
    def check(milliseconds: int) -> bool:
        server = serve(POOL, "--thread-pool-count", "1", "--timeout-drain-ms", "20000")
        clients = [server.connect() for _ in range(4)]
        clients[0].send(request(f"/sleep/{milliseconds}"))
        server.wait_for_sleepers(1)
        for client in clients[1:]:
            client.send(request("/sleep/10"))
        begin_to_stop(server)
        conclusive = not clients[0].readable(0)
        for client in clients:
            (response,) = parse_all(client.read_to_end())
            assert response.body == b"slept\n" and client.ended == EOF
            assert response.closes or not conclusive
            client.close()
        assert server.wait()[0] == 0
        return conclusive

    while_handlers_sleep(check)


ECHO = post("/echo", pattern(100_000))


def stop_within_request(server: Server) -> Client:
    """A connection that has sent half of ECHO, to a server that has begun to stop."""
    client = server.connect()
    client.send(ECHO[:50_000])
    begin_to_stop(server)
    return client


def finish_request(server: Server, client: Client) -> None:
    """The other half; it is answered, and that is the end of the connection and of the server."""
    client.send(ECHO[50_000:])
    response = client.read()
    assert response.body == pattern(100_000) and response.closes
    client.expect_end()
    client.close()
    assert server.wait()[0] == 0


def is_refused(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=patience()).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def wait_until_refused(server: Server) -> None:
    """Until it has begun to stop."""
    until(lambda: is_refused(server), "the listener's end")


def begin_to_stop(server: Server) -> None:
    """Once it has read what was sent before."""
    server.sync()
    server.send_signal(signal.SIGTERM)
    wait_until_refused(server)


def test_request_under_way_may_be_finished(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    finish_request(server, stop_within_request(server))


def test_large_answer_under_way_comes_whole(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    client = server.connect(receive_buffer=4096)
    client.send(request("/bytes/8000000"))
    begin_to_stop(server)
    assert client.read().body == b"x" * 8_000_000
    client.expect_end()
    client.close()
    assert server.wait()[0] == 0


def unfinished(server: Server) -> tuple[Client, Client]:
    """A reader that does not read, and a request that does not come."""
    stuck = server.connect(receive_buffer=4096)
    stuck.send(request("/bytes/8000000"))
    half = server.connect()
    half.send(b"GET / HTTP/1.1\r\n")
    return stuck, half


def test_what_takes_longer_than_the_drain_is_cut(serve: Callable[..., Server]) -> None:
    """Readers that do not read, requests that do not come, handlers that do not end."""
    server = serve(POOL, "--timeout-drain-ms", "300")
    stuck, half = unfinished(server)
    slow = server.connect()
    slow.send(request("/sleep/1200"))
    server.wait_for_sleepers(1)
    server.sync()
    start = time.monotonic()
    server.send_signal(signal.SIGTERM)
    for client in (half, slow):
        assert client.read_to_end() == b""
        assert elapsed_since(start) >= 0.3
    assert server.process.poll() is None  # the handler cannot be ended
    code, counters = server.wait()
    assert code == 0 and server.stderr() == ""
    assert (counters["active"], counters["requests"]) == (0, 2)
    assert len(stuck.read_to_end()) < 8_000_000


def test_stop_within_the_drain_time(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--timeout-drain-ms", "300")
    unfinished(server)
    server.sync()
    start = time.monotonic()
    server.send_signal(signal.SIGTERM)
    code, _ = server.wait()
    took = elapsed_since(start)
    assert code == 0
    assert 0.3 <= took < (1.5 if not sanitized() else patience())


def test_a_second_signal_changes_nothing(serve: Callable[..., Server]) -> None:
    def check(milliseconds: int) -> bool:
        server = serve(POOL, "--timeout-drain-ms", "20000")
        client = server.connect()
        client.send(request(f"/sleep/{milliseconds}"))
        server.wait_for_sleepers(1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            server.send_signal(number)
        wait_until_refused(server)
        conclusive = not client.readable(0)
        assert client.read().closes or not conclusive
        client.close()
        assert server.wait()[0] == 0
        return conclusive

    while_handlers_sleep(check)


@pytest.mark.parametrize("row", SERVERS)
def test_stop_under_load_truncates_nothing(serve: Callable[..., Server], row: str) -> None:
    """Forty connections that ask without a pause, some of them several questions at a time."""
    server = serve(row, "--timeout-drain-ms", "3000")
    clients = {client.socket.fileno(): client for client in (server.connect() for _ in range(40))}
    depth = {descriptor: (1, 1, 4, 16)[number % 4] for number, descriptor in enumerate(clients)}
    question = [request("/bytes/3000"), post("/echo", pattern(500)), request("/sleep/1"), request("/plaintext")]
    asked = dict.fromkeys(clients, 0)
    parts: dict[int, list[bytes]] = {descriptor: [] for descriptor in clients}
    unread: dict[int, bytes] = dict.fromkeys(clients, b"")
    pending = dict.fromkeys(clients, 0)
    poll = select.poll()

    def ask(descriptor: int) -> None:
        pending[descriptor] = depth[descriptor]
        asked[descriptor] += depth[descriptor]
        try:
            clients[descriptor].socket.send(question[descriptor % len(question)] * depth[descriptor])
        except OSError:
            pass

    for descriptor in clients:
        poll.register(descriptor, select.POLLIN)
        ask(descriptor)
    begin = time.monotonic()
    signalled = 0.0
    heard = 0
    open_ones = set(clients)
    while open_ones:
        assert elapsed_since(begin) < patience()
        if not signalled and heard >= 400:
            signalled = time.monotonic()
            server.send_signal(signal.SIGTERM)
        for descriptor, _ in poll.poll(20):
            octets = clients[descriptor].receive()
            if not octets:
                poll.unregister(descriptor)
                open_ones.remove(descriptor)
                clients[descriptor].close()
                continue
            parts[descriptor].append(octets)
            unread[descriptor] += octets
            while found := parse_response(unread[descriptor]):
                unread[descriptor] = unread[descriptor][len(found.raw) :]
                pending[descriptor] -= 1
                heard += 1
            if pending[descriptor] == 0:
                ask(descriptor)
    code, counters = server.wait(3.0 + patience())
    took = elapsed_since(signalled)
    assert code == 0 and server.stderr() == ""
    assert took < (3.0 + 1.0 if not sanitized() else patience())
    answered = 0
    for descriptor, client in clients.items():
        responses = parse_all(b"".join(parts[descriptor]))  # fails at a truncated one
        assert all(response.status == 200 for response in responses)
        assert not any(response.closes for response in responses[:-1])
        assert client.ended in (EOF, RESET)
        answered += len(responses)
    assert answered >= 400
    assert answered <= counters["requests"] <= sum(asked.values())
    if counters["stale_dropped"] == 0:
        assert counters["requests"] == answered


@pytest.mark.parametrize("row", [INLINE, POOL, *FLOORS])
def test_port_can_be_taken_again_at_once(serve: Callable[..., Server], row: str) -> None:
    """Start, serve, stop, on one port, with connections that it closed itself."""
    for _ in range(3):
        port = 0
        try:
            for _ in range(15):
                server = serve(row, port=port)
                port = server.port
                with Client(port) as client:
                    client.get("/plaintext")
                server.stop()
            return
        except AssertionError as error:
            # Another program may have been given this port by the kernel in between; thrice in a row it has not.
            if "Address already in use" not in str(error):
                raise
    pytest.fail("the port is not free after the server's end")


def test_drain_does_not_wait_for_whoever_does_not_close(serve: Callable[..., Server], either: str) -> None:
    """Answered for the last time, but the client keeps its side open: the drain's end is the end."""
    server = serve(either, "--timeout-drain-ms", "250", "--timeout-linger-ms", "30000")
    client = server.connect()
    assert client.get("/", "Connection: close").closes
    client.expect_end()
    start = time.monotonic()
    server.send_signal(signal.SIGTERM)
    code, counters = server.wait()
    assert code == 0 and counters["active"] == 0
    assert elapsed_since(start) < (2.0 if not sanitized() else patience())


def test_answer_that_is_made_during_the_drain_is_the_last(serve: Callable[..., Server]) -> None:
    """What the pool answers late is told `close`, although it was asked before the signal."""

    def check(milliseconds: int) -> bool:
        server = serve(POOL, "--thread-pool-count", "1", "--timeout-drain-ms", "20000")
        slow, page = server.connect(), server.connect()
        slow.send(request(f"/sleep/{milliseconds}"))
        server.wait_for_sleepers(1)
        page.send(request("/stats") * 2)
        begin_to_stop(server)
        conclusive = not slow.readable(0)
        pages = parse_all(page.read_to_end())
        assert slow.read().body == b"slept\n"
        if conclusive:
            (response,) = pages
            assert response.closes and json.loads(response.body)["requests"] == 2
        slow.close()
        page.close()
        assert server.wait()[0] == 0
        return conclusive

    while_handlers_sleep(check)


def test_restart_while_the_old_server_finishes_resets_nobody(serve: Callable[..., Server], either: str) -> None:
    """The new one takes the port while the old one still has a request to answer."""
    for _ in range(3):
        old = serve(either, "--timeout-request-ms", "30000", "--timeout-drain-ms", "30000")
        client = stop_within_request(old)
        try:
            new = serve(either, port=old.port)
        except AssertionError as error:
            # Another program may have been given this port by the kernel in between; thrice in a row it has not.
            assert "Address already in use" in str(error)
            old.kill()
            continue
        assert new.connect().get("/plaintext").status == 200
        finish_request(old, client)
        assert new.connect().get("/plaintext").status == 200
        return
    pytest.fail("the port is not free while the old server finishes")
