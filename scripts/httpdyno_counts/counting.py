"""Counts what a server does for a request. Each count is a slope: that of a process which answered many requests, less that
of one which answered few, over the requests between them. Start, connection and end are in both."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from httpdyno_bench import allocations
from httpdyno_bench.calls import CallCounter
from httpdyno_bench.errors import RunError, UsageError
from httpdyno_bench.servers import serving
from httpdyno_bench.tables import Variant

from . import pinned
from .callgrind import Profile, read_profile
from .exchange import PATIENCE_SECONDS, Client, Exchange

# Batches that both processes answer: buffers have found their size then, and each worker of a pool has had its turn.
_FEW = 100
# Batches that only one of them answers where memory and calls are counted; pipelined ones take long in a pool, whose threads
# are traced. Requests where instructions are.
_MORE = 480
_MORE_PIPELINED = 240
_MORE_REQUESTS = 960
_PARTS = 20
REPEATS = 2
# How far the repeats of a count of instructions may lie apart for it to be judged.
AGREEMENT = 0.0005
# In a pool the scheduler decides who sleeps when, and with that how often somebody is woken, waits, or waits in vain; and
# how many of pipelined answers share a send, and a buffer that grows for them.
_SCHEDULED = frozenset(f"calls.{name}" for name in ("epoll_pwait2", "epoll_wait", "futex", "sched_yield", "write"))
_SCHEDULED_PIPELINED = _SCHEDULED | {"calls.sendto", "allocated_bytes"}


@dataclasses.dataclass(frozen=True)
class Instructions:
    """For a request, the kernel's not among them. `functions` has the share of each, which does not include what it calls."""

    repeats: tuple[float, ...]
    functions: Mapping[str, float]

    @property
    def per_request(self) -> float:
        """The smaller one: where they agree it makes no difference."""
        return min(self.repeats)

    @property
    def agreement(self) -> float:
        """How far the repeats lie apart, as a share."""
        return max(self.repeats) / min(self.repeats) - 1

    @property
    def steady(self) -> bool:
        return self.agreement <= AGREEMENT


@dataclasses.dataclass(frozen=True)
class Counts:
    """Of one row under one workload, for a request. `exact` are "allocations", "allocated_bytes" and, behind "calls.", the
    calls to the kernel by name. `scheduled` are those of them that the scheduler has a part in: they are not judged."""

    row: str
    workload: str
    instructions: Instructions | None
    exact: Mapping[str, float]
    scheduled: frozenset[str]


def measure(bin_dir: Path, row: Variant, exchange: Exchange, *, library_dir: Path | None = None, flags: Sequence[str] = (),
            instructions: bool = True) -> Counts:
    """Of the program of that row. The libraries to count with are those beside it, or another build's: an older one may not
    have them. `flags` are further ones of the server."""
    libraries = library_dir or bin_dir.parent / "lib"
    with pinned.placed(bin_dir / row.name) as program:
        counter = _Counter(program, exchange, tuple(flags), libraries)
        return Counts(
            row=row.name,
            workload=exchange.name,
            instructions=counter.instructions() if instructions else None,
            exact=counter.exact(),
            scheduled=_scheduled(row, exchange),
        )


def has_turns(row: Variant) -> bool:
    """Whether threads take turns in it, as the scheduler likes."""
    return row.axes.get("dispatch") == "pool"


def _scheduled(row: Variant, exchange: Exchange) -> frozenset[str]:
    if not has_turns(row):
        return frozenset()
    return _SCHEDULED_PIPELINED if exchange.depth > 1 else _SCHEDULED


class _Counter:
    def __init__(self, program: Path, exchange: Exchange, flags: tuple[str, ...], libraries: Path) -> None:
        self._program = program
        self._exchange = exchange
        self._flags = flags
        self._libraries = libraries
        self._scratch = program.parent

    def exact(self) -> dict[str, float]:
        """To the twentieth of a batch, so that what happens once in a while is none of a request. Octets to the octet of a batch:
        the numbers that a server says at its end have more digits after many requests."""
        more = _MORE if self._exchange.depth == 1 else _MORE_PIPELINED
        few, many = self._traced(_FEW), self._traced(_FEW + more)
        slopes = {}
        for name in sorted({*few, *many}):
            parts = 1 if name == "allocated_bytes" else _PARTS
            slopes[name] = round((many.get(name, 0) - few.get(name, 0)) / more * parts) / parts / self._exchange.depth
        return {name: slope for name, slope in slopes.items() if slope or not name.startswith("calls.")}

    def instructions(self) -> Instructions:
        more = max(1, _MORE_REQUESTS // self._exchange.depth)
        requests = more * self._exchange.depth
        repeats: list[float] = []
        functions: dict[str, float] = {}
        for _ in range(REPEATS):
            few, many = self._profiled(_FEW), self._profiled(_FEW + more)
            repeat = (many.instructions - few.instructions) / requests
            if not repeats or repeat < min(repeats):
                functions = {
                    name: (many.functions.get(name, 0) - few.functions.get(name, 0)) / requests
                    for name in sorted({*few.functions, *many.functions})
                }
            repeats.append(repeat)
        if min(repeats) <= 0:
            raise RunError(f"{self._program.name}: more requests took fewer instructions: {repeats}")
        return Instructions(tuple(repeats), functions)

    def _traced(self, batches: int) -> dict[str, int]:
        """Memory and calls to the kernel together: the one count adds nothing to the other but at the start."""
        pinned.tool("strace")
        file, summary = self._scratch / "allocations", self._scratch / "calls"
        summary.unlink(missing_ok=True)
        counter = CallCounter(summary)
        environment = allocations.environment(self._library("count_allocations"), file)
        self._serve(batches, (*counter.wrapper, *pinned.wrapper(environment)))
        memory = allocations.read_counts(file)
        return {
            "allocations": sum(memory[name] for name in allocations.TAKING),
            "allocated_bytes": memory[allocations.BYTES],
            **{f"calls.{name}": count for name, count in counter.counts().items()},
        }

    def _profiled(self, batches: int) -> Profile:
        file = self._scratch / "callgrind.out"
        file.unlink(missing_ok=True)
        self._serve(batches, (
            *pinned.wrapper({"LD_PRELOAD": str(self._library("still_clock"))}),
            pinned.tool("valgrind"), "--tool=callgrind", "-q", f"--callgrind-out-file={file}", "--dump-line=no",
            # Threads have their turns in the order in which they ask, not as the kernel likes.
            "--fair-sched=yes",
        ))
        return read_profile(file, self._program.name)

    def _serve(self, batches: int, wrapper: tuple[str, ...]) -> None:
        with serving(self._program, self._flags, None, ready_seconds=PATIENCE_SECONDS, wrapper=wrapper) as server:
            pinned.until_asleep(server.pid, PATIENCE_SECONDS)
            with Client(server.port, self._exchange) as client:
                answered = client.ask(batches)
                client.finish()
            pinned.until_asleep(server.pid, PATIENCE_SECONDS)
            server.terminate()
            counted = server.wait(PATIENCE_SECONDS)["requests"]
        if counted != answered:
            raise RunError(f"counts differ: {server.name} answered {counted} requests of {answered}")

    def _library(self, name: str) -> Path:
        library = self._libraries / f"lib{name}.so"
        if not library.exists():
            raise UsageError(f"there is no {library.name}: build it first (make build)")
        return library.resolve()
