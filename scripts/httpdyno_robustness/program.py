"""A server program under trial."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from httpdyno_bench.servers import Server, serving

_READY_SECONDS = 30.0


@contextlib.contextmanager
def running(path: Path, flags: Sequence[str], descriptors_max: int | None = None) -> Iterator[Server]:
    """On any core. What it says on stderr is passed on: a sanitizer's report is longer than a line of error."""
    with serving(path, flags, None, descriptors_max=descriptors_max, ready_seconds=_READY_SECONDS) as server:
        try:
            yield server
        finally:
            sys.stderr.write(server.stderr())
