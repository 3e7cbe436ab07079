"""What all plots share: the card they stand on, their colours, panels, words and bytes.

They come out byte for byte the same from the same record, and stand on a card of their own colour, so that they read
alike on a light and on a dark page. Colours are Okabe and Ito's, made for all kinds of colour vision; markers and line
styles say the same again.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

CARD = "#fbfbf8"
INK = "#1c1c1c"
FAINT = "#c9c9c4"
COLOURS = ("#56606b", "#0072b2", "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#8c6d00")
DASHES: tuple[Any, ...] = (
    "solid", "solid", (0, (5, 2)), (0, (1, 1.5)), "solid", (0, (5, 2)), (0, (3, 1, 1, 1)), "solid"
)
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
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.facecolor": CARD,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6e6e1",
    "grid.linewidth": 0.7,
    "figure.facecolor": CARD,
    "savefig.facecolor": CARD,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
}


def panels_in(count: int, inches: float) -> tuple[Figure, list[Axes]]:
    """So many panels of that height, in two columns."""
    lines = max(1, math.ceil(count / _COLUMNS))
    figure = Figure(figsize=(_WIDTH_INCHES, lines * inches + 0.8))
    grid = figure.subplots(lines, _COLUMNS, squeeze=False).flatten()
    for unused in grid[count:]:
        unused.remove()
    return figure, list(grid[:count])


def sparse_label(value: float, _position: int | None) -> str:
    """On a logarithmic axis, between the powers of ten: only 2 and 5."""
    leading = round(value / 10 ** math.floor(math.log10(value)))
    return f"{value:g}" if leading in (2, 5) else ""


def finish(
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


@contextmanager
def style() -> Iterator[None]:
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def svg(figure: Figure) -> bytes:
    stream = io.BytesIO()
    FigureCanvasSVG(figure)
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "httpdyno scripts/report.py"})
    return stream.getvalue()
