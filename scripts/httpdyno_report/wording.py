"""Figures as text, and the sentences that say what they mean. Every sentence with a figure is made from the record."""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .model import Comparison, GeneratorRow, Report, Row, Sample, Target, Turn
from .estimates import Estimate


# Up to this share of the cores' time, in the median cell, what others used is called noise.
QUIET_SHARE_MAX = 0.03


def significant(value: float, digits: int = 3) -> str:
    """So many digits, never in powers of ten: 0.0412, 4.12, 41.2, 412, 4123."""
    if value == 0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, decimals)}f}"


def fixed(decimals: int) -> Callable[[float], str]:
    return lambda value: f"{value:.{decimals}f}"


def scaled(unit: float, digits: int = 3) -> Callable[[float], str]:
    return lambda value: significant(value / unit, digits)


microseconds = scaled(1e3)
thousands = scaled(1e3, 4)
mebibytes = scaled(2**20)
octets = fixed(0)
whole = fixed(0)
ratio = fixed(3)


def cell(estimate: Estimate | None, text: Callable[[float], str]) -> str:
    """A figure, and below it its interval."""
    if estimate is None:
        return "–"
    if estimate.count < 2:
        return text(estimate.value)
    return f"{text(estimate.value)}<br><sub>{text(estimate.low)}–{text(estimate.high)}</sub>"


def interval(estimate: Estimate, text: Callable[[float], str]) -> str:
    return "none" if estimate.count < 2 else f"{text(estimate.low)} – {text(estimate.high)}"


def percent(share: float, digits: int = 2) -> str:
    return f"{significant(100 * share, digits)} %"


def coverage(value: float) -> str:
    return f"{100 * value:.4g} %"


def more_or_less(value: float) -> str:
    """A ratio as a difference: "1.2 % more", "12 % less", "2.31 times as much"."""
    if value >= 2:
        return f"{significant(value)} times as much"
    return f"{percent(value - 1)} more" if value >= 1 else f"{percent(1 - value)} less"


def joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def verdict(turn: Turn) -> str:
    match turn.verdict:
        case "one-round":
            return "one round: no interval"
        case "layout":
            return f"layout alone: up to ±{percent(math.expm1(turn.layout_floor or 0.0))}"
        case "none":
            return "no difference seen"
        case "below-layout":
            return f"no difference seen: within the layout floor of ±{percent(math.expm1(turn.layout_floor or 0.0))}"
        case _:
            return f"**{more_or_less(turn.ratio.value)}**"


def target_text(target: Target) -> Callable[[float], str]:
    return fixed(target.decimals)


def target_bound(target: Target) -> str:
    """With a digit less than what is held against it."""
    return ("≥ " if target.at_least else "") + fixed(target.decimals - 1)(target.bound)


def target_verdict(target: Target) -> str:
    word = "met" if target.met else "**not met**"
    if target.measured.count < 2:
        return f"{word} (one round: no interval)"
    return word if target.certain else f"{word} (its interval reaches over the bound)"


def bound(row: Row) -> str:
    if row.bound_rounds in (0, row.rounds):
        return "yes" if row.bound_rounds else "no"
    return f"{row.bound_rounds} of {row.rounds}"


def summary(report: Report) -> list[str]:
    """What a reader takes home, losses beside wins, in the order of the table of variants."""
    sentences = [comparison_sentence(comparison) for comparison in report.comparisons]
    if report.generators:
        sentences.append(_generator_sentence(report.generators))
    sentences.append(_bound_sentence(report))
    sentences.append(_count_sentence(report))
    return sentences


def doubts(record: Mapping[str, Any], samples: Sequence[Sample]) -> list[str]:
    """What speaks against believing this record, as far as it can be seen in it."""
    found: list[str] = []
    if record["revision"]["dirty"]:
        found.append("The tree had changes that are in no commit: this state cannot be had again.")
    if record["revision"]["commit"] == "unknown":
        found.append("The tree was no git checkout: which source was measured is not known.")
    if record["profile"]["name"] == "smoke":
        found.append("The profile is smoke: it shows that everything works, its figures are not to be used.")
    if record["profile"]["rounds"] < 5:
        found.append(f"There {'is' if record['profile']['rounds'] == 1 else 'are'} only "
                     f"{counted(record['profile']['rounds'], 'round')}.")
    relation = record["placement"]["relation"]
    if relation == "same":
        found.append("There is one core only: server and generator took turns on it. CPU per request still stands, "
                     "requests per second and latencies say little.")
    elif relation == "siblings":
        found.append("Server and generator ran on two hardware threads of one core and slowed each other down.")
    if record["machine"]["hypervisor"]:
        found.append("The machine is a virtual one: neighbours and the hypervisor's scheduler are not under control.")
    found.append(_disturbance_sentence(samples))
    found += _suspect_sentences(samples)
    if record["interruptions"]:
        found.append(f"The run was broken off and went on {counted(record['interruptions'], 'time')}.")
    for failure in record["failures"]:
        found.append(f"A step failed and was measured again: `{failure['step']}`: {failure['reason']}.")
    return found


