"""The load generator against our own servers, wherever they listen: both count the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from processes import Server, tool
from programs import BIN_DIR


def url(server: Server, target: str = "/") -> list[str]:
    """What names the server's target on the command line."""
    if server.path is not None:
        return ["--unix-socket", server.path, f"http://localhost{target}"]
    return [f"http://[::1]:{server.port}{target}"]


# loadgen's exit code where the machine spoilt the times of a run. Its counts hold all the same.
VOID = 3


def run(server: Server, *flags: str) -> dict[str, Any]:
    """A short run without any error."""
    done = tool(str(BIN_DIR / "loadgen"), *url(server), "-d", "200ms", "--timeout", "20s", "--json", "-", *flags)
    assert done.returncode in (0, VOID), done.stderr
    result = dict(json.loads(done.stdout))
    assert result["errors"]["total"] == 0
    return result


@pytest.fixture(params=["unix", "IPv6"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """What --bind is told."""
    return f"unix:{tmp_path}/site.sock" if request.param == "unix" else "::1"


@pytest.mark.parametrize("flags", [
    ("-c", "8"),
    ("-c", "4", "--pipeline", "16", "-t", "2"),
    ("-c", "4", "--no-keepalive"),
    ("-c", "2", "--body-bytes", "300000"),
], ids=["keep-alive", "pipelined", "a connection each", "large bodies"])
def test_counts_are_equal(serve: Callable[..., Server], either: str, place: str, flags: tuple[str, ...]) -> None:
    server = serve(either, "--bind", place)
    result = run(server, "--stats-path", "/stats", *flags)
    assert result["requests"] == result["server_requests"] > 8
    assert result.get("unix_socket") == server.path


@pytest.mark.parametrize("flags", [
    ("--no-keepalive",),
    ("--requests-per-connection", "3"),
    ("--requests-per-connection", "10", "--pipeline", "4"),
    ("--requests-per-connection", "7", "-R", "1000"),
    ("--no-keepalive", "-R", "500"),
], ids=["one each", "three each", "pipelined", "open loop", "open loop, one each"])
def test_connections_are_as_many_as_both_say(
    serve: Callable[..., Server], either: str, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    server = serve(either, "--bind", f"unix:{tmp_path}/site.sock")
    result = run(server, "-c", "4", "-t", "2", *flags)
    counters = server.stats()
    # The first request comes on a connection of its own, and so does the question for the counters.
    assert counters["accepted"] == result["connections_made"] + 2
    assert counters["requests"] == result["requests"] + 1
    each = result["requests_per_connection"]
    assert (result["requests"] - 1) / each <= result["connections_made"] <= (result["requests"] - 1) / each + 4
    assert result["reconnects"] == 0


def test_two_servers_on_unix_sockets_are_compared(serve: Callable[..., Server], either: str, tmp_path: Path) -> None:
    a, b = (serve(either, "--bind", f"unix:{tmp_path}/{name}") for name in "ab")
    done = tool(
        str(BIN_DIR / "loadgen"), "versus", "http://localhost/json", "http://localhost/json", "--unix-socket-a",
        str(a.path), "--unix-socket-b", str(b.path), "--pid-a", str(a.pid), "--pid-b", str(b.pid), "-c", "4",
        "--pairs", "4", "--slice-ms", "10", "--ndjson", "-",
    )
    assert done.returncode == 0, done.stderr
    totals = json.loads(done.stdout.splitlines()[-1])
    # The last read counts itself.
    assert totals["requests_a"] == a.stats()["requests"] - 1 > 4
    assert totals["requests_b"] == b.stats()["requests"] - 1 > 4


def test_path_where_nobody_listens(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "s", "No such file or directory"), (tmp_path / ("x" * 120), "File name too long")):
        done = tool(str(BIN_DIR / "loadgen"), "--unix-socket", str(path), "http://localhost/", "-d", "100ms")
        assert done.returncode in (1, 2) and done.stdout == b""
        assert len(done.stderr.splitlines()) == 1 and why in done.stderr.decode()
