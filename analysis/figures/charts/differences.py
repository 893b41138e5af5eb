"""Paired differences of two studies: one panel per figure or score, one row per configuration."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures import encodings, rows, style

Look = dict[str, Any]
ACROSS = 2  # panels: the figure is a column wide, and read on a telephone
BESIDE_IN = 0.35  # height of the legend
TITLE_IN = 0.4  # of a panel's title and axis
LOOKS: dict[bool, Look] = {
    True: {"color": "black", "lw": 1.6, "mfc": "black"},
    False: {"color": "0.6", "lw": 0.8, "mfc": "white"},
}
"""Of a difference, by whether its interval excludes 0."""


@mpl.rc_context(style.STYLE)
def draw_differences(table: pd.DataFrame) -> Figure:
    """One mark per difference, with its 95% interval where it has one.

    Args:
        table: configuration and `what`, in words; difference, low, high.
    """
    panels, names = list(table["what"].unique()), list(table["configuration"].unique())
    lines = -(-len(panels) // ACROSS)
    beside = BESIDE_IN + TITLE_IN * lines
    shown = names[: rows.n_that_fit(names, beside, lines)]
    size = style.COLUMN_IN, beside + lines * max(0.4, rows.height_in(shown, beside, lines))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(lines, ACROSS, sharey=True, squeeze=False)
    for axes, what in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, table[table["what"] == what].set_index("configuration"), shown)
        axes.set_title(what.replace(" (", "\n("))
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    entries = [
        encodings.legend_entry(marker="o", ls="-", label=label, **LOOKS[apart])
        for apart, label in ((True, "interval excludes 0"), (False, "includes 0, or no interval"))
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=2)
    return figure


def _draw_panel(axes: Axes, table: pd.DataFrame, names: list[str]) -> None:
    axes.axvline(0, color="0.4", lw=0.8, ls="--", zorder=1)
    for place, name in enumerate(names):
        if name in table.index:
            row = table.loc[name]
            look = LOOKS[bool(row["low"] > 0 or row["high"] < 0)]
            axes.plot([row["low"], row["high"]], [place] * 2, **{**look, "mfc": None}, zorder=2)
            axes.plot(row["difference"], place, marker="o", ms=4, **look, zorder=3)
    rows.line_a_configuration(axes, names)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(3, min_n_ticks=2))


def caption(table: pd.DataFrame, one: str, other: str) -> str:
    """What is seen; of how many seeds, and whether all configurations have a row."""
    names = list(table["configuration"].unique())
    lines = -(-table["what"].nunique() // ACROSS)
    n = rows.n_that_fit(names, BESIDE_IN + TITLE_IN * lines, lines)
    seeds = sorted(table["n_seeds"].unique())
    of = " to ".join(str(int(end)) for end in dict.fromkeys((seeds[0], seeds[-1])))
    return (
        f"{other} minus {one}, paired by seed ({of} in common), with 95% intervals. Each panel has"
        f" its own axis; bounds are in nats per image, scores are of the latents."
        f"{rows.shown(n, len(names), 'first')}"
    )
