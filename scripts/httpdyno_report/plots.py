"""The plots of the suite "base"."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from .canvas import CARD, COLOURS, DASHES, INK, finish, panels_in, sparse_label, style, svg
from .hgrm import Distribution
from .model import Report, Row
from .records import Record
from .estimates import Estimate

PLOTS = ("throughput.svg", "cpu.svg", "latency.svg", "ratios.svg")
_MARKERS = {"loadgen": "o", "wrk": "D"}


def draw_all(report: Report, record: Record) -> dict[str, bytes]:
    """Every plot by its file name."""
    with style():
        figures = {
            "throughput.svg": _dots(report, "Requests per second", "thousand requests/s",
                                    lambda row: row.requests_per_second.map(lambda value: value / 1e3), hollow=True),
            "cpu.svg": _dots(report, "Server CPU time per request", "µs of CPU per request",
                             lambda row: row.server_cpu_ns.map(lambda value: value / 1e3), floor_line=True),
            "latency.svg": _spectra(report, record),
            "ratios.svg": _forest(report),
        }
        return {name: svg(figure) for name, figure in figures.items()}


def _dots(
    report: Report, title: str, unit: str, figure_of: Callable[[Row], Estimate], hollow: bool = False,
    floor_line: bool = False,
) -> Figure:
    """For each workload a panel, for each row a dot with its interval."""
    rows_max = max(len(table) for table in report.tables.values())
    figure, panels = panels_in(len(report.workloads), 0.24 * rows_max + 0.95)
    colours = _colours(report)
    for workload, axes in zip(report.workloads, panels, strict=True):
        table = report.tables[workload["name"]]
        for height, row in enumerate(table):
            estimate = figure_of(row)
            colour = colours[row.variant]
            open_marker = hollow and row.bound
            axes.plot([estimate.low, estimate.high], [height, height], color=colour, linewidth=2.2, alpha=0.55)
            axes.plot(estimate.value, height, _MARKERS[row.generator], color=colour, markersize=5.5,
                      markerfacecolor=CARD if open_marker else colour, markeredgewidth=1.4)
            if floor_line and row.kind == "floor" and row.generator == "loadgen":
                axes.axvline(estimate.value, color=colour, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0.5)
        axes.set_title(workload["title"])
        axes.set_yticks(range(len(table)), [_row_name(row) for row in table])
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.set_xlim(0, 1.06 * max(figure_of(row).high for row in table))
        axes.set_xlabel(unit)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    notes = ["dot: median over rounds; bar: its interval", "circle: driven by loadgen, diamond: by wrk"]
    if hollow:
        notes.append("hollow: the generator was the limit, not the server")
    if floor_line:
        notes.append("dashed: the floor, kernel and loop without HTTP")
    finish(figure, title, notes)
    return figure


def _spectra(report: Report, record: Record) -> Figure:
    """For each workload a panel with a curve per variant: latency up to each share of the requests."""
    figure, panels = panels_in(len(report.workloads), 2.6)
    colours = _colours(report)
    names = [variant["name"] for variant in report.record["variants"]]
    for workload, axes in zip(report.workloads, panels, strict=True):
        for index, name in enumerate(names):
            rounds = record.distributions(workload["name"], name)
            if not rounds:
                continue
            inverses, middle, low, high = _spectrum(rounds)
            axes.fill_between(inverses, low, high, color=colours[name], alpha=0.10, linewidth=0)
            axes.plot(inverses, middle, color=colours[name], linestyle=DASHES[index % len(DASHES)], linewidth=1.5,
                      label=name)
        axes.set_title(workload["title"])
        axes.set_xscale("log")
        axes.set_yscale("log")
        shares = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
        axes.xaxis.set_major_locator(FixedLocator([1 / (1 - share) for share in shares]))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * share:g} %" for share in shares]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(sparse_label))
        axes.grid(axis="y", which="minor", linewidth=0.4)
        axes.set_xlabel("share of the requests")
        axes.set_ylabel("latency up to, µs")
    handles, labels = panels[0].get_legend_handles_labels()
    notes = ["line: median over rounds at each share; band: least to greatest",
             "closed loop at saturation: mostly the wait for the other connections"]
    finish(figure, "Latency, driven by loadgen", notes, handles, labels)
    return figure


def _forest(report: Report) -> Figure:
    """For each comparison a panel with a scale of its own, for each workload the ratio taken in turn and its interval;
    the grey field is what layout alone may do."""
    turns_max = max((len(comparison.turns) for comparison in report.comparisons), default=1)
    figure, panels = panels_in(len(report.comparisons), 0.26 * turns_max + 0.95)
    colours = _colours(report)
    for comparison, axes in zip(report.comparisons, panels, strict=True):
        colour = colours[comparison.variant]
        ends = [1.0]
        for height, turn in enumerate(comparison.turns):
            ends += [turn.ratio.low, turn.ratio.high]
            if turn.layout_floor is not None:
                field = (math.exp(-turn.layout_floor), math.exp(turn.layout_floor))
                ends += field
                axes.fill_betweenx([height - 0.42, height + 0.42], *field, color="#dcdcd6", linewidth=0, zorder=0.6)
            seen = turn.verdict in ("more", "less")
            axes.plot([turn.ratio.low, turn.ratio.high], [height, height], color=colour, linewidth=2.2, alpha=0.6)
            axes.plot(turn.ratio.value, height, "s", color=colour, markersize=5.2,
                      markerfacecolor=colour if seen else CARD, markeredgewidth=1.3)
            axes.annotate(f"{turn.ratio.value:.3f}", (1.015, height), xycoords=("axes fraction", "data"), va="center",
                          fontsize=8)
        axes.axvline(1.0, color=INK, linewidth=0.9, zorder=0.8)
        axes.set_title(f"{comparison.variant} over {comparison.reference}")
        axes.set_yticks(range(len(comparison.turns)), [turn.workload for turn in comparison.turns])
        axes.set_ylim(len(comparison.turns) - 0.4, -0.6)
        margin = 0.06 * max(max(ends) - min(ends), 0.002)
        axes.set_xlim(min(ends) - margin, max(ends) + margin)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("server CPU per request, ratio")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    finish(figure, "Taken in turn: each row over its reference",
            ["square: estimate over rounds, filled where a difference is seen; bar: its interval",
             "grey: what another link order of the same source does", "each panel has its own scale"])
    return figure


def _spectrum(rounds: Sequence[Distribution]) -> tuple[list[float], list[float], list[float], list[float]]:
    """Median, least and greatest over rounds, in µs, at shares evenly spread on the logarithmic axis, as far as every
    round has ten requests beyond."""
    furthest = max(min(round_.count for round_ in rounds) / 10, 2.0)
    steps = 20 * math.log10(furthest)
    inverses = [10 ** (step / 20) for step in range(int(steps) + 1)]
    columns = [[round_.value_ns(1 - 1 / inverse) / 1e3 for round_ in rounds] for inverse in inverses]
    # Zero is no place on a logarithmic axis; the unit of the histogram's text is.
    columns = [[max(value, 1.0) for value in column] for column in columns]
    return (inverses, [statistics.median(column) for column in columns], [min(column) for column in columns],
            [max(column) for column in columns])


def _colours(report: Report) -> dict[str, str]:
    return {
        variant["name"]: COLOURS[index % len(COLOURS)] for index, variant in enumerate(report.record["variants"])
    }


def _row_name(row: Row) -> str:
    return row.variant if row.generator == "loadgen" else f"{row.variant}, wrk"
