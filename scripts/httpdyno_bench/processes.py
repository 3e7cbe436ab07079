"""Starting and ending the programs of a run.

Whatever is started here is in one register and is killed, by its own process id, when the run ends in any way. Should
the runner itself be killed, the kernel ends the servers (PR_SET_PDEATHSIG); generators end by themselves.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from .errors import RunError, UsageError
from .interrupts import held

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


def die_with_runner() -> None:
    """For a child, before it becomes its program."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def describe_exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


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
        with ending(start(command, core, stdout, stderr)) as process:
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
        return Finished(
            code=process.returncode,
            stdout=text(stdout),
            stderr=text(stderr),
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


def text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def start(
    command: Sequence[str],
    core: int | None,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    environment: Mapping[str, str] | None = None,
    before_exec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """On a core, or on any. For ending(): it is in the register from here on."""
    # The core is inherited: without a preexec_fn Python starts a child by vfork, and the child's account does not
    # begin with the copying of the runner's memory. A server's start is not measured, so it may have one.
    own = os.sched_getaffinity(0)
    with held():
        if core is not None:
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
                preexec_fn=before_exec,
            )
        except OSError as error:
            raise RunError(f"cannot start {Path(command[0]).name}: {error.strerror}") from error
        finally:
            os.sched_setaffinity(0, own)
        _running[process.pid] = process
    return process


@contextlib.contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """It has ended at the end of the block, by itself or not, and is off the register."""
    try:
        yield process
    finally:
        with held():
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
            _running.pop(process.pid, None)
