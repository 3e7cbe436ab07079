"""The Lua scripts with the real wrk, against a server that keeps every byte it is sent."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import subprocess
import threading
from typing import Any

import pytest
from conftest import ROOT

SCRIPTS = ROOT / "scripts" / "wrk"
ARGUMENTS = {
    "keepalive.lua": [],
    "pipeline.lua": ["--", "16"],
    "post.lua": ["--", "4096"],
    "close.lua": [],
}
pytestmark = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


class Server(threading.Thread):
    """Answers each request and keeps the bytes that came in one go, per connection."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections: list[bytes] = []
        self.threads: list[threading.Thread] = []
        self.answered = 0
        self.lock = threading.Lock()

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def finish(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()
        for thread in self.threads:
            thread.join()

    def serve(self, connection: socket.socket) -> None:
        kept = b""
        waiting = b""
        with connection:
            while True:
                try:
                    chunk = connection.recv(1 << 20)
                except OSError:
                    break
                if not chunk:
                    break
                if len(kept) < 100000:
                    kept += chunk
                waiting += chunk
                answers = b""
                close = False
                while b"\r\n\r\n" in waiting:
                    head, rest = waiting.split(b"\r\n\r\n", 1)
                    lines = head.lower().split(b"\r\n")
                    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
                    if len(rest) < length:
                        break
                    waiting = rest[length:]
                    close = b"connection: close" in lines
                    closing = b"Connection: close\r\n" if close else b""
                    answers += b"HTTP/1.1 200 OK\r\n" + closing + b"Content-Length: 2\r\n\r\nok"
                    with self.lock:
                        self.answered += 1
                if answers:
                    try:
                        connection.sendall(answers)
                    except OSError:
                        break
                if close:
                    break
        with self.lock:
            self.connections.append(kept)


def wrk(server: Server, script: str, *arguments: str) -> list[str]:
    return ["wrk", "-t", "1", "-c", "2", "-d", "1", "-s", str(SCRIPTS / script), f"http://127.0.0.1:{server.port}/x",
            *arguments]


@dataclasses.dataclass
class Driven:
    server: Server
    figures: dict[str, Any]

    @property
    def sent(self) -> bytes:
        """What the busiest connection was sent."""
        return max(self.server.connections, key=len)


@pytest.fixture(scope="module")
def driven() -> dict[str, Driven]:
    """Every script once, all at the same time: wrk takes a whole second, and nothing here depends on speed."""
    servers = {name: Server() for name in ARGUMENTS}
    for server in servers.values():
        server.start()
    runs = {
        name: subprocess.Popen(wrk(servers[name], name, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
        for name, arguments in ARGUMENTS.items()
    }
    found: dict[str, Driven] = {}
    for name, process in runs.items():
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
        (report,) = [line for line in said.splitlines() if line.startswith("wrk-report ")]
        found[name] = Driven(servers[name], json.loads(report.removeprefix("wrk-report ")))
    for server in servers.values():
        server.finish()
    return found


@pytest.mark.parametrize("script", ARGUMENTS)
def test_the_counts_agree_but_for_what_was_in_flight(driven: dict[str, Driven], script: str) -> None:
    figures = driven[script].figures
    in_flight_max = 2 * int(ARGUMENTS[script][-1]) if script == "pipeline.lua" else 2
    assert 0 < figures["requests"] <= driven[script].server.answered <= figures["requests"] + in_flight_max
    assert set(figures["errors"].values()) == {0}
    assert figures["duration_us"] >= 1_000_000


def test_keepalive_sends_plain_requests_and_reports_latencies(driven: dict[str, Driven]) -> None:
    run = driven["keepalive.lua"]
    latency = run.figures["latency_ns"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99_9"] <= latency["max"]
    assert run.sent.startswith(f"GET /x HTTP/1.1\r\nHost: 127.0.0.1:{run.server.port}\r\n\r\n".encode() * 3)


def test_pipeline_sends_its_depth_and_gives_no_percentiles(driven: dict[str, Driven]) -> None:
    run = driven["pipeline.lua"]
    assert run.sent.startswith(f"GET /x HTTP/1.1\r\nHost: 127.0.0.1:{run.server.port}\r\n\r\n".encode() * 32)
    assert run.server.answered % 16 == 0
    latency = run.figures["latency_ns"]
    assert [latency[key] for key in ("mean", "p50", "p90", "p99", "p99_9")] == [None] * 5 and latency["max"] > 0


def test_post_sends_a_body_of_its_size(driven: dict[str, Driven]) -> None:
    head, rest = driven["post.lua"].sent.split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /x HTTP/1.1\r\n") and b"content-length: 4096" in head.lower()
    assert rest[:4096] == b"x" * 4096 and rest[4096:].startswith(b"POST /x")


def test_close_takes_a_new_connection_for_each_request(driven: dict[str, Driven]) -> None:
    run = driven["close.lua"]
    assert len(run.server.connections) >= run.figures["requests"]
    assert all(kept.count(b"GET /x") <= 1 for kept in run.server.connections)
    assert b"connection: close" in run.sent.lower()


@pytest.mark.parametrize("script", ["pipeline.lua", "post.lua"])
@pytest.mark.parametrize("argument", [[], ["--", "0"], ["--", "some"], ["--", "1.5"]])
def test_a_missing_or_senseless_argument_is_named(script: str, argument: list[str]) -> None:
    server = Server()
    server.start()
    done = subprocess.run(wrk(server, script, *argument), capture_output=True, text=True, check=False, timeout=20)
    server.finish()
    assert done.returncode == 2
    assert "needs the" in done.stderr and "behind --" in done.stderr
