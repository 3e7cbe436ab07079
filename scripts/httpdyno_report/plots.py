"""The plots, as SVG that comes out byte for byte the same from the same record.

They stand on a card of their own colour, so that they read alike on a light and on a dark page. Colours are Okabe and
Ito's, made for all kinds of colour vision; markers and line styles say the same again.
"""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from .hgrm import Distribution
from .model import Report, Row
from .records import Record
from .estimates import Estimate

PLOTS = ("throughput.svg", "cpu.svg", "latency.svg", "ratios.svg")

_CARD = "#fbfbf8"
_INK = "#1c1c1c"
_FAINT = "#c9c9c4"
_COLOURS = ("#56606b", "#0072b2", "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#8c6d00")
_DASHES: tuple[Any, ...] = (
    "solid", "solid", (0, (5, 2)), (0, (1, 1.5)), "solid", (0, (5, 2)), (0, (3, 1, 1, 1)), "solid"
)
_MARKERS = {"loadgen": "o", "wrk": "D"}
_COLUMNS = 2
_WIDTH_INCHES = 9.6

_STYLE = {
    "svg.hashsalt": "httpdyno",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.facecolor": _CARD,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e6e1",
    "grid.linewidth": 0.7,
    "figure.facecolor": _CARD,
    "savefig.facecolor": _CARD,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
}


def draw_all(report: Report, record: Record) -> dict[str, bytes]:
    """Every plot by its file name."""
    with _style():
        figures = {
            "throughput.svg": _dots(report, "Requests per second", "thousand requests/s",
                                    lambda row: row.requests_per_second.map(lambda value: value / 1e3), hollow=True),
            "cpu.svg": _dots(report, "Server CPU time per request", "µs of CPU per request",
                             lambda row: row.server_cpu_ns.map(lambda value: value / 1e3), floor_line=True),
            "latency.svg": _spectra(report, record),
            "ratios.svg": _forest(report),
        }
        return {name: _svg(figure) for name, figure in figures.items()}


def _dots(
    report: Report, title: str, unit: str, figure_of: Callable[[Row], Estimate], hollow: bool = False,
    floor_line: bool = False,
) -> Figure:
    """For each workload a panel, for each row a dot with its interval."""
    rows_max = max(len(table) for table in report.tables.values())
    figure, panels = _panels(len(report.workloads), 0.24 * rows_max + 0.95)
    colours = _colours(report)
    for workload, axes in zip(report.workloads, panels, strict=True):
        table = report.tables[workload["name"]]
        for height, row in enumerate(table):
            estimate = figure_of(row)
            colour = colours[row.variant]
            open_marker = hollow and row.bound
            axes.plot([estimate.low, estimate.high], [height, height], color=colour, linewidth=2.2, alpha=0.55)
            axes.plot(estimate.value, height, _MARKERS[row.generator], color=colour, markersize=5.5,
                      markerfacecolor=_CARD if open_marker else colour, markeredgewidth=1.4)
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
    _finish(figure, title, notes)
    return figure


def _spectra(report: Report, record: Record) -> Figure:
    """For each workload a panel with a curve per variant: latency up to each share of the requests."""
    figure, panels = _panels(len(report.workloads), 2.6)
    colours = _colours(report)
    names = [variant["name"] for variant in report.record["variants"]]
    for workload, axes in zip(report.workloads, panels, strict=True):
        for index, name in enumerate(names):
            rounds = record.distributions(workload["name"], name)
            if not rounds:
                continue
            inverses, middle, low, high = _spectrum(rounds)
            axes.fill_between(inverses, low, high, color=colours[name], alpha=0.10, linewidth=0)
            axes.plot(inverses, middle, color=colours[name], linestyle=_DASHES[index % len(_DASHES)], linewidth=1.5,
                      label=name)
        axes.set_title(workload["title"])
        axes.set_xscale("log")
        axes.set_yscale("log")
        shares = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
        axes.xaxis.set_major_locator(FixedLocator([1 / (1 - share) for share in shares]))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{100 * share:g} %" for share in shares]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(_sparse_label))
        axes.grid(axis="y", which="minor", linewidth=0.4)
        axes.set_xlabel("share of the requests")
        axes.set_ylabel("latency up to, µs")
    handles, labels = panels[0].get_legend_handles_labels()
    notes = ["line: median over rounds at each share; band: least to greatest",
             "closed loop at saturation: mostly the wait for the other connections"]
    _finish(figure, "Latency, driven by loadgen", notes, handles, labels)
    return figure


