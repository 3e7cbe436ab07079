"""The verdict as a comment on a pull request."""

from __future__ import annotations

import re

from ..looks import FALSE_ALARMS, MISSES
from ..outcome import Verdict
from . import wording

_LINES_MAX = 20
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def render(verdict: Verdict) -> str:
    parts = [f"## {verdict.outcome.name}: {wording.MEANINGS[verdict.outcome]}"]
    parts.append(_list(list(verdict.reasons)))
    if verdict.results:
        parts.append(_table([wording.HEADER, *wording.cells(verdict)]))
        parts.append(
            "*loss*: head over base, more is worse. *sees from*: a true loss of this size or more is missed at most "
            f"{100 * MISSES:g} % of the time. The chance of any false alarm in a run is at most {100 * FALSE_ALARMS:g} %."
        )
    if verdict.counts:
        parts.append(f"{wording.counted(verdict.counts).capitalize()}.")
        if remarkable := wording.remarkable(verdict):
            parts.append(_list([wording.count_line(verdict, count) for count in remarkable]))
    known = [f"{key} {value}" for key, value in verdict.provenance.items() if isinstance(value, (str, int, float))]
    if known:
        parts.append(_escaped(" · ".join(known)))
    return "\n\n".join(parts) + "\n"


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _list(lines: list[str]) -> str:
    """A comment has room for some."""
    shown = [f"- {_escaped(line)}" for line in lines[:_LINES_MAX]]
    if len(lines) > _LINES_MAX:
        shown.append(f"- and {len(lines) - _LINES_MAX} more")
    return "\n".join(shown)


def _escaped(text: str) -> str:
    """A name or a server's last words may hold what Markdown, or a reader of HTML, would take for its own."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