def spread(report: Report) -> str:
    """How far rounds lie apart: the best forecast that one record can give of another."""

    def half_width(estimate: Estimate) -> float:
        return (estimate.high - estimate.low) / (2 * estimate.value)

    parts = []
    for what, widths in (
        ("server CPU per request", [half_width(row.server_cpu_ns) for row in report.rows]),
        ("requests per second", [half_width(row.requests_per_second) for row in report.rows]),
        ("a ratio taken in turn", [half_width(t.ratio) for c in report.comparisons for t in c.turns]),
    ):
        if widths:
            middle = sorted(widths)[len(widths) // 2]
            parts.append(f"{what} ±{percent(middle)} (worst row ±{percent(max(widths))})")
    return joined(parts)


def comparison_sentence(comparison: Comparison) -> str:
    head = f"**{comparison.variant}** against {comparison.reference} ({comparison.axis.replace('_', ' ')})"
    if comparison.turns[0].is_layout_pair:
        worst = max(comparison.turns, key=lambda turn: turn.layout_floor or 0.0)
        return (f"{head}: the same source, linked in another order, differs by up to "
                f"±{percent(math.expm1(worst.layout_floor or 0.0))} ({worst.workload}). That is the layout floor; "
                "smaller differences are not called differences.")
    parts: list[str] = []
    for kind in ("more", "less"):
        seen = [turn for turn in comparison.turns if turn.verdict == kind]
        parts += [f"{more_or_less(turn.ratio.value)} on {turn.workload}" for turn in seen]
    unseen = [turn.workload for turn in comparison.turns if turn.verdict in ("none", "below-layout")]
    if unseen and not parts:
        return f"{head}: no difference in CPU per request seen ({joined(unseen)})."
    if unseen:
        parts.append(f"no difference seen on {joined(unseen)}")
    single = [turn for turn in comparison.turns if turn.verdict == "one-round"]
    parts += [f"{more_or_less(turn.ratio.value)} on {turn.workload} (one round)" for turn in single]
    return f"{head}: CPU per request is {'; '.join(parts)}."


def _generator_sentence(rows: Sequence[GeneratorRow]) -> str:
    parts = [f"{significant(row.ratio.value)} on {row.workload}" for row in rows]
    return f"**loadgen** on the floor takes, of wrk's CPU per request: {joined(parts)}."


def _bound_sentence(report: Report) -> str:
    rows = report.rows
    limited = [row for row in rows if row.bound]
    text = f"In {len(limited)} of {len(rows)} rows the **generator was the limit** (95 % of its core or more)"
    if limited:
        return text + ": their requests per second are the generator's, so compare servers by CPU per request."
    return text + "."


def _count_sentence(report: Report) -> str:
    cells = [cell for cell in report.record["cells"] if cell["generator"] == "loadgen"]
    equal = [cell for cell in cells if cell["sample"]["requests"] == cell["sample"]["server_requests"]]
    requests = sum(cell["sample"]["requests"] for cell in cells)
    return (f"**Counts**: in {len(equal)} of {len(cells)} loadgen runs the generator's count of answers equals the "
            f"server's own to the request ({requests:,} requests); every run was free of errors.")


def _suspect_sentences(samples: Sequence[Sample]) -> list[str]:
    """What loadgen says against its own runs; void ones have no sample at all."""
    own = [sample["suspect"] for sample in samples if "suspect" in sample]
    if not own:
        return []
    reasons = collections.Counter(reason["key"] for reasons in own for reason in reasons)
    told = joined([f"{key} in {count}" for key, count in reasons.most_common()])
    return [f"loadgen calls {len(own)} of its own runs suspect: {told}."]


def _disturbance_sentence(samples: Sequence[Sample]) -> str:
    steal = sorted(sample["steal_share"] for sample in samples)
    foreign = sorted(sample["foreign_cpu_share"] for sample in samples)

    def both(values: Sequence[float]) -> str:
        return f"{100 * values[len(values) // 2]:.1f} % in the median cell, {100 * values[-1]:.1f} % in the worst"

    text = f"Of the cores in use the hypervisor took {both(steal)}; other programs used {both(foreign)}."
    if max(steal[len(steal) // 2], foreign[len(foreign) // 2]) > QUIET_SHARE_MAX:
        text = "**The machine was not quiet**, so requests per second and latencies are worse than it can do. " + text
    return text
