"""What ranks, by beta: a panel for every J and whatever else differs."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import encodings, rows, style
from analysis.figures.charts.ranking import DASHES, REFERENCE, label, seeds
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.statistics import wording
from analysis.statistics.elbo import with_beta
from analysis.statistics.ranking import by_scope
from study.storage.axes import (
    CONDITIONING,
    axes_in,
    axis_in_words,
    others_in_words,
    varied,
    words_of,
)

SCOPES = {"all": "all images", "within": "within a class"}
SCOPE_DASHES = ["-", "--"]
REFERENCES = ["rotated", "untrained", "pixel_pca", "oracle"]
ACROSS, MOST_PANELS = 3, 12
PANEL_IN = 1.9  # height
TITLE_LETTERS = 34  # of a panel's title in a line


def along_beta(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, scope, the score, n_scored (seeds), of whatever has several betas.

    Where labels are given, they take from the codes what the class tells: what conditioning does is
    seen within a class, and both scopes are shown where the study has them. The controls stand in
    the rows of the scope that ranks.
    """
    ranked = inputs.ranked(REFERENCES)
    ranked = ranked[with_beta(ranked)]
    if ranked.empty:
        raise Missing("no objective of these runs has a β")
    axes = ranked.drop(columns=["score", "score_low", "score_high"])
    table = several_betas(axes.merge(by_scope(inputs.study.scores), on="configuration"))
    within = table["ranked_by"].str.contains("within")
    other = table["scope"] != within.map({True: "within", False: "all"})
    known = [name for name in REFERENCES if name in table]
    table.loc[other, known] = np.nan
    return table


def several_betas(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that differ from others in beta, labels aside; all of them where none does."""
    rest = [axis for axis in axes_in(table) if axis not in {"beta", "conditioning"}]
    several = table.groupby(rest, dropna=False)["beta"].transform("nunique") > 1
    return table[several].reset_index(drop=True) if several.any() else table


@mpl.rc_context(style.STYLE)
def draw_along_beta(table: pd.DataFrame) -> Figure:
    """A line for every conditioning and scope, coloured marks for the betas, grey references."""
    table = table.assign(panel=_panels(table))
    sizes = list(table.sort_values(["latent_dim", "panel"])["panel"].unique())[:MOST_PANELS]
    across = min(ACROSS, len(sizes))
    down = -(-len(sizes) // across)
    width = style.COLUMN_IN if across == 1 else style.PAGE_IN
    figure = Figure(figsize=(width, 0.9 + PANEL_IN * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for place, (axes, size) in enumerate(zip(panels, sizes, strict=False)):
        _draw_lines(axes, table, size)
        axes.set(title=rows.wrapped(size, TITLE_LETTERS), xlabel="β", ylabel=label(table))
        axes.label_outer()
        if place + across >= len(sizes):  # nothing stands below
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("β")
    for axes in panels[len(sizes) :]:
        axes.set_axis_off()
    for axes in panels[: len(sizes) : across]:
        style.begin_at_zero_or_mark(axes, "y")
    style.shared_legend(figure, list(panels[: len(sizes)]), columns=2 if across == 1 else 4)
    return figure


def _panels(table: pd.DataFrame) -> pd.Series:
    """In words, what the rows of a panel share: J, and the other axes that vary."""
    others = others_in_words(table, varied(table))
    return table["latent_dim"].map("J = {}".format) + others.where(others == "", ", " + others)


def _draw_lines(axes: Axes, table: pd.DataFrame, size: str) -> None:
    betas = sorted(table["beta"].unique())
    kinds = [name for name in CONDITIONING if name in set(table["conditioning"])]
    scopes = [name for name in SCOPES if name in set(table["scope"])]
    dashes = dict(zip(scopes, SCOPE_DASHES, strict=False))
    looks = list(itertools.product(scopes, kinds))
    for place, (scope, kind) in enumerate(looks):
        line = table[(table["conditioning"] == kind) & (table["scope"] == scope)]
        line = line[line["panel"] == size].sort_values("beta")
        if line.empty:
            continue
        shift = 0.12 * (place - (len(looks) - 1) / 2) * min(1, 3 / len(looks))
        at = np.array([betas.index(beta) for beta in line["beta"]]) + shift
        words = [CONDITIONING[kind], SCOPES[scope] if len(scopes) > 1 else ""]
        grey = encodings.LINE_GREYS[kind]
        axes.errorbar(at, line["score"], yerr=style.error_bars(line, "score"), marker="o", ms=4,
                      capsize=1.5, elinewidth=0.8, ls=dashes[scope],
                      label=", ".join(filter(None, words)),
                      **encodings.filling(kind, grey))  # fmt: skip
        for x, score, beta in zip(at, line["score"], line["beta"], strict=True):
            axes.plot(x, score, "o", ms=4, zorder=4, label="_beta",
                      **encodings.filling(kind, encodings.beta_colour(beta)))  # fmt: skip
    for name in (name for name in REFERENCES if name in table):
        values = table.loc[table["panel"] == size, name]
        if values.notna().any():
            axes.axhline(values.mean(), color=REFERENCE, lw=0.9, ls=DASHES[name], zorder=1,
                         label=wording.CONTROLS[name])  # fmt: skip
    axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axes.set_xlim(-0.5, len(betas) - 0.5)


def caption(table: pd.DataFrame) -> str:
    best = table.sort_values("score").tail(1)
    panels = _panels(table)
    text = (
        f"The {label(table)} by β, a panel for each J{_and_others(table)} that has several: means"
        f" over {seeds(table)} with 95% intervals. The highest is"
        f" {wording.interval(best.iloc[0], 'score')}, at {words_of(best)[0]}."
    )
    if any(name in table and table[name].notna().any() for name in REFERENCES):
        scope = table["ranked_by"].iloc[0].partition(" on ")[2]
        text += f" Grey lines are means over the models of a panel, on {scope}."
    if panels.nunique() > MOST_PANELS:
        text += f" Shown are the first {MOST_PANELS} of {panels.nunique()} panels."
    return text


def _and_others(table: pd.DataFrame) -> str:
    names = [axis_in_words(axis) for axis in varied(table)]
    return f" and {wording.listing(names)}" if names else ""


FIGURE = StudyFigure(
    "higgins-by-beta", "scores", "Ranking score by β", along_beta, draw_along_beta, caption
)
