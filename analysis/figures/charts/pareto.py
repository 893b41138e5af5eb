"""Bound against score: colour shows beta, the marker conditioning, its filling other axes; the
front is numbered."""

import itertools

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.entry import StudyFigure
from analysis.figures.inputs import FigureInputs
from analysis.statistics import wording
from study.storage.axes import CONDITIONING, words_of


def pareto(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, neg_elbo_joint (nats per image), higgins with _low and _high, pareto."""
    return inputs.ranked(["neg_elbo_joint", "higgins", "higgins_low", "higgins_high", "pareto"])


@mpl.rc_context(style.STYLE)
def draw_pareto(table: pd.DataFrame) -> Figure:
    """A point a configuration, with the interval of its score."""
    betas = sorted(table["beta"].unique())
    settings = style.settings(table)
    fills = dict(zip(settings.unique(), itertools.cycle(style.FILLS), strict=False))
    colours = dict(zip(betas, sns.color_palette("viridis", len(betas)), strict=True))
    front = table[table["pareto"]].sort_values("neg_elbo_joint")
    figure = Figure(figsize=(style.PAGE_IN, max(3.0, 1.2 + 0.16 * (len(front) + len(betas)))),
                    layout="constrained")  # fmt: skip
    axes = figure.subplots()
    axes.plot(front["neg_elbo_joint"], front["higgins"], "--", color="0.6", lw=0.8, zorder=1)
    _draw_points(axes, table, colours, settings.map(fills))
    for place, row in enumerate(front.to_dict("records"), start=1):
        at = (row["neg_elbo_joint"], row["higgins"])
        axes.annotate(str(place), at, (4, 4), textcoords="offset points", fontsize=7)
    axes.set(xlabel="−ELBO, joint with labels (nats per image)", ylabel="Higgins score")
    handles = [
        *(
            style.legend_entry(color=colours[beta], marker="o", label=f"β = {beta:g}")
            for beta in betas
        ),
        *(
            style.legend_entry(color="0.5", marker=style.LOOKS[name]["marker"], label=words)
            for name, words in CONDITIONING.items()
            if name in set(table["conditioning"])
        ),
        *(
            style.legend_entry(
                color="0.5", marker="o", fillstyle=fill, markerfacecoloralt="white", label=words
            )
            for words, fill in fills.items()
            if words
        ),
    ]
    axes.add_artist(figure.legend(handles=handles, loc="outside right upper"))
    named = [f"{place}  {words}" for place, words in enumerate(words_of(front), start=1)]
    figure.legend(
        handles=[style.legend_entry(color="none", label=words) for words in named],
        loc="outside right lower", handlelength=0, handletextpad=0, title="front",
    )  # fmt: skip
    return figure


def _draw_points(
    axes: Axes, table: pd.DataFrame, colours: dict[float, object], fills: pd.Series
) -> None:
    ends = style.error_bars(table, "higgins").T
    for row, bars, fill in zip(table.to_dict("records"), ends, fills, strict=True):
        axes.errorbar(
            row["neg_elbo_joint"], row["higgins"], yerr=bars[:, None],
            color=colours[row["beta"]], ms=5, marker=style.LOOKS[row["conditioning"]]["marker"],
            elinewidth=0.8, mew=0.8, fillstyle=fill, markerfacecoloralt="white",
            mec="black" if row["pareto"] else colours[row["beta"]],
        )  # fmt: skip


def caption(table: pd.DataFrame) -> str:
    text = (
        f"{wording.count(len(table), 'configuration')}: further left is a tighter bound, further"
        f" up more disentangled; bars are 95% intervals. No other is better in both than the"
        f" {int(table['pareto'].sum())} on the dashed front, outlined and numbered."
    )
    if table["conditioning"].nunique() > 1:
        text += (
            " With labels the bound is that of image and label together: then both kinds bound"
            " log p(x)."
        )
    return text


FIGURE = StudyFigure("pareto", "scores", "Bound and disentanglement", pareto, draw_pareto, caption)
