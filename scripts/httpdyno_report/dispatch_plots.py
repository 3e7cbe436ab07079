"""The plots of the suite "dispatch": where a pool overtakes inline, and what an allocator changes and keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .canvas import CARD, COLOURS, DASHES, INK, finish, panels_in, sparse_label, style, svg
from .crossings import Line, Sweep
from .dispatch import AllocatorRow, BurstRow, Dispatch
from .estimates import Estimate

DISPATCH_PLOTS = ("crossings.svg", "allocators.svg")
# Up to this time a sweep's axis is linear: zero is among its times.
_LINEAR_MICROS = 10


def draw_dispatch(dispatch: Dispatch) -> dict[str, bytes]:
    """Every plot by its file name."""
    with style():
        figures = dict(zip(DISPATCH_PLOTS, (_crossings(dispatch), _allocators(dispatch)), strict=True))
        return {name: svg(figure) for name, figure in figures.items()}


def _crossings(dispatch: Dispatch) -> Figure:
    """For each sweep two panels: answers in a second, and CPU for each, over the handler's time."""
    figure, panels = panels_in(2 * len(dispatch.sweeps), 2.5)
    for index, sweep in enumerate(dispatch.sweeps):
        rates, costs = panels[2 * index], panels[2 * index + 1]
        _lines(rates, sweep, [line.requests_per_second for line in sweep.lines], 1e3)
        _lines(costs, sweep, [line.server_cpu_ns for line in sweep.lines], 1e3)
        for number, line in enumerate(sweep.lines):
            _mark_crossing(rates, line, COLOURS[number % len(COLOURS)])
        rates.set_title(sweep.title)
        rates.set_ylabel("thousand requests/s")
        costs.set_ylabel("server CPU µs/request")
    handles, labels = panels[0].get_legend_handles_labels() if panels else ((), ())
    finish(figure, "Over the time of a handler", ["line: median over rounds; band: its interval",
                                                  "triangle: from here on the pool answers more than inline"],
           handles, labels)
    return figure


def _lines(axes: Axes, sweep: Sweep, curves: Sequence[Sequence[Estimate]], unit: float) -> None:
    for index, (line, curve) in enumerate(zip(sweep.lines, curves, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        axes.fill_between(sweep.micros, [point.low / unit for point in curve], [point.high / unit for point in curve],
                          color=colour, alpha=0.12, linewidth=0)
        axes.plot(sweep.micros, [point.value / unit for point in curve], color=colour, linewidth=1.5,
                  linestyle=DASHES[index % len(DASHES)], label=line.contender)
    axes.set_xscale("symlog", linthresh=_LINEAR_MICROS)
    axes.set_xlim(0, max(sweep.micros))
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(sparse_label))
    axes.set_xlabel("time of the handler, µs")


def _mark_crossing(axes: Axes, line: Line, colour: str) -> None:
    if line.crossing is not None and line.crossing.crosses:
        axes.plot(line.crossing.value, 0.03, "^", color=colour, markersize=6, transform=axes.get_xaxis_transform(),
                  clip_on=False, zorder=3)


def _allocators(dispatch: Dispatch) -> Figure:
    """For each reference a panel of ratios, for each burst a panel of what is kept."""
    references = list(dict.fromkeys(row.reference for row in dispatch.allocators))
    bursts = list(dict.fromkeys(row.workload for row in dispatch.bursts))
    ratios = {reference: [row for row in dispatch.allocators if row.reference == reference] for reference in references}
    tallest = max((sum(len(row.turns) for row in rows) for rows in ratios.values()), default=1)
    figure, panels = panels_in(len(references) + len(bursts), 0.25 * tallest + 0.95)
    for reference, axes in zip(references, panels, strict=False):
        _ratios(axes, reference, ratios[reference])
    for workload, axes in zip(bursts, panels[len(references):], strict=True):
        grouped = [
            row for reference in references for row in dispatch.bursts
            if row.workload == workload and reference in (row.contender, row.reference)
        ]
        _kept(axes, workload, grouped)
    finish(figure, "Allocators", [
        "square: ratio taken in turn, filled where a difference is seen; grey: what another link order does",
        "hollow: right after the bursts, dot: after the rest"])
    return figure


def _ratios(axes: Axes, reference: str, rows: Sequence[AllocatorRow]) -> None:
    names: list[str] = []
    for index, row in enumerate(rows):
        colour = COLOURS[(index + 1) % len(COLOURS)]
        for turn in row.turns:
            height = len(names)
            names.append(f"{row.allocator}, {turn.workload}")
            if turn.layout_floor is not None:
                field = (math.exp(-turn.layout_floor), math.exp(turn.layout_floor))
                axes.fill_betweenx([height - 0.42, height + 0.42], *field, color="#dcdcd6", linewidth=0, zorder=0.6)
            axes.plot([turn.ratio.low, turn.ratio.high], [height, height], color=colour, linewidth=2.2, alpha=0.6)
            axes.plot(turn.ratio.value, height, "s", color=colour, markersize=5.2, markeredgewidth=1.3,
                      markerfacecolor=colour if turn.verdict in ("more", "less") else CARD)
    axes.axvline(1.0, color=INK, linewidth=0.9, zorder=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("server CPU per request, ratio")
    _name_rows(axes, f"over {reference}", names)


def _kept(axes: Axes, workload: str, rows: Sequence[BurstRow]) -> None:
    for height, row in enumerate(rows):
        after, rest = (estimate.map(lambda octets: octets / 2**20) for estimate in (row.after_burst, row.after_rest))
        axes.plot([rest.low, rest.high], [height, height], color=COLOURS[1], linewidth=2.2, alpha=0.55)
        axes.plot(after.value, height, "o", color=COLOURS[1], markersize=6.5, markerfacecolor="none")
        axes.plot(rest.value, height, "o", color=COLOURS[1], markersize=4)
    axes.set_xlim(left=0)
    axes.set_xlabel("resident, MiB")
    _name_rows(axes, workload, [row.contender for row in rows])


def _name_rows(axes: Axes, title: str, names: Sequence[str]) -> None:
    axes.set_title(title)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
