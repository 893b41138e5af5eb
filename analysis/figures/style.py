"""The style of all figures at the width of a journal's page or column, and how one is saved."""

import io
from collections.abc import Sequence
from itertools import chain
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from study.storage.folder import Folder

COLUMN_IN = 3.3  # width of one of a journal's two columns
PAGE_IN = 6.9  # width of both
PAGE_HEIGHT_IN = 9.0
PRINT_DPI = 600  # of the dots of scatters, which are pixels in a PDF, too
KINDS = ("png", "svg")  # of files; `study report --pdf` writes PDF, too
STYLE: dict[Any, Any] = {
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titlepad": 4,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "0.9",
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "savefig.dpi": 200,
    "svg.hashsalt": "vae-study",  # the same table gives the same file
    "pdf.fonttype": 42,  # TrueType, which journals ask for
}
PLAIN = {**STYLE, "axes.grid": False}
USED = 0.75  # the least share of an axis that its data use; it begins at 0 where it can
CUT = "cut"  # what the mark of an axis that does not begin at 0 is called
SLASH = [(-0.4, -1.0), (0.4, 1.0)]


def shared_legend(
    figure: Figure, panels: Sequence[Axes], more: Sequence[Any] = (), columns: int = 4
) -> None:
    """One legend below all panels, each entry once, reference lines last.

    Args:
        figure: that has the panels.
        panels: whose entries are shown.
        more: entries that no panel has; before the others.
        columns: of the legend.
    """
    drawn = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels]
    entries: dict[str, Any] = {str(handle.get_label()): handle for handle in more}
    for handle, label in sorted(chain(*drawn), key=lambda entry: isinstance(entry[0], Line2D)):
        entries.setdefault(label, handle)
    figure.legend(
        handles=list(entries.values()),
        labels=list(entries),
        loc="outside lower center",
        ncols=columns,
    )


def begin_at_zero_or_mark(axes: Axes, side: str) -> None:
    """Let an axis of figures that are never negative begin at 0, or mark that it does not.

    It begins there where its data still use most of it, and else has two slashes across its line.

    Args:
        axes: with all that it shows.
        side: "x" or "y".
    """
    axis: Axis = getattr(axes, f"{side}axis")
    low, high = sorted(axis.get_view_interval())
    if low <= 0:
        return
    if (high - low) / high >= USED:
        axes.set(**{f"{side}lim": (0, high)})
        return
    for place in (0.03, 0.045):
        at = (place, 0) if side == "x" else (0, place)
        turned = SLASH if side == "x" else [(y, x) for x, y in SLASH]
        axes.plot(*at, transform=axes.transAxes, marker=turned, ms=5, color="black",
                  mew=0.6, clip_on=False, gid=CUT, label="_cut", zorder=5)  # fmt: skip


def error_bars(table: pd.DataFrame, score: str) -> npt.NDArray[np.float64]:
    """Lengths of the error bars below and above, (2, n_rows)."""
    ends = [table[score] - table[f"{score}_low"], table[f"{score}_high"] - table[score]]
    return np.maximum(np.array(ends, dtype=np.float64), 0)


def colour_bar(n_rows: int) -> dict[str, float]:
    """A colour bar that stays as wide where a heat map is high."""
    return {"aspect": 6 + 1.2 * n_rows, "fraction": 0.04, "pad": 0.02, "shrink": 0.9}


def save_figure(figure: Figure, study: Folder, name: str, kinds: Sequence[str] = KINDS) -> None:
    """Write a figure to `figures/`, by default as PNG and SVG."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    for kind in kinds:
        buffer = io.BytesIO()
        with mpl.rc_context(STYLE):
            dpi = PRINT_DPI if kind == "pdf" else STYLE["savefig.dpi"]
            figure.savefig(buffer, format=kind, dpi=dpi, metadata=undated.get(kind))
        figure.set_layout_engine("none")  # other formats keep the first one's layout
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
