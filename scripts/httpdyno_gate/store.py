"""Files of JSON lines to which is only added."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from .errors import StoreError


def append(path: Path, lines: Iterable[str]) -> None:
    """All of them or none: a full disk leaves the file as it was."""
    content = "".join(lines).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"cannot open {path.name}: {error.strerror}") from error
    try:
        size = os.fstat(file).st_size
        try:
            rest = content
            while rest:
                rest = rest[os.write(file, rest):]
            os.fsync(file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise StoreError(f"cannot write {path.name}: {error.strerror}") from error
    finally:
        os.close(file)
