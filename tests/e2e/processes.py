"""A server program that runs: its port, its counters, its memory and CPU time, and its end.

Every process that is started is known by its id, dies with the test run, and is killed by that id at the end at the
latest. Nothing waits without a bound.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed

from programs import patience, pooled, program, sanitized, sanitizers
from wire import EOF, Client, request

_PR_SET_PDEATHSIG = 1
_CPUCLOCK_SCHED = 2
_libc = ctypes.CDLL(None, use_errno=True)
# clock_nanosleep and nanosleep, as /proc/PID/task/TID/syscall names them.
_SLEEP_CALLS = {"x86_64": {"230", "35"}, "aarch64": {"115", "101"}}.get(platform.machine(), set())


def until(condition: Callable[[], Any], what: str, seconds: float | None = None) -> Any:
    """Polls until the condition holds; returns what it returned."""
    end = time.monotonic() + (patience() if seconds is None else seconds)
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            pytest.fail(f"never came: {what}")
        time.sleep(0.002)


class Server:
    """A program that answers on `port`, or at `path`. Clients that it made are closed before it is stopped."""

    def __init__(
        self, row: str, *flags: str, file_limit: int | None = None, stack_limit: int | None = None, wrapper: Sequence[str] = (), port: int = 0
    ) -> None:
        self.row = row
        self.clients: list[Client] = []
        self._stderr = tempfile.TemporaryFile()
        self._stdout = b""

        def before_exec() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if file_limit is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (file_limit, file_limit))
            if stack_limit is not None:
                resource.setrlimit(resource.RLIMIT_STACK, (stack_limit, stack_limit))

        command = [*wrapper, str(program(row)), "--port", str(port), *flags]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._stderr, preexec_fn=before_exec,
        )
        self.wrapped = bool(wrapper)
        self.pid = self.process.pid
        try:
            self.ready_line = self._read_line()
            self.port, self.path = self._where()
            if self.wrapped:
                # The program is the wrapper's only child.
                with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
                    self.pid = int(children.read().split()[0])
            # A thread that sleeps before there is any request belongs to a sanitizer, which starts it with the first
            # worker.
            self._others: set[int] = set()
            if has_own_threads() and pooled(row):
                until(self._find_others, "the sanitizer's thread")
        except BaseException:
            self.kill()
            raise

    def _where(self) -> tuple[int, str | None]:
        """Its port, or 0 and the path of its unix socket."""
        start, _, where = self.ready_line.partition("ready on ")
        assert start == f"{self.row}: " and where.startswith(("http://", "unix:")), self.describe()
        if where.startswith("unix:"):
            return 0, where.removeprefix("unix:")
        assert where.endswith("/"), self.describe()
        return int(where.rstrip("/").rsplit(":", 1)[1]), None

    def _find_others(self) -> bool:
        self._others |= self._sleepers()
        return bool(self._others)

    # --- what it says

    def _read_line(self) -> str:
        end = time.monotonic() + patience()
        stdout = self.process.stdout
        assert stdout is not None
        while b"\n" not in self._stdout:
            left = end - time.monotonic()
            ready = left > 0 and select.select([stdout], [], [], left)[0]
            octets = os.read(stdout.fileno(), 65_536) if ready else b""
            assert octets, f"no line on stdout: {self.describe()}"
            self._stdout += octets
        line, _, self._stdout = self._stdout.partition(b"\n")
        return line.decode()

    def stderr(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "replace")

    def describe(self) -> str:
        return f"{self.row}: exit code {self.process.poll()}, stderr {self.stderr()[:4000]!r}"

    # --- clients

    def connect(self, receive_buffer: int | None = None) -> Client:
        client = Client(self.port, receive_buffer, path=self.path)
        self.clients.append(client)
        return client

    def get(self, target: str, *fields: str) -> Any:
        """One GET on a connection of its own."""
        with Client(self.port, path=self.path) as client:
            return client.get(target, "Connection: close", *fields)

    def stats(self) -> dict[str, int]:
        """The counters. It costs a connection and a request, and with a pool a worker."""
        with Client(self.port, path=self.path) as client:
            return dict(json.loads(client.get("/stats", "Connection: close").body))

    def sync(self) -> None:
        """Returns when the loop has read what other clients sent before: it answers this in its own turn, without a
        handler, and takes what is ready in the order in which it came."""
        with Client(self.port, path=self.path) as client:
            client.send(b"sync\r\n")
            octets = client.read_to_end()
            assert octets.startswith(b"HTTP/1.1 400 ") and client.ended == EOF, self.describe()

    # --- what the kernel says of it

    def rss(self) -> int:
        """Exactly; the status file knows it to some dozens of pages only."""
        return self._memory("smaps_rollup", "Rss")

    def peak_rss(self) -> int:
        return self._memory("status", "VmHWM")

    def _memory(self, file: str, name: str) -> int:
        with open(f"/proc/{self.pid}/{file}", encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))

    def cpu_seconds(self) -> float:
        """Of all threads so far, by the process's own clock."""
        return time.clock_gettime_ns((~self.pid << 3) | _CPUCLOCK_SCHED) / 1e9

    def threads(self) -> list[int]:
        return sorted(int(name) for name in os.listdir(f"/proc/{self.pid}/task"))

    def thread_cpu_seconds(self, thread: int) -> float:
        with open(f"/proc/{self.pid}/task/{thread}/schedstat", encoding="ascii") as schedstat:
            return int(schedstat.read().split()[0]) / 1e9

    @contextlib.contextmanager
    def not_spinning(self) -> Iterator[None]:
        """What follows takes time, and the server has little to do in it: who spins takes all of a processor. What the
        machine's neighbours take may count as the server's, so no finer line can be drawn."""
        start, before = time.monotonic(), self.cpu_seconds()
        yield
        elapsed, used = time.monotonic() - start, self.cpu_seconds() - before
        assert sanitized() or used < elapsed / 2, f"{used:.3f} s of CPU in {elapsed:.3f} s"

    def _runs(self) -> int:
        """How often its threads have been put on a processor."""
        count = 0
        for thread in self.threads():
            with open(f"/proc/{self.pid}/task/{thread}/schedstat", encoding="ascii") as schedstat:
                count += int(schedstat.read().split()[2])
        return count

    def until_at_rest(self, seconds: float) -> None:
        """Returns when it has done nothing at all, not even woken up, for so long. ThreadSanitizer has a thread of its own,
        which does: there nobody waits for that."""
        if sanitizers() == "thread":
            return

        def rested() -> bool:
            before = self.state(), self._runs()
            time.sleep(seconds)
            return before == ("S", self._runs()) and self.state() == "S"

        until(rested, f"{seconds} s in which {self.row} does nothing")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def _sleepers(self) -> set[int]:
        found = set()
        for thread in self.threads():
            with contextlib.suppress(OSError), open(f"/proc/{self.pid}/task/{thread}/syscall", encoding="ascii") as call:
                if call.read().split()[0] in _SLEEP_CALLS:
                    found.add(thread)
        return found

    def sleeping_workers(self) -> int:
        """Threads whose handler is in /sleep at this moment."""
        return len(self._sleepers() - self._others)

    def wait_for_sleepers(self, count: int) -> None:
        until(lambda: self.sleeping_workers() == count, f"{count} handlers that sleep")

    def state(self) -> str:
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    # --- signals and the end

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The process stands still meanwhile; it was waiting for events when it was stopped, if it ever does."""
        with contextlib.suppress(Failed):
            until(lambda: self.state() == "S", "a moment of rest", 0.5)
        self.send_signal(signal.SIGSTOP)
        until(lambda: self.state() == "T", "the stopped process")
        try:
            yield
        finally:
            self.send_signal(signal.SIGCONT)

    def wait(self, seconds: float | None = None) -> tuple[int, dict[str, int]]:
        """After a signal: the exit code and the counters, which are the only further line."""
        stdout = self.process.stdout
        assert stdout is not None
        try:
            code = self.process.wait(patience() if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it does not end: {self.describe()}")
        lines = (self._stdout + stdout.read()).decode().splitlines()
        assert code != 0 or len(lines) == 1, lines
        return code, dict(json.loads(lines[0])) if lines else {}

    def stop(self, number: int = signal.SIGTERM) -> dict[str, int]:
        """Stops it as a user would, and sees that it ended well: sanitizers speak at the end, through stderr and the
        exit code."""
        for client in self.clients:
            client.close()
        assert self.process.poll() is None, f"it has died: {self.describe()}"
        self.send_signal(number)
        code, counters = self.wait()
        assert code == 0 and self.stderr() == "", self.describe()
        return counters

    def kill(self) -> None:
        """For teardown: whatever state it is in."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            if self.wrapped and self.pid != self.process.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def while_handlers_sleep(check: Callable[[int], bool]) -> None:
    """For what can only be seen while handlers sleep: the check is told for how many milliseconds they should, and
    returns whether they still did when it had seen it. A busy machine gets more time."""
    for milliseconds in (300, 1200, 5000):
        if check(milliseconds):
            return
    pytest.fail("the machine was never quick enough")


def run_program(row: str, *flags: str) -> subprocess.CompletedProcess[str]:
    """A program that should end by itself, and soon."""
    try:
        return subprocess.run(
            [str(program(row)), *flags], capture_output=True, text=True, check=False, timeout=patience() / 10,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as running:
        pytest.fail(f"{row} {' '.join(flags)} should have ended; it said {running.stdout!r}", pytrace=False)


def has_own_threads() -> bool:
    """Whether the build's runtime keeps a thread of its own."""
    return "thread" in sanitizers()


def tool(name: str, *arguments: str, octets: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A client program, bounded in time."""
    try:
        return subprocess.run(
            [name, *arguments], input=octets or b"", capture_output=True, check=False, timeout=patience()
        )
    except FileNotFoundError:
        pytest.fail(f"{name} is not installed")


def tcp_listeners(pid: int) -> list[str]:
    """The inodes of the process's sockets that are in the kernel's tables of TCP listeners."""
    own = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{pid}/fd") if entry.is_symlink()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own]


PLAINTEXT = request("/plaintext")
