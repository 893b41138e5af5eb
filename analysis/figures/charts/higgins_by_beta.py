"""The Higgins score by beta: a panel for every J, a line for every conditioning."""

import itertools
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.entry import StudyFigure
from analysis.figures.inputs import FigureInputs
from analysis.statistics import wording
from study.storage.axes import CONDITIONING, words_of


def higgins_by_beta(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, higgins with _low and _high, n_scored (seeds)."""
    return along_beta(inputs.ranked(["higgins", "higgins_low", "higgins_high", "n_scored"]))


def along_beta(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of every J that has several betas; all of them where none has."""
    several = table.groupby("latent_dim")["beta"].transform("nunique") > 1
    return table[several].reset_index(drop=True) if several.any() else table


@mpl.rc_context(style.STYLE)
def draw_higgins_by_beta(table: pd.DataFrame) -> Figure:
    """Bars span the intervals."""
    table = table.assign(setting=style.settings(table))
    settings = list(table["setting"].unique())
    sizes, betas = sorted(table["latent_dim"].unique()), sorted(table["beta"].unique())
    across = min(3, len(sizes))
    down = -(-len(sizes) // across)
    width = style.COLUMN_IN if across == 1 else style.PAGE_IN
    figure = Figure(figsize=(width, 0.5 + 2.0 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for place, (axes, size) in enumerate(zip(panels, sizes, strict=False)):
        _draw_lines(axes, table[table["latent_dim"] == size], betas, settings)
        axes.set(title=f"J = {size}", xlabel="β", ylabel="Higgins score")
        axes.label_outer()
        if place + across >= len(sizes):  # nothing stands below
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("β")
    for axes in panels[len(sizes) :]:
        axes.set_axis_off()
    style.shared_legend(figure, list(panels))
    return figure


def _draw_lines(
    axes: Axes, table: pd.DataFrame, betas: list[float], settings: Sequence[str]
) -> None:
    looks = list(itertools.product(enumerate(settings), style.LOOKS.items()))
    for place, ((number, setting), (name, look)) in enumerate(looks):
        line = table[(table["conditioning"] == name) & (table["setting"] == setting)]
        line = line.sort_values("beta")
        if line.empty:
            continue
        shift = 0.12 * (place / (len(looks) - 1) - 0.5)
        at = np.array([betas.index(beta) for beta in line["beta"]]) + shift
        label = ", ".join(filter(None, [CONDITIONING[name], setting]))
        axes.errorbar(at, line["higgins"], yerr=style.error_bars(line, "higgins"),
                      ls=style.DASHES[number % len(style.DASHES)],
                      fillstyle=style.FILLS[number % len(style.FILLS)], markerfacecoloralt="white",
                      label=label, ms=4, capsize=2, **look)  # fmt: skip
    axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axes.set_xlim(-0.5, len(betas) - 0.5)


def caption(table: pd.DataFrame) -> str:
    best = table.sort_values("higgins").tail(1)
    least, most = table["n_scored"].min(), table["n_scored"].max()
    seeds = wording.count(most, "seed") if least == most else f"{least} to {most} seeds"
    return (
        f"The Higgins score by β, a panel for each J that has several; bars are 95% intervals"
        f" ({seeds}). The highest of them is {wording.interval(best.iloc[0], 'higgins')}, at"
        f" {words_of(best)[0]}."
    )


FIGURE = StudyFigure(
    "higgins-by-beta", "scores", "Higgins score by β",
    higgins_by_beta, draw_higgins_by_beta, caption,
)  # fmt: skip
