"""The verdict for a person at a terminal: a table that needs no colours."""

from __future__ import annotations

from ..looks import FALSE_ALARMS, MISSES
from ..outcome import Verdict
from . import wording


def render(verdict: Verdict) -> str:
    lines = []
    if verdict.results:
        lines += _table([wording.HEADER, *wording.cells(verdict)])
        lines += [
            "",
            "loss: of head over base, more is worse. sees from: a true loss of this size or more is missed at most "
            f"{100 * MISSES:g} % of the time.",
            f"The chance of any false alarm in a run is at most {100 * FALSE_ALARMS:g} %.",
            "",
        ]
    if verdict.counts:
        lines.append(wording.counted(verdict.counts))
        lines += [f"  {wording.count_line(verdict, count)}" for count in wording.remarkable(verdict)]
        lines.append("")
    lines += [*verdict.reasons, f"{verdict.outcome.name} (exit {verdict.outcome.exit_code}): {wording.MEANINGS[verdict.outcome]}"]
    return "\n".join(lines) + "\n"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
