"""Servers from their start to the counters that they say at their end."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .errors import RunError
from .processes import describe_exit, die_with_runner, ending, process_cpu_ns, start, text

READY_SECONDS = 10.0
STOP_SECONDS = 15.0


@dataclasses.dataclass
class Server:
    """A server that is ready to accept. Used through serving()."""

    name: str
    pid: int
    url: str
    _process: subprocess.Popen[bytes]
    _stderr: IO[bytes]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def cpu_ns(self) -> int:
        self.check_alive()
        try:
            return process_cpu_ns(self.pid)
        except OSError as error:
            raise RunError(f"{self.name}: no process clock: {error.strerror}") from error

    def memory(self) -> dict[str, int]:
        """Resident memory now and at its highest, in bytes."""
        self.check_alive()
        kilobytes: dict[str, int] = {}
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key in ("VmRSS", "VmHWM"):
                kilobytes[key] = int(value.split()[0])
        return {
            "server_rss_bytes": kilobytes["VmRSS"] * 1024,
            "server_rss_peak_bytes": kilobytes["VmHWM"] * 1024,
        }

    def check_alive(self) -> None:
        code = self._process.poll()
        if code is not None:
            raise RunError(f"the server {self.name} died ({describe_exit(code)}){_last_line(self._stderr)}")

    def stderr(self) -> str:
        """What it has said there so far."""
        return text(self._stderr)

    def stop(self) -> dict[str, Any]:
        """Ends it with SIGTERM and returns the counters that it prints at the end."""
        self.terminate()
        return self.wait(STOP_SECONDS)

    def terminate(self) -> None:
        self.check_alive()
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> dict[str, Any]:
        """After terminate(): the counters that it prints at the end."""
        try:
            printed, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise RunError(f"the server {self.name} did not stop within {seconds:g} s of SIGTERM") from None
        if self._process.returncode != 0:
            how = describe_exit(self._process.returncode)
            raise RunError(f"the server {self.name} did not stop cleanly ({how}){_last_line(self._stderr)}")
        lines = printed.decode(errors="replace").strip().splitlines()
        try:
            counters = json.loads(lines[-1])
            counters["requests"] = int(counters["requests"])
        except (IndexError, ValueError, KeyError, TypeError):
            raise RunError(f"the server {self.name} printed no counters when it stopped") from None
        return dict(counters)


@contextlib.contextmanager
def serving(
    program: Path,
    arguments: Sequence[str],
    core: int | None,
    environment: Mapping[str, str] | None = None,
    descriptors_max: int | None = None,
    ready_seconds: float = READY_SECONDS,
    wrapper: Sequence[str] = (),
) -> Iterator[Server]:
    """A server program on a core or on any, from its ready line on; it is gone at the end of the block, whatever happens.
    `wrapper` is a command that becomes the program it is given."""

    def before_exec() -> None:
        die_with_runner()
        if descriptors_max is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors_max, descriptors_max))

    name = program.name
    command = [*wrapper, str(program), "--bind", "127.0.0.1", "--port", "0", *arguments]
    with (
        tempfile.TemporaryFile() as stderr,
        ending(start(command, core, subprocess.PIPE, stderr, environment, before_exec)) as process,
    ):
        url = _await_ready_line(name, process, stderr, ready_seconds)
        yield Server(name, process.pid, url, process, stderr)


@contextlib.contextmanager
def listening(name: str, command: Sequence[str], core: int, port: int) -> Iterator[Server]:
    """The same of a server that says nothing when it is ready: it is when it accepts on its port."""
    with (
        tempfile.TemporaryFile() as stderr,
        ending(start(command, core, subprocess.DEVNULL, stderr, before_exec=die_with_runner)) as process,
    ):
        server = Server(name, process.pid, f"http://127.0.0.1:{port}", process, stderr)
        deadline = time.monotonic() + READY_SECONDS
        while not _accepts(port):
            server.check_alive()
            if time.monotonic() > deadline:
                raise RunError(f"the server {name} was not ready within {READY_SECONDS:g} s")
            time.sleep(0.01)
        yield server


def _await_ready_line(name: str, process: subprocess.Popen[bytes], stderr: IO[bytes], seconds: float) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + seconds
    printed = b""
    while b"\n" not in printed:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise RunError(f"the server {name} was not ready within {seconds:g} s")
        chunk = os.read(process.stdout.fileno(), 4096)
        if not chunk:
            code = process.wait()
            raise RunError(f"the server {name} did not start ({describe_exit(code)}){_last_line(stderr)}")
        printed += chunk
    line = printed.split(b"\n", 1)[0].decode(errors="replace").strip()
    marker = "ready on "
    if not line.startswith(f"{name}: {marker}http://"):
        raise RunError(f"the server {name} printed '{line}', not that it is ready")
    return line[line.index(marker) + len(marker):].rstrip("/")


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _last_line(stream: IO[bytes]) -> str:
    lines = text(stream).strip().splitlines()
    return f": {lines[-1]}" if lines else ""
