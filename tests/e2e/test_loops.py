"""Several loops: one port, one set of counters, one stop."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from processes import Server, has_own_threads, run_program, tcp_listeners, until
from programs import INLINE, pooled
from wire import Client, pattern, post, request


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_loops_share_one_port(serve: Callable[..., Server], either: str, host: str) -> None:
    server = serve(either, "--loops", "4", "--bind", host)
    assert len(tcp_listeners(server.pid)) == 4
    clients = [Client(server.port, host=host) for _ in range(100)]
    try:
        for turn in range(3):
            for client in clients:
                client.send(request(f"/bytes/{turn}"))
            for client in clients:
                assert len(client.read().body) == turn
        # One page sums up what four loops have counted, whichever of them makes it.
        for client in clients[:10]:
            page = client.get("/stats").body.decode()
            assert '"accepted":100,' in page and '"active":100}' in page
    finally:
        for client in clients:
            client.close()
    counters = server.stop()
    assert (counters["accepted"], counters["closed"], counters["active"]) == (100, 100, 0)
    assert counters["requests"] == 310


def test_loops_are_threads(serve: Callable[..., Server], either: str) -> None:
    if has_own_threads():
        pytest.skip("the sanitizer's runtime has threads of its own")
    flags = ("--thread-pool-count", "2") if pooled(either) else ()
    one, three = serve(either, *flags), serve(either, "--loops", "3", *flags)
    until(lambda: len(three.threads()) - len(one.threads()) == (6 if pooled(either) else 2), "the threads")


def test_port_of_several_loops_is_taken(serve: Callable[..., Server], either: str) -> None:
    """SO_REUSEPORT is for one server's loops; it does not let a second server in."""
    several = serve(either, "--loops", "2").port
    alone = serve(either).port
    for port, loops in ((several, "1"), (several, "2"), (alone, "2")):
        result = run_program(either, "--port", str(port), "--loops", loops)
        assert result.returncode == 2 and "Address already in use" in result.stderr


def test_stop_of_several_loops_ends_what_is_in_flight(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--loops", "3")
    clients = [server.connect() for _ in range(30)]
    octets = post("/echo", pattern(50_000))
    for client in clients[:15]:
        client.send(octets[:20_000])
    for client in clients[15:]:
        client.get("/plaintext")
    until(lambda: server.stats()["bytes_received"] >= 15 * 20_000, "the first parts")
    server.send_signal(signal.SIGTERM)
    for client in clients[15:]:
        client.expect_end()
    for client in clients[:15]:
        client.send(octets[20_000:])
        response = client.read()
        assert response.body == pattern(50_000) and response.closes
        client.expect_end()
        client.close()
    code, counters = server.wait()
    assert code == 0 and counters["active"] == 0


def test_stop_of_several_loops_refuses_new_connections(serve: Callable[..., Server]) -> None:
    # Long enough for connects whose first packet meets a listener as it ends: the kernel tries again after seconds.
    patient = ("--timeout-drain-ms", "60000", "--timeout-request-ms", "60000")
    server = serve(INLINE, "--loops", "3", *patient)
    held = server.connect()
    held.send(b"GET / HTTP/1.1\r\n")
    server.sync()
    server.send_signal(signal.SIGTERM)

    def all_refused() -> bool:
        for _ in range(20):
            try:
                socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
            except OSError:
                continue
            return False
        return True

    until(all_refused, "the listeners' end")
    held.send(b"Host: a\r\n\r\n")
    assert held.read().closes
    held.close()
    assert server.wait()[0] == 0


def test_loops_share_a_unix_socket(serve: Callable[..., Server], either: str, tmp_path: Path) -> None:
    server = serve(either, "--loops", "3", "--bind", f"unix:{tmp_path}/s")
    clients = [server.connect() for _ in range(60)]
    for client in clients:
        client.send(request("/bytes/100000"))
    for client in clients:
        assert client.read().body == b"x" * 100_000
    assert server.stats()["accepted"] == 61
    counters = server.stop()
    assert (counters["active"], counters["requests"]) == (0, 61)
    assert list(tmp_path.iterdir()) == []
