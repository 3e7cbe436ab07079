"""BENCH.md from a report: the template filled with figures and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jinja2

from . import wording
from .model import Report
from .estimates import Estimate

_RELATIONS = {
    "distinct": "different cores",
    "siblings": "two hardware threads of one core",
    "same": "the same: there is only one",
}


def render(report: Report, source: str, bound_share: float) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    record = report.record
    turns = [turn.ratio for comparison in report.comparisons for turn in comparison.turns]
    text = environment.get_template("BENCH.md.j2").render(
        report=report,
        record=record,
        profile=record["profile"],
        machine=record["machine"],
        source=source,
        command="scripts/report.py --record " + source.removesuffix("/record.json"),
        check_command="scripts/report.py --check",
        summary=wording.summary(report),
        doubts=wording.doubts(report),
        spread=wording.spread(report),
        coverage_of_turns=_coverage(turns),
        coverage_of_rows=_coverage([row.server_cpu_ns for row in report.rows]),
        expected_misses=_expected_misses(turns),
        relation=_RELATIONS[record["placement"]["relation"]],
        flags=" | ".join(dict.fromkeys(variant["identity"]["flags"] for variant in record["variants"])),
        minutes=_duration(record["measuring_seconds"]),
        bound_share=bound_share,
        ratio=wording.ratio,
        microseconds=wording.microseconds,
        thousands=wording.thousands,
        mebibytes=wording.mebibytes,
        octets=wording.octets,
        cell=wording.cell,
        interval=wording.interval,
        verdict=wording.verdict,
        target_verdict=wording.target_verdict,
        target_bound=wording.target_bound,
        target_text=wording.target_text,
        bound=wording.bound,
    )
    return _single_blank_lines(text)


def _coverage(estimates: Sequence[Estimate]) -> str:
    """What an interval of so many rounds holds, said honestly: five rounds do not make 95 %."""
    estimates = [estimate for estimate in estimates if estimate.count > 1]
    if not estimates:
        return "; one round has none"
    least = min(estimates, key=lambda estimate: estimate.coverage)
    return f", with a coverage of {wording.coverage(least.coverage)} ({wording.counted(least.count, 'round')})"


def _expected_misses(estimates: Sequence[Estimate]) -> str:
    estimates = [estimate for estimate in estimates if estimate.count > 1]
    if not estimates:
        return ""
    misses = sum(1 - estimate.coverage for estimate in estimates)
    return f": of these {len(estimates)}, chance alone lets about {misses:.1f} miss the truth"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return wording.counted(round(seconds), "second")
    return f"{round(seconds) // 60} min {round(seconds) % 60} s"


def _single_blank_lines(text: str) -> str:
    """Loops and conditions of the template leave several; Markdown needs one."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).rstrip("\n") + "\n"
