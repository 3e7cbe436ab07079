"""Where a server listens: IPv4, IPv6, unix sockets."""

from __future__ import annotations

import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from processes import Server, run_program, tcp_listeners, tool, until
from programs import FLOORS, INLINE, POOL
from wire import EOF, Client, parse_all, pattern, post, request


def test_ipv6(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--bind", "::1")
    assert server.ready_line == f"{either}: ready on http://[::1]:{server.port}/"
    with Client(server.port, host="::1") as client:
        assert client.get("/plaintext").body == b"Hello, World!"
    with pytest.raises(ConnectionRefusedError):
        Client(server.port)
    url = f"http://[::1]:{server.port}/bytes/100000"
    assert tool("curl", "--silent", "--globoff", "--max-time", "15", url).stdout == b"x" * 100_000


def test_any_address_of_ipv6_takes_ipv4(serve: Callable[..., Server], either: str) -> None:
    server = serve(either, "--bind", "::")
    assert server.ready_line == f"{either}: ready on http://[::]:{server.port}/"
    for host in ("::1", "127.0.0.1"):
        with Client(server.port, host=host) as client:
            assert client.get("/plaintext").body == b"Hello, World!"


# --- unix sockets


def curl(path: Path, target: str, *arguments: str, octets: bytes | None = None) -> bytes:
    result = tool(
        "curl", "--silent", "--show-error", "--max-time", "15", "--unix-socket", str(path), *arguments,
        f"http://localhost{target}", octets=octets,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_unix_socket(serve: Callable[..., Server], either: str, tmp_path: Path) -> None:
    path = tmp_path / "site.sock"
    server = serve(either, "--bind", f"unix:{path}")
    assert server.ready_line == f"{either}: ready on unix:{path}"
    assert stat.S_ISSOCK(path.stat().st_mode)
    assert curl(path, "/plaintext") == b"Hello, World!"
    assert curl(path, "/bytes/1000000") == b"x" * 1_000_000
    body = pattern(300_000)
    assert curl(path, "/echo", "--data-binary", "@-", octets=body) == body
    assert curl(path, "/echo", "--data-binary", "@-", "--header", "Transfer-Encoding: chunked", octets=body) == body
    # Pipelined, cut, refused, half-closed: all as over TCP.
    client = server.connect()
    client.send(request("/bytes/10") * 50 + post("/echo", body)[:1000])
    for _ in range(50):
        assert client.read().body == b"x" * 10
    client.send(post("/echo", body)[1000:])
    assert client.read().body == body
    client.send(request("/plaintext"))
    client.half_close()
    (last,) = parse_all(client.read_to_end())
    assert last.body == b"Hello, World!" and client.ended == EOF
    refused = server.connect()
    refused.send(b"nonsense\r\n\r\n")
    assert parse_all(refused.read_to_end())[0].status == 400 and refused.ended == EOF
    # Nothing listens on a port.
    assert server.stats()["accepted"] == 7
    assert tcp_listeners(server.pid) == []
    server.stop()
    assert not path.exists()


def test_slow_reader_on_a_unix_socket_is_evicted(serve: Callable[..., Server], either: str, tmp_path: Path) -> None:
    server = serve(either, "--bind", f"unix:{tmp_path}/s", "--timeout-write-ms", "300")
    stuck = server.connect()
    stuck.send(request("/bytes/8000000"))
    until(lambda: server.stats()["timeouts_write"] == 1, "the eviction")
    assert len(stuck.read_to_end()) < 8_000_000
    # Who reads gets it all; with the usual deadline, for a busy machine may make a reader late.
    patient = serve(either, "--bind", f"unix:{tmp_path}/patient")
    assert patient.get("/bytes/8000000").body == b"x" * 8_000_000


def test_unix_socket_of_a_dead_server_is_replaced(serve: Callable[..., Server], either: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = serve(either, "--bind", f"unix:{path}")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert path.exists()
    second = serve(either, "--bind", f"unix:{path}")
    assert curl(path, "/plaintext") == b"Hello, World!"
    second.stop()
    assert not path.exists()


def test_unix_socket_of_a_live_server_is_refused(serve: Callable[..., Server], either: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    server = serve(either, "--bind", f"unix:{path}")
    result = run_program(either, "--bind", f"unix:{path}")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"{either}: cannot listen on unix:{path}: bind: Address already in use\n"
    assert curl(path, "/plaintext") == b"Hello, World!"
    server.stop()


def test_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("mine")
    result = run_program(INLINE, "--bind", f"unix:{path}")
    assert result.returncode == 2 and "Address already in use" in result.stderr
    assert path.read_text() == "mine"


def test_a_new_server_may_take_over_while_the_old_one_drains(serve: Callable[..., Server], tmp_path: Path) -> None:
    """The file goes when the stop begins, and the old server's end does not take the new one's."""
    path = tmp_path / "s"
    old = serve(POOL, "--bind", f"unix:{path}")
    client = old.connect()
    client.send(post("/echo", b"abc")[:-1])
    old.sync()
    old.send_signal(signal.SIGTERM)
    until(lambda: not path.exists(), "the file's end")
    new = serve(INLINE, "--bind", f"unix:{path}")
    client.send(b"c")
    assert client.read().body == b"abc"
    client.close()
    assert old.wait()[0] == 0
    assert curl(path, "/plaintext") == b"Hello, World!"
    new.stop()
    assert not path.exists()


@pytest.mark.parametrize("row", FLOORS)
def test_floor_is_for_tcp(row: str, tmp_path: Path) -> None:
    result = run_program(row, "--bind", f"unix:{tmp_path}/s")
    assert result.returncode == 2 and len(result.stderr.splitlines()) == 1 and "unix:" in result.stderr
    assert not (tmp_path / "s").exists()
