"""What a process holds in memory, exactly: its status file only knows it to some dozens of pages."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .errors import RunError
from .servers import Server

_FIELDS = {"Rss": "rss_bytes", "Pss": "pss_bytes", "Anonymous": "anonymous_bytes"}
_QUIET_SECONDS = 10.0
_REST_SECONDS = 0.05


def footprint(server: Server) -> dict[str, int]:
    """Resident, resident as shared out between all who share it, and resident without a file behind it, in bytes."""
    server.check_alive()
    found: dict[str, int] = {}
    for line in Path(f"/proc/{server.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key in _FIELDS:
            found[_FIELDS[key]] = int(value.split()[0]) * 1024
    return found


def descriptors_at_rest(server: Server) -> int:
    """How many descriptors it has when it opens and closes none for a while."""
    count = _descriptors(server)
    while True:
        time.sleep(_REST_SECONDS)
        before, count = count, _descriptors(server)
        if count == before:
            return count


def wait_for_descriptors(server: Server, count: int) -> None:
    """Returns when the server has closed all but so many of its descriptors."""
    deadline = time.monotonic() + _QUIET_SECONDS
    while (kept := _descriptors(server) - count) > 0:
        if time.monotonic() > deadline:
            raise RunError(f"{server.name} kept {kept} connections that its clients had closed")
        time.sleep(0.005)


def _descriptors(server: Server) -> int:
    server.check_alive()
    return len(os.listdir(f"/proc/{server.pid}/fd"))
