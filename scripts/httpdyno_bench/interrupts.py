"""SIGINT and SIGTERM: they end a run in order, never between the start of a process and its entry in the register."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from .errors import Interrupted

_NUMBERS = (signal.SIGINT, signal.SIGTERM)
_held = False
_waiting: int | None = None


def take_signals() -> None:
    """From here on the first of the two raises Interrupted; further ones must not break off the tidying up."""
    for number in _NUMBERS:
        signal.signal(number, _interrupt)


@contextlib.contextmanager
def held() -> Iterator[None]:
    """A stretch that is not to be broken off. A signal that comes within is taken at its end."""
    global _held
    outer, _held = _held, True
    try:
        yield
    finally:
        _held = outer
    if not _held and _waiting is not None:
        _raise(_waiting)


def _interrupt(number: int, _frame: object) -> None:
    global _waiting
    if _held:
        _waiting = number
    else:
        _raise(number)


def _raise(number: int) -> None:
    for each in _NUMBERS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)
