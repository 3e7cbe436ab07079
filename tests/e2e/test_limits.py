"""More connections than there may be: at the knob, at the kernel's backlog, at the limit of open files."""

from __future__ import annotations

import json
import resource
import select
import socket
import time
from collections.abc import Callable

import pytest

from processes import Server, until
from programs import FLOORS, patience, sanitized
from wire import Client, parse_response, request


def is_served(client: Client) -> bool:
    return bool(client.get("/plaintext").body == b"Hello, World!")


def test_hundreds_that_say_nothing_hold_up_nobody(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    silent = [server.connect() for _ in range(500)]
    client = server.connect()
    start = time.monotonic()
    assert is_served(client)
    assert time.monotonic() - start < (0.5 if not sanitized() else patience())
    assert json.loads(client.get("/stats").body)["active"] == len(silent) + 1


def test_extra_connections_wait_and_are_served_in_turn(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--max-conn", "4")
    inside = [server.connect() for _ in range(4)]
    assert all(is_served(client) for client in inside)
    waiting = [server.connect() for _ in range(3)]
    for client in waiting:
        client.send(request("/plaintext"))
    # Who is in goes on being served, who waits does not, and nothing spins.
    with server.not_spinning():
        for _ in range(20):
            assert all(is_served(client) for client in inside)
            time.sleep(0.01)
    assert not any(client.readable(0) for client in waiting)
    assert json.loads(inside[0].get("/stats").body)["accepted"] == 4
    # Each that goes lets one in, the oldest first.
    for number, client in enumerate(waiting):
        inside[number].close()
        assert client.read().body == b"Hello, World!"
        assert not any(later.readable(0) for later in waiting[number + 1 :])
    assert json.loads(inside[3].get("/stats").body)["active"] == 4


def test_evicted_connections_make_room_too(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--max-conn", "3", "--timeout-request-ms", "200", "--timeout-linger-ms", "200")
    half = [server.connect() for _ in range(3)]
    for client in half:
        client.send(b"GET / HTTP/1.1\r\n")
    late = server.connect()
    late.send(request("/plaintext"))
    assert late.read().body == b"Hello, World!"
    assert half[0].read().status == 408


def test_full_server_that_is_idle_does_nothing(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--max-conn", "2")
    inside = [server.connect() for _ in range(2)]
    assert all(is_served(client) for client in inside)
    waiting = [server.connect() for _ in range(20)]
    server.until_at_rest(0.4)
    for client in waiting:
        client.close()
    assert all(is_served(client) for client in inside)


def test_churn_at_the_limit(serve: Callable[..., Server], either: str) -> None:
    """Places, descriptors and generations turn over as fast as they can."""
    server = serve(either, "--max-conn", "8")
    for turn in range(100):
        clients = [server.connect() for _ in range(24)]
        for number, client in enumerate(clients):
            client.send(request(f"/bytes/{turn + number}"))
        for number, client in enumerate(clients):
            assert len(client.read().body) == turn + number
            client.close()
    until(lambda: server.stats()["active"] == 1, "only the connection that asks")


@pytest.mark.parametrize("backlog", [1, 5])
def test_backlog_is_what_was_asked_for(serve: Callable[..., Server], either: str, backlog: int) -> None:
    """While the server stands still the kernel completes so many connects and one more (listen(2))."""
    server = serve(either, "--backlog", str(backlog))
    sockets = [socket.socket() for _ in range(backlog + 4)]
    poll = select.poll()
    try:
        with server.frozen():
            for each in sockets:
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", server.port))
                poll.register(each, select.POLLOUT)
            time.sleep(0.05)
            assert len(poll.poll(0)) == backlog + 1
    finally:
        for each in sockets:
            each.close()


FILES = 64


def test_out_of_descriptors(serve: Callable[..., Server], either: str) -> None:
    """No spin, the connections that are in are served, and the others as soon as there is room."""
    server = serve(either, file_limit=FILES)
    first = server.connect()
    assert is_served(first)
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.send(request("/plaintext"))
    until(lambda: json.loads(first.get("/stats").body)["accept_errors"] > 0, "a failed accept")
    time.sleep(0.1)
    served = [client for client in clients if client.readable(0)]
    assert 20 < len(served) < FILES
    start = time.monotonic()
    with server.not_spinning():
        while time.monotonic() - start < 0.7:
            assert is_served(first)
            time.sleep(0.05)
    errors = json.loads(first.get("/stats").body)["accept_errors"]
    assert errors < 100
    # Room again: all others are served.
    for client in served:
        assert client.read().body == b"Hello, World!"
        client.close()
    for client in clients:
        if client not in served:
            assert client.read().body == b"Hello, World!"
    assert is_served(first)


def test_descriptors_come_back_while_there_is_no_other_room(serve: Callable[..., Server], either: str) -> None:
    """Accepting is tried again when every place has been taken meanwhile."""
    server = serve(either, "--max-conn", "30")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (server.descriptors() + 20, hard))
    clients = [server.connect() for _ in range(25)]
    for client in clients:
        client.send(request("/stats"))
    octets = [client.read().raw for client in clients[:20]]
    until(lambda: _accept_errors(clients[0]) > 0, "a failed accept")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (hard, hard))
    clients[1].close()
    clients += [server.connect() for _ in range(20)]
    for client in clients[20:31]:
        client.send(request("/plaintext"))
    # Twenty-nine others are in and one more fits; the pause after a failed accept ends while all is full.
    time.sleep(0.3)
    assert server.process.poll() is None, server.describe()
    assert is_served(clients[0]) and all(octets)
    assert _active(clients[0]) == 30


def _accept_errors(client: Client) -> int:
    return int(json.loads(client.get("/stats").body)["accept_errors"])


def _active(client: Client) -> int:
    return int(json.loads(client.get("/stats").body)["active"])


@pytest.mark.parametrize("row", FLOORS)
def test_floor_holds_many_connections(serve: Callable[..., Server], row: str) -> None:
    server = serve(row)
    clients = [server.connect() for _ in range(300)]
    for client in clients:
        client.send(request("/plaintext"))
    for client in clients:
        response = parse_response(client.read().raw)
        assert response is not None and response.body == b"Hello, World!"


def test_a_thousand_connect_at_once(serve: Callable[..., Server], either: str) -> None:
    """None is refused, each is served."""
    server = serve(either)
    sockets = []
    try:
        with server.frozen():
            for _ in range(1000):
                each = socket.socket()
                each.setblocking(False)
                each.connect_ex(("127.0.0.1", server.port))
                sockets.append(each)
            for each in sockets:
                each.settimeout(patience())
                each.send(request("/plaintext"))
        for each in sockets:
            assert each.recv(1000).endswith(b"Hello, World!")
    finally:
        for each in sockets:
            each.close()
