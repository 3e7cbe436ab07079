"""Starting, watching and ending the programs of a run: servers that stay, generators that come back.

Whatever is started here is in one register and is killed, by its own process id, when the run ends in any way. Should
the runner itself be killed, the kernel ends the servers (PR_SET_PDEATHSIG); generators end by themselves.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .errors import RunError, UsageError
from .interrupts import held

READY_SECONDS = 10.0
STOP_SECONDS = 15.0
IDENTITY_SECONDS = 10.0
# What a generator may need beyond its planned time before it counts as hung.
GENERATOR_GRACE_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1
_CPUCLOCK_SCHED = 2

_libc = ctypes.CDLL(None, use_errno=True)
_running: dict[int, subprocess.Popen[bytes]] = {}


def kill_all() -> None:
    """Ends every process that was started here and has not been waited for."""
    for process in list(_running.values()):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with contextlib.suppress(ChildProcessError):
            process.wait()
    _running.clear()


def process_cpu_ns(pid: int) -> int:
    """The CPU time of all threads of a process so far, from its own clock, in nanoseconds."""
    return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)


def describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


@dataclasses.dataclass
class Server:
    """A server that is ready to accept. Used through serving()."""

    name: str
    pid: int
    url: str
    _process: subprocess.Popen[bytes]
    _stderr: IO[bytes]

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

    def stop(self) -> dict[str, Any]:
        """Ends it with SIGTERM and returns the counters that it prints at the end."""
        self.check_alive()
        self._process.send_signal(signal.SIGTERM)
        try:
            printed, _ = self._process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise RunError(f"the server {self.name} did not stop within {STOP_SECONDS:g} s of SIGTERM") from None
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
    program: Path, arguments: Sequence[str], core: int, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """A server program on a core, from its ready line on; it is gone at the end of the block, whatever happens."""
    name = program.name
    with tempfile.TemporaryFile() as stderr:
        process = _start(
            [str(program), "--bind", "127.0.0.1", "--port", "0", *arguments],
            core,
            stdout=subprocess.PIPE,
            stderr=stderr,
            environment=environment,
            dies_with_runner=True,
        )
        try:
            url = _await_ready_line(name, process, stderr)
            yield Server(name, process.pid, url, process, stderr)
        finally:
            _end(process)


@contextlib.contextmanager
def listening(name: str, command: Sequence[str], core: int, port: int) -> Iterator[Server]:
    """The same of a server that says nothing when it is ready: it is when it accepts on its port."""
    with tempfile.TemporaryFile() as stderr:
        process = _start(command, core, stdout=subprocess.DEVNULL, stderr=stderr, dies_with_runner=True)
        server = Server(name, process.pid, f"http://127.0.0.1:{port}", process, stderr)
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not _accepts(port):
                server.check_alive()
                if time.monotonic() > deadline:
                    raise RunError(f"the server {name} was not ready within {READY_SECONDS:g} s")
                time.sleep(0.01)
            yield server
        finally:
            _end(process)


@dataclasses.dataclass(frozen=True)
class Finished:
    """A generator that came back: how, after how long, and at what cost."""

    code: int
    stdout: str
    stderr: str
    cpu_ns: int
    wall_ns: int


def run_to_end(command: Sequence[str], core: int, expected_seconds: float) -> Finished:
    """Runs a generator to its end. Its CPU time is the kernel's account of the process (wait4), so that it means the
    same for every generator."""
    name = Path(command[0]).name
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        begin = time.monotonic_ns()
        process = _start(command, core, stdout=stdout, stderr=stderr)
        try:
            pidfd = os.pidfd_open(process.pid)
            try:
                ready, _, _ = select.select([pidfd], [], [], expected_seconds + GENERATOR_GRACE_SECONDS)
            finally:
                os.close(pidfd)
            if not ready:
                raise RunError(f"{name} did not come back: planned {expected_seconds:g} s, "
                               f"{GENERATOR_GRACE_SECONDS:g} s of grace")
            with held():
                _, status, usage = os.wait4(process.pid, 0)
                end = time.monotonic_ns()
                process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            _end(process)
        return Finished(
            code=process.returncode,
            stdout=_text(stdout),
            stderr=_text(stderr),
            cpu_ns=round((usage.ru_utime + usage.ru_stime) * 1e9),
            wall_ns=end - begin,
        )


def ask(program: Path, *arguments: str) -> str:
    """What a program prints when it is asked about itself."""
    try:
        done = subprocess.run(
            [str(program), *arguments], capture_output=True, timeout=IDENTITY_SECONDS, check=False
        )
    except FileNotFoundError:
        raise UsageError(f"there is no program {program.name} in {program.parent.name}/: build it first "
                         "(make build)") from None
    except OSError as error:
        raise UsageError(f"cannot run {program.name}: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise UsageError(f"{program.name} {' '.join(arguments)} did not come back") from None
    if done.returncode != 0:
        raise UsageError(f"{program.name} {' '.join(arguments)} failed ({describe_exit(done.returncode)})")
    return done.stdout.decode(errors="replace")


def _start(
    command: Sequence[str],
    core: int,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    environment: Mapping[str, str] | None = None,
    dies_with_runner: bool = False,
) -> subprocess.Popen[bytes]:
    # The core is inherited: without a preexec_fn Python starts a child by vfork, and the child's account does not
    # begin with the copying of the runner's memory. A server's start is not measured, so it may have one.
    own = os.sched_getaffinity(0)
    with held():
        os.sched_setaffinity(0, {core})
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env={**os.environ, **(environment or {})},
                # Ctrl-C is for the runner alone; it ends its children in order.
                process_group=0,
                preexec_fn=_die_with_runner if dies_with_runner else None,
            )
        except OSError as error:
            raise RunError(f"cannot start {Path(command[0]).name}: {error.strerror}") from error
        finally:
            os.sched_setaffinity(0, own)
        _running[process.pid] = process
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that may have ended already, and strikes it off the register."""
    with held():
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        _running.pop(process.pid, None)


def _die_with_runner() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _await_ready_line(name: str, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + READY_SECONDS
    printed = b""
    while b"\n" not in printed:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise RunError(f"the server {name} was not ready within {READY_SECONDS:g} s")
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


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _last_line(stream: IO[bytes]) -> str:
    lines = _text(stream).strip().splitlines()
    return f": {lines[-1]}" if lines else ""