def _forest(report: Report) -> Figure:
    """For each comparison a panel with a scale of its own, for each workload the ratio taken in turn and its interval;
    the grey field is what layout alone may do."""
    turns_max = max((len(comparison.turns) for comparison in report.comparisons), default=1)
    figure, panels = _panels(len(report.comparisons), 0.26 * turns_max + 0.95)
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
                      markerfacecolor=colour if seen else _CARD, markeredgewidth=1.3)
            axes.annotate(f"{turn.ratio.value:.3f}", (1.015, height), xycoords=("axes fraction", "data"), va="center",
                          fontsize=8)
        axes.axvline(1.0, color=_INK, linewidth=0.9, zorder=0.8)
        axes.set_title(f"{comparison.variant} over {comparison.reference}")
        axes.set_yticks(range(len(comparison.turns)), [turn.workload for turn in comparison.turns])
        axes.set_ylim(len(comparison.turns) - 0.4, -0.6)
        margin = 0.06 * max(max(ends) - min(ends), 0.002)
        axes.set_xlim(min(ends) - margin, max(ends) + margin)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("server CPU per request, ratio")
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    _finish(figure, "Taken in turn: each row over its reference",
            ["square: estimate over rounds, filled where a difference is seen; bar: its interval",
             "grey: what another link order of the same source does", "each panel has its own scale"])
    return figure


def _panels(count: int, inches: float) -> tuple[Figure, list[Axes]]:
    """So many panels of that height, in two columns."""
    lines = max(1, math.ceil(count / _COLUMNS))
    figure = Figure(figsize=(_WIDTH_INCHES, lines * inches + 0.8))
    grid = figure.subplots(lines, _COLUMNS, squeeze=False).flatten()
    for unused in grid[count:]:
        unused.remove()
    return figure, list(grid[:count])


def _finish(
    figure: Figure, title: str, notes: Sequence[str], handles: Sequence[Line2D] = (), labels: Sequence[str] = ()
) -> None:
    """Title above, explanation below."""
    height = float(figure.get_figheight())
    figure.text(0.012, 1 - 0.16 / height, title, fontsize=12, fontweight="bold", va="top")
    foot = 0.30
    figure.text(0.012, 0.10 / height, "  ·  ".join(notes), fontsize=7.5, color="#55554f", va="bottom")
    if handles:
        foot += 0.28
        figure.legend(handles, labels, loc="lower left", bbox_to_anchor=(0.005, 0.22 / height), ncol=len(labels),
                      handlelength=2.6, columnspacing=1.6)
    figure.tight_layout(rect=(0, foot / height, 1, 1 - 0.42 / height), h_pad=1.4, w_pad=1.6)


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


def _sparse_label(value: float, _position: int | None) -> str:
    """Between the powers of ten, only 2 and 5."""
    leading = round(value / 10 ** math.floor(math.log10(value)))
    return f"{value:g}" if leading in (2, 5) else ""


def _colours(report: Report) -> dict[str, str]:
    return {
        variant["name"]: _COLOURS[index % len(_COLOURS)] for index, variant in enumerate(report.record["variants"])
    }


def _row_name(row: Row) -> str:
    return row.variant if row.generator == "loadgen" else f"{row.variant}, wrk"


@contextmanager
def _style() -> Iterator[None]:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def _svg(figure: Figure) -> bytes:
    stream = io.BytesIO()
    FigureCanvasSVG(figure)
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "httpdyno scripts/report.py"})
    return stream.getvalue()
