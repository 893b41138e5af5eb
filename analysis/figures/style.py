"""The style of all figures, what charts share, and how a figure is saved."""

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from study.storage.axes import CONDITIONING, others_in_words, varied
from study.storage.folder import Folder

COLUMN_IN = 3.4  # width of a column of print
PAGE_IN = 7.0  # width of a page of print
ROW_IN = 0.17  # height of a configuration's line
NAME_LETTERS = 58  # of a configuration in one line; a longer name takes two
NO_BREAK = "\N{NO-BREAK SPACE}"
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.88",
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.03,
    "svg.hashsalt": "vae-study",  # the same table gives the same file
}
PLAIN = {**STYLE, "axes.grid": False}
LOOKS = {
    name: {"color": colour, "marker": marker}
    for name, colour, marker in zip(
        CONDITIONING, sns.color_palette("colorblind"), "osD", strict=False
    )
}

# Of configurations that other axes than J, beta and conditioning tell apart.
DASHES, FILLS = ("-", "--", ":", "-."), ("full", "left", "top", "right", "bottom")


def settings(table: pd.DataFrame) -> pd.Series:
    """In words, of every row of a table of configurations, the other axes that vary in it."""
    return others_in_words(table, varied(table))


def legend_entry(**look: object) -> Line2D:
    """A mark alone, unless `look` has a line."""
    return Line2D([], [], **{"ls": "none", "ms": 4, **look})  # type: ignore[arg-type]


def shared_legend(figure: Figure, panels: Sequence[Axes], columns: int = 2) -> None:
    """One legend below all panels, each entry once; none for what has no points."""
    entries: dict[str, object] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if len(np.atleast_1d(getattr(handle, "get_xdata", lambda: [0])())):
                entries.setdefault(label, handle)
    figure.legend(
        handles=list(entries.values()),
        labels=list(entries),
        loc="outside lower center",
        ncols=columns,
    )


def wrapped(name: str, letters: int = NAME_LETTERS) -> str:
    """A name in lines of so many letters; `β = 10` stays in one."""
    whole = name.replace(" = ", f"{NO_BREAK}={NO_BREAK}")
    return textwrap.fill(whole, letters).replace(NO_BREAK, " ")


def rows_in(names: Sequence[str]) -> float:
    """Height of a line for each configuration, as high as the longest name needs."""
    return ROW_IN * len(names) * max(1, 0.75 * max(-(-len(name) // NAME_LETTERS) for name in names))


def line_a_configuration(axes: Axes, names: Sequence[str]) -> None:
    """The first on top."""
    lines = [wrapped(name) for name in names]
    axes.set_yticks(range(len(names)), lines, linespacing=0.9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=7)


def error_bars(table: pd.DataFrame, score: str) -> npt.NDArray[np.float64]:
    """Lengths of the error bars below and above, (2, n_rows)."""
    ends = [table[score] - table[f"{score}_low"], table[f"{score}_high"] - table[score]]
    return np.maximum(np.array(ends, dtype=np.float64), 0)


def colour_bar(n_rows: int) -> dict[str, float]:
    """A colour bar that stays as wide where a heat map is high."""
    return {"aspect": 6 + 1.2 * n_rows, "fraction": 0.04, "pad": 0.02, "shrink": 0.9}


def save_figure(figure: Figure, study: Folder, name: str) -> None:
    """Write a figure as PNG and SVG to `figures/`."""
    for kind in ("png", "svg"):
        buffer = io.BytesIO()
        with mpl.rc_context(STYLE):
            figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
        figure.set_layout_engine("none")  # the second format keeps the first one's layout
        content = _without_alpha(buffer) if kind == "png" else buffer.getvalue()
        (study / "figures").write(f"{name}.{kind}", content)


def _without_alpha(png: io.BytesIO) -> bytes:
    """Every colour as drawn, in fewer bytes. A palette of 256 would make colour bars lie."""
    smaller = io.BytesIO()
    with Image.open(png) as image:
        drawn = image.convert("RGB")
        red, green, blue = drawn.split()
        drawn = red if red == green == blue else drawn  # of greys alone one channel tells all
        drawn.save(smaller, "PNG", optimize=True, dpi=image.info["dpi"])
    return smaller.getvalue()
