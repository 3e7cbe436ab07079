"""BENCH.md and TUNING.md from reports: the templates filled with figures and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from . import calibration, dispatch_tables, dispatch_wording, generators_wording, tuning, wording
from .calibration import Calibration
from .dispatch import Dispatch
from .estimates import Estimate
from .generators import REFERENCE, GeneratorsReport
from .model import Report

_RELATIONS = {
    "distinct": "different cores",
    "siblings": "two hardware threads of one core",
    "same": "the same: there is only one",
}


# What templates say figures with.
_TEXT = {
    "ratio": wording.ratio,
    "microseconds": wording.microseconds,
    "thousands": wording.thousands,
    "mebibytes": wording.mebibytes,
    "octets": wording.octets,
    "whole": wording.whole,
    "cell": wording.cell,
    "interval": wording.interval,
    "verdict": wording.verdict,
    "target_verdict": wording.target_verdict,
    "target_bound": wording.target_bound,
    "target_text": wording.target_text,
    "bound": wording.bound,
}


def render(
    report: Report, source: str, bound_share: float, compared: tuple[Dispatch, str] | None = None,
    beside: tuple[GeneratorsReport, str] | None = None, trials: Calibration | None = None,
) -> str:
    """`compared`: the part of the suite "dispatch", and where its record is; `beside`: that of the suite "generators"; `trials`: of
    the gate."""
    record = report.record
    sources = [source, *(part[1] for part in (compared, beside) if part is not None)]
    targets = [target for part in (report, *(part[0] for part in (compared, beside) if part)) for target in part.targets]
    turns = [turn.ratio for comparison in report.comparisons for turn in comparison.turns]
    return _filled(
        "BENCH.md.j2",
        report=report,
        record=record,
        profile=record["profile"],
        machine=record["machine"],
        source=source,
        sources=wording.joined(sources),
        command="scripts/report.py " + " ".join(f"--record {each.removesuffix('/record.json')}" for each in sources),
        check_command="scripts/report.py --check",
        summary=wording.summary(report),
        targets=targets,
        # Where all bounds are of one kind, the heading says of which.
        bound_title="bound, at most or ≥" if any(target.at_least for target in targets) else "at most",
        doubts=wording.doubts(report.record, report.samples),
        spread=wording.spread(report),
        coverage_of_turns=_coverage(turns),
        coverage_of_rows=_coverage([row.server_cpu_ns for row in report.rows]),
        expected_misses=_expected_misses(turns),
        relation=_RELATIONS[record["placement"]["relation"]],
        flags=" | ".join(dict.fromkeys(variant["identity"]["flags"] for variant in record["variants"])),
        minutes=_duration(record["measuring_seconds"]),
        bound_share=bound_share,
        **({"dispatch": None} if compared is None else _part(*compared)),
        **({"generators": None} if beside is None else _beside(*beside)),
        **({"calibration": None} if trials is None else _calibrated(trials)),
    )


def render_tuning(dispatch: Dispatch, source: str) -> str:
    return _filled("TUNING.md.j2", source=source, record=dispatch.record, chapters=tuning.chapters(dispatch))


def _part(dispatch: Dispatch, source: str) -> dict[str, Any]:
    """What dispatch.md.j2 needs."""
    crossings = [crossing for sweep in dispatch.sweeps for _, crossing in sweep.pools if crossing.rounds > 1]
    return {
        "dispatch": dispatch,
        "dispatch_source": source,
        "part": dispatch.record,
        "dispatch_summary": dispatch_wording.summary(dispatch),
        "part_doubts": wording.doubts(dispatch.report.record, dispatch.report.samples),
        "crossing_text": dispatch_wording.crossing_text,
        "coverage_of_crossings": f", with a coverage of {wording.coverage(min(c.coverage for c in crossings))}"
        if crossings else "; one round has none",
        **dispatch_tables.tables(dispatch),
    }


def _beside(generators: GeneratorsReport, source: str) -> dict[str, Any]:
    """What generators.md.j2 needs."""
    return {
        "generators": generators,
        "generators_source": source,
        "generators_summary": generators_wording.summary(generators),
        "generators_doubts": wording.doubts(generators.record, generators.samples),
        "reference": REFERENCE,
        "busy": generators_wording.busy,
        "claim": generators_wording.claim,
        "what": generators_wording.what,
        "printed": generators_wording.printed,
    }


def _calibrated(trials: Calibration) -> dict[str, Any]:
    """What calibration.md.j2 needs."""
    return {
        "calibration": trials,
        "calibration_summary": calibration.summary(trials),
        "trial_count": calibration.count,
        "trial_interval": calibration.interval,
        "trial_losses": calibration.losses,
        "trial_seen_by": calibration.seen_by,
        "trial_others": calibration.others,
        "trial_rounds": calibration.rounds,
        "trial_floor": calibration.floor,
    }


def _filled(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return _single_blank_lines(environment.get_template(template).render(**_TEXT, **values))


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
