"""A server of any make, started by a command with a {port} in it, with all the processes that it starts. Where the command has
a {directory}, that is an empty one of its own.

It is ready when it answers a request: a master may listen before its workers are there. Its CPU time is that of the whole tree
of processes.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.peers import free_port
from httpdyno_bench.processes import describe_exit, die_with_runner, ending, start, text

READY_SECONDS = 10.0
STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.01
_SETTLE_SECONDS = 0.02


def words_of(command: str, port: int, directory: str) -> list[str]:
    if "{port}" not in command:
        raise UsageError(f"'{command}' has no {{port}}: the gate chooses the ports")
    try:
        words = shlex.split(command.replace("{port}", str(port)).replace("{directory}", shlex.quote(directory)))
    except ValueError as error:
        raise UsageError(f"'{command}' is no command: {error}") from error
    return words


@contextlib.contextmanager
def serving_command(
    name: str, command: str, core: int, target: str, environment: Mapping[str, str]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Its URL and its processes, from its first answer on; the processes must be the same at the end, and are gone after it."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="httpdyno-") as directory,
        tempfile.TemporaryFile() as stderr,
        ending(start(words_of(command, port, directory), core, subprocess.DEVNULL, stderr, environment, die_with_runner)) as process,
    ):
        try:
            _await_answer(name, process, port, target)
            pids = _settled_tree(process.pid)
            yield f"http://127.0.0.1:{port}", pids
            _refuse_end(name, process)
            if tree_of(process.pid) != pids:
                raise RunError(f"{name}: processes came or went while it was measured: their CPU time is not known")
        except RunError as error:
            # The first cause, if it has ended; otherwise what went wrong was elsewhere.
            if process.poll() is None:
                raise
            said = text(stderr).strip().splitlines()
            raise RunError(f"{name} ended ({describe_exit(process.returncode)})" + (f": {said[-1]}" if said else "")) from error
        finally:
            _end_group(process)


def tree_of(pid: int) -> tuple[int, ...]:
    """A process and all that descend from it and have not ended."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything.
            state, parent = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
            if state not in "ZX":
                parents.setdefault(int(parent), []).append(int(status.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return tuple(sorted(found))


def _settled_tree(pid: int) -> tuple[int, ...]:
    """The first worker may answer before the last one is there."""
    deadline = time.monotonic() + READY_SECONDS
    pids = tree_of(pid)
    while time.monotonic() < deadline:
        time.sleep(_SETTLE_SECONDS)
        before, pids = pids, tree_of(pid)
        if before == pids:
            return pids
    raise RunError("its processes come and go")


def _await_answer(name: str, process: subprocess.Popen[bytes], port: int, target: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        _refuse_end(name, process)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)
        try:
            connection.request("GET", target)
            connection.getresponse().read()
            return
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                raise RunError(f"{name} did not answer GET {target} within {READY_SECONDS:g} s ({error})") from error
            time.sleep(_LOOK_SECONDS)
        finally:
            connection.close()


def _refuse_end(name: str, process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        raise RunError(f"{name} ended")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """First the one that was started, which may want to end its workers in order; then whatever is left of its group."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    while _group_is_alive(process):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(_LOOK_SECONDS)


def _group_is_alive(process: subprocess.Popen[bytes]) -> bool:
    # Once it has ended, its id is its own for as long as its group has a member.
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True
