"""The two sides of a comparison: how each starts a fresh server for a round."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from httpdyno_bench.identity import Program
from httpdyno_bench.servers import Server, serving

from .command_server import serving_command
from .errors import InvalidRun
from .rows import Row


@dataclasses.dataclass(frozen=True)
class Running:
    """A server that is ready, with the processes whose CPU time is its own."""

    url: str
    pids: tuple[int, ...]
    # None: it does not say at its end what it has served.
    server: Server | None = None

    def check_alive(self) -> None:
        """A server of another make is looked at by the one who started it."""
        if self.server is not None:
            self.server.check_alive()

    def stop(self) -> int | None:
        """Ends one of ours in order; how many requests it says it has served."""
        return None if self.server is None else int(self.server.stop()["requests"])


class Side(Protocol):
    @property
    def name(self) -> str: ...

    def serving(
        self, row: Row, number: int, core: int, environment: Mapping[str, str]
    ) -> contextlib.AbstractContextManager[Running]:
        """A fresh server for the round of this number, gone at the end of the block."""


@dataclasses.dataclass(frozen=True)
class BuiltSide:
    """Programs that the gate has built: of each variant several links, one after the other in the rounds."""

    name: str
    links: Mapping[str, Sequence[Program]]
    flags: Sequence[str] = ()

    def program(self, row: Row, number: int) -> Program:
        links = self.links[row.variant]
        return links[number % len(links)]

    @contextlib.contextmanager
    def serving(self, row: Row, number: int, core: int, environment: Mapping[str, str]) -> Iterator[Running]:
        program = self.program(row, number)
        if not program.unchanged():
            raise InvalidRun(f"{self.name}: {program.path.name} was built anew while the gate was on")
        with serving(program.path, self.flags, core, environment) as server:
            yield Running(server.url, (server.pid,), server)


@dataclasses.dataclass(frozen=True)
class CommandSide:
    """A server of any make, by the command that starts it on a port."""

    name: str
    command: str

    @contextlib.contextmanager
    def serving(self, row: Row, number: int, core: int, environment: Mapping[str, str]) -> Iterator[Running]:
        del number
        with serving_command(self.name, self.command, core, row.target, environment) as (url, pids):
            yield Running(url, pids)
