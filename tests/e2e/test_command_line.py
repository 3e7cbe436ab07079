"""Flags, addresses and mistakes: one line on stderr that names what and why, exit code 2, nothing on stdout."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from processes import Server, run_program
from programs import FLOORS, INLINE, POOL, SERVERS
from wire import Client, request

KNOBS = [
    "--port", "--bind", "--backlog", "--max-conn", "--read-buf-cap", "--timeout-request-ms", "--timeout-keepalive-ms",
    "--request-count", "--thread-pool-count", "--thread-pool-backlog",
]


def expect_refusal(row: str, *flags: str, about: str) -> None:
    result = run_program(row, *flags)
    assert result.returncode == 2, result
    assert result.stdout == ""
    assert re.fullmatch(rf"{row}: [^\n]+\n", result.stderr), result.stderr
    assert about in result.stderr


@pytest.mark.parametrize("row", SERVERS + FLOORS)
def test_help_names_every_knob_with_its_default(row: str) -> None:
    result = run_program(row, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    wanted = KNOBS if row in SERVERS else ["--port", "--bind", "--backlog", "--answer", "--body-bytes"]
    for knob in [*wanted, "--identity", "--help"]:
        assert re.search(rf"^ +(-h,)?{knob}\b", result.stdout, re.MULTILINE), knob
    for knob in wanted:
        assert re.search(rf"^ +{knob} [A-Z]+(:[A-Z0-9{{}} ,a-z\[\]-]+)?=\S+", result.stdout, re.MULTILINE) or row in FLOORS, knob


BAD = [
    (["--nope"], "--nope"),
    (["--nope=1"], "--nope"),
    (["extra"], "extra"),
    (["--port"], "--port"),
    (["--port", "abc"], "--port"),
    (["--port", "65536"], "--port"),
    (["--port", "-1"], "--port"),
    (["--port", ""], "--port"),
    (["--port", "1", "--port", "2"], "--port"),
    (["--backlog", "0"], "backlog"),
    (["--backlog", "-5"], "backlog"),
    (["--backlog", "x"], "backlog"),
    (["--max-conn", "0"], "max-conn"),
    (["--max-conn", "-1"], "max-conn"),
    (["--max-conn", "99999999999"], "max-conn"),
    (["--read-buf-cap", "10"], "read-buf-cap"),
    (["--read-buf-cap", "-1"], "read-buf-cap"),
    (["--read-buf-cap", "5000000000"], "read-buf-cap"),
    (["--read-buf-cap", "1MB"], "read-buf-cap"),
    (["--timeout-request-ms", "0"], "timeout-request-ms"),
    (["--timeout-request-ms", "-1"], "timeout-request-ms"),
    (["--timeout-request-ms", "1.5"], "timeout-request-ms"),
    (["--timeout-keepalive-ms", "0"], "timeout-keepalive-ms"),
    (["--timeout-keepalive-ms", "99999999999999999999"], "timeout-keepalive-ms"),
    (["--timeout-write-ms", "0"], "timeout-write-ms"),
    (["--timeout-linger-ms", "0"], "timeout-linger-ms"),
    (["--timeout-handler-ms", "-1"], "timeout-handler-ms"),
    (["--timeout-drain-ms", "0"], "timeout-drain-ms"),
    (["--request-count", "-1"], "request-count"),
    (["--request-count", "x"], "request-count"),
    (["--request-count", "99999999999999999999999"], "request-count"),
    (["--thread-pool-backlog", "0"], "thread-pool-backlog"),
    (["--thread-pool-backlog", "-1"], "thread-pool-backlog"),
    (["--thread-pool-count", "-1"], "thread-pool-count"),
    (["--thread-pool-count", "5000"], "thread-pool-count"),
    (["--output-bytes-max", "0"], "output-bytes-max"),
    (["--output-bytes-max", "-1"], "output-bytes-max"),
    (["--buffer-retain-bytes-max", "-1"], "buffer-retain-bytes-max"),
    (["--bind", "localhost"], "localhost"),
    (["--bind", "256.0.0.1"], "256.0.0.1"),
    (["--bind", ""], "address"),
    (["--bind", "192.0.2.1"], "192.0.2.1"),
    (["--bind", "[::1]"], "[::1]"),
    (["--bind", "unix:"], "path of a unix socket"),
    (["--bind", "unix:/" + "x" * 107], "name too long"),
    (["--bind", "unix:/no/such/folder/s"], "No such file or directory"),
    (["--loops", "0"], "loops"),
    (["--loops", "-1"], "loops"),
    (["--loops", "257"], "loops"),
]


@pytest.mark.parametrize("row", [INLINE, POOL])
@pytest.mark.parametrize("flags, about", BAD, ids=[" ".join(flags) for flags, _ in BAD])
def test_bad_flag(row: str, flags: list[str], about: str) -> None:
    # The kernel chooses the port, should a mistake pass for none.
    port = [] if "--port" in flags else ["--port", "0"]
    expect_refusal(row, *port, *flags, about=about)


@pytest.mark.parametrize("flags, about", [
    (["--nope"], "--nope"), (["--port", "x"], "--port"), (["--answer", "x"], "--answer"), (["--body-bytes", "x"], "--body-bytes"),
    (["--body-bytes", "-1"], "--body-bytes"), (["--bind", "localhost"], "localhost"), (["--backlog", "0"], "backlog"),
])
@pytest.mark.parametrize("row", FLOORS)
def test_bad_flag_of_the_floor(row: str, flags: list[str], about: str) -> None:
    port = [] if "--port" in flags else ["--port", "0"]
    expect_refusal(row, *port, *flags, about=about)


def test_pool_and_no_pool_are_what_their_names_say() -> None:
    expect_refusal(INLINE, "--thread-pool-count", "2", about="thread-pool-count")
    expect_refusal(POOL, "--thread-pool-count", "0", about="thread-pool-count")
    expect_refusal(INLINE, "--timeout-handler-ms", "100", about="timeout-handler-ms")


@pytest.mark.parametrize("row", [INLINE, POOL, *FLOORS])
def test_port_in_use(serve: Callable[..., Server], row: str) -> None:
    port = serve(row).port
    expect_refusal(row, "--port", str(port), about=f"port {port}")
    expect_refusal(row, "--port", str(port), about="in use")


def test_ready_line_names_the_port(serve: Callable[..., Server], either: str) -> None:
    server = serve(either)
    assert server.ready_line == f"{either}: ready on http://127.0.0.1:{server.port}/"
    assert server.port > 0


def test_bound_to_loopback_only_by_default(serve: Callable[..., Server], either: str) -> None:
    """127.0.0.2 is the same machine, but another address."""
    server = serve(either)
    with pytest.raises(ConnectionRefusedError):
        Client(server.port, host="127.0.0.2")
    other = serve(either, "--bind", "127.0.0.2")
    with Client(other.port, host="127.0.0.2") as client:
        client.send(request("/"))
        assert client.read().body == b"OK"


def test_closed_stdout_is_no_reason_not_to_serve(serve: Callable[..., Server]) -> None:
    """Whoever started it may have gone."""
    server = serve(INLINE)
    assert server.process.stdout is not None
    server.process.stdout.close()
    assert server.get("/plaintext").body == b"Hello, World!"
    server.send_signal(15)
    assert server.process.wait(10) in (0, 1)


def test_full_stdout_is_no_reason_to_hang() -> None:
    result = subprocess.run(["/bin/sh", "-c", 'exec "$0" --help > /dev/full', str(_path(INLINE))], timeout=20, check=False)
    assert result.returncode in (0, 1, 2)


def _path(row: str) -> str:
    from programs import program

    return str(program(row))
