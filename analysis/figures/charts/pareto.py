"""The bound against disentanglement, and the front of what no other configuration beats."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import encodings, rows, style
from analysis.figures.charts.ranking import label, seeds
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.statistics import wording
from study.storage.axes import DEFAULTS, words_of

LEGEND_LETTERS = 30
MANY = 30  # configurations: with more, intervals are drawn of the front alone
HEIGHT_IN = 3.2


def pareto(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, neg_elbo_joint (nats per image), the score, pareto, n_scored; of one likelihood.

    That is the paper's, or that of the first: bounds of several are on different scales.
    """
    table = inputs.ranked(["neg_elbo_joint", "pareto", "n_scored"])
    if "neg_elbo_joint" not in table:
        raise Missing("the ranking has no joint bound yet: study score")
    if "likelihood" in table:
        kinds = sorted(table["likelihood"], key=lambda kind: kind != DEFAULTS["likelihood"])
        table = table[table["likelihood"] == kinds[0]].reset_index(drop=True)
    return table


@mpl.rc_context(style.STYLE)
def draw_pareto(table: pd.DataFrame) -> Figure:
    """A point a configuration, drawn as analysis.figures.encodings says; the front is numbered."""
    shapes = encodings.shapes_of(table)
    front = table[table["pareto"]].sort_values("neg_elbo_joint")
    entries = [
        *encodings.beta_entries(table["beta"]),
        *encodings.conditioning_entries(table["conditioning"]),
        *encodings.size_entries(table["latent_dim"]),
        *encodings.shape_entries(shapes),
    ]
    named = [
        rows.wrapped(f"{place}  {words}", LEGEND_LETTERS)
        for place, words in enumerate(words_of(front), start=1)
    ]
    n_lines = len(entries) + 2 + sum(1 + name.count("\n") for name in named)
    height = min(max(HEIGHT_IN, 0.16 * n_lines + 0.2), style.PAGE_HEIGHT_IN)
    figure = Figure(figsize=(style.PAGE_IN, height), layout="constrained")
    axes = figure.subplots()
    axes.plot(front["neg_elbo_joint"], front["score"], "--", color="0.6", lw=0.8, zorder=1)
    _draw_points(axes, table, shapes)
    joint = ", joint with labels" if set(table["conditioning"]) != {"none"} else ""
    axes.set(xlabel=f"−ELBO{joint} (nats per image)", ylabel=label(table))
    for side in "xy":
        style.begin_at_zero_or_mark(axes, side)
    if entries:
        axes.add_artist(figure.legend(handles=entries, loc="outside right upper"))
    figure.legend(
        handles=[encodings.legend_entry(color="none", label=words) for words in named],
        loc="outside right lower", handlelength=0, handletextpad=0, title="front",
    )  # fmt: skip
    figure.draw_without_rendering()  # settles the layout
    numbers = [str(place) for place in range(1, len(front) + 1)]
    rows.put_apart(axes, front[["neg_elbo_joint", "score"]], numbers, weight="bold")
    return figure


def _draw_points(axes: Axes, table: pd.DataFrame, shapes: encodings.Shapes) -> None:
    """Small marks on large ones; those of the front have a ring and stand above all."""
    several = table["latent_dim"].nunique() > 1
    bars = style.error_bars(table, "score").T
    order = np.argsort(-table["latent_dim"].to_numpy(), kind="stable")
    for place in order:
        row, colour = table.iloc[place], encodings.beta_colour(table["beta"].iloc[place])
        with_bar = row["pareto"] or len(table) <= MANY
        size = encodings.marker_size(row["latent_dim"]) if several else 5
        axes.errorbar(
            row["neg_elbo_joint"], row["score"], yerr=bars[place][:, None] if with_bar else None,
            marker=shapes.marker[shapes.words.iloc[place]], elinewidth=0.6, mew=0.8, ms=size,
            zorder=3 if row["pareto"] else 2, **encodings.filling(row["conditioning"], colour),
        )  # fmt: skip
        if row["pareto"]:
            axes.plot(row["neg_elbo_joint"], row["score"], "o", ms=size + 4, mfc="none",
                      mec="black", mew=0.8, zorder=3)  # fmt: skip


def caption(table: pd.DataFrame) -> str:
    bars = " of the front" if len(table) > MANY else ""
    text = (
        f"{wording.count(len(table), 'configuration')}, means over {seeds(table)}: further left is"
        f" a tighter bound, further up more disentangled. Bars{bars} are 95% intervals. The"
        f" {int(table['pareto'].sum())} on the dashed Pareto front are ringed and numbered: no"
        " other configuration is better in both."
    )
    if "likelihood" in table:
        kind = table["likelihood"].iloc[0]
        text += f" All have likelihood {kind}: bounds of other likelihoods are on other scales."
    if table["conditioning"].nunique() > 1:
        text += (
            " With labels, the bound is for image and label together: then both kinds bound log"
            " p(x)."
        )
    return text


FIGURE = StudyFigure("pareto", "scores", "Bound and disentanglement", pareto, draw_pareto, caption)
