"""The attacks, as Debian's slowhttptest makes them, each with the deadline that should end it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Iterator

from httpdyno_bench.errors import UsageError
from httpdyno_bench.processes import die_with_runner, ending, start

TOOL = "slowhttptest"
# Processes that share an attack. The tool polls all its connections at once; with 2,000 of them the kernel was busy with
# one poll for some 300 us on the core of the healthy client's generator, which had to wait for its own answers
# (docs/decisions/0006).
PROCESSES = 8
# Connections a second of all processes, if the CPU time that is left to the tool does; the record says how many were
# open at a time.
RATE = 1000
_LENGTH_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Attack:
    """`evicted_by` are the server's counters (server/counters.def) of connections that it gave up. Above
    `connections_max` it would be measured how fast the machine finds memory for the answers."""

    name: str
    title: str
    path: str
    arguments: tuple[str, ...]
    evicted_by: tuple[str, ...]
    # Of slow clients.
    connections_max: int = 1_000_000

    def connections(self, wanted: int) -> int:
        """Of all processes: each has as many as the others."""
        return PROCESSES * (min(wanted, self.connections_max) // PROCESSES)


# Follow-up data comes every second, so that a deadline that progress extends would never come. The answers of a slow
# read are taken by the kernel, though the client's window is some hundred octets: for the server the connection is
# idle. That of a stalled read is more than the kernel takes (kernel_unsent_bytes_max), so the server is left with it.
ATTACKS = (
    Attack("slow-headers", "one header line after the other, never the last", "/plaintext", ("-H", "-i", "1"),
           ("timeouts_request",)),
    Attack("slow-body", "a body that comes in drops", "/upload", ("-B", "-i", "1", "-s", "8192"),
           ("timeouts_request",)),
    Attack("slow-read", "answers of 16 KiB, read in drops", "/bytes/16384",
           ("-X", "-w", "256", "-y", "512", "-n", "1", "-z", "16"), ("timeouts_write", "timeouts_keepalive")),
    Attack("stalled-read", "answers of 250 kB, read in drops", "/bytes/250000",
           ("-X", "-w", "256", "-y", "512", "-n", "1", "-z", "16"), ("timeouts_write",), 504),
)


def version() -> str:
    program = shutil.which(TOOL)
    if program is None:
        raise UsageError(f"{TOOL} is not installed: apt-get install --no-install-recommends {TOOL}")
    done = subprocess.run([program, "-h"], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"version (\S+)", done.stdout + done.stderr)
    return found[1] if found else "unknown"


def command(attack: Attack, url: str, connections: int) -> list[str]:
    """Of each process."""
    return [TOOL, *attack.arguments, "-c", str(attack.connections(connections) // PROCESSES),
            "-r", str(RATE // PROCESSES), "-l", str(_LENGTH_SECONDS), "-v", "0", "-u", f"{url}{attack.path}"]


@contextlib.contextmanager
def attacking(attack: Attack, url: str, connections: int, core: int) -> Iterator[None]:
    """The attack is on within the block. It shares the core of the healthy client's generator, but only gets what that
    leaves (SCHED_IDLE): what the attack itself computes is not to be mistaken for slowness of the server."""

    def before_exec() -> None:
        die_with_runner()
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    line = command(attack, url, connections)
    with contextlib.ExitStack() as running:
        for _ in range(PROCESSES):
            process = start(line, core, subprocess.DEVNULL, subprocess.DEVNULL, before_exec=before_exec)
            running.enter_context(ending(process))
        yield
