"""Reconstruction against the score, of every kind of model, between floor and ceiling."""

from collections.abc import Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.metrics import HIGGINS_FEW, LABELS
from analysis.paper.beyond.kinds import KINDS

HEIGHT_IN = 3.6
LOOKS = {
    "plain": ("black", "o"),
    "label": ("#2c5fa8", "o"),
    "prior": ("#6fa8dc", "s"),
    "mixture": ("#1b7837", "^"),
    "vamp": ("#5aae61", "v"),
    "flow": ("#a6dba0", "D"),
    "conv": ("#e08214", "P"),
    "tc": ("#762a83", "o"),
    "factor": ("#9970ab", "s"),
    "annealed": ("#c51b7d", "^"),
    "dip1": ("#b2182b", "v"),
    "dip2": ("#ef8a62", "D"),
}
"""Colour and marker of each kind: one family of colours for labels, priors, networks, losses."""


@mpl.rc_context(style.STYLE)
def draw(studies: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel a data set; a mark a configuration, joined along the weights of its kind.

    Args:
        studies: runs as `kinds.runs_of` gives them, by the title of their panel.
    """
    figure = Figure(figsize=(style.PAGE_IN, HEIGHT_IN), layout="constrained")
    panels = figure.subplots(1, len(studies), squeeze=False)[0]
    for axes, (title, runs) in zip(panels, studies.items(), strict=True):
        _draw_kinds(axes, runs)
        _draw_references(axes, runs)
        axes.set(title=title, xlabel="reconstruction error (nats per image)", ylim=(0, 1.02))
        style.begin_at_zero_or_mark(axes, "x")
    panels[0].set_ylabel(f"{LABELS[HIGGINS_FEW.name]}, within the digit")
    style.shared_legend(figure, list(panels), columns=4)
    return figure


def _draw_kinds(axes: Axes, runs: pd.DataFrame) -> None:
    """Means over seeds; a bar from the lowest seed to the highest."""
    for kind, words in KINDS.items():
        part = runs[runs["kind"] == kind]
        if part.empty:
            continue
        groups = part.groupby("weight")
        ends = {"score_low": groups["score"].min(), "score_high": groups["score"].max()}
        means = groups[["recon", "score"]].mean().assign(**ends)
        colour, marker = LOOKS[kind]
        axes.errorbar(
            means["recon"], means["score"], yerr=style.error_bars(means, "score"), color=colour,
            marker=marker, ms=3.5, lw=0.8, elinewidth=0.5, label=words,
        )  # fmt: skip


def _draw_references(axes: Axes, runs: pd.DataFrame) -> None:
    """The floor, from the lowest mean of rotated codes to the highest, and the ceiling."""
    floor = runs.groupby("configuration")["rotated"].mean()
    axes.axhspan(
        floor.min(), floor.max(), color="0.9", zorder=0, label="floor: the same codes, rotated"
    )
    axes.axhline(
        runs["oracle"].mean(), color="0.4", lw=0.8, ls="--", label="ceiling: the factors as codes"
    )
