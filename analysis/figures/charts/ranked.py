"""The ranking drawn three ways: with its floor and ceiling, along beta, and against the bound."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.figures import style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.statistics import wording
from analysis.statistics.comparisons import AMONG, BEHIND, MARGIN, UNDECIDED
from analysis.statistics.elbo import with_beta
from analysis.statistics.ranking import COMPARED, by_scope
from study.storage.axes import (
    CONDITIONING,
    DEFAULTS,
    axes_in,
    axis_in_words,
    varied,
    words_of,
)

MARKS = {"rotated": "d", "untrained": "x", "pixel_pca": "+", "chance": "|", "oracle": "*"}
SCOPES = {"all": "all images", "within": "within a class"}
TITLE_LETTERS = 34  # of a panel's title in a line
LEGEND_LETTERS = 40


def ranking(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, the score, its controls, and the difference to the best of the others."""
    return inputs.ranked([*COMPARED, *MARKS])


@mpl.rc_context(style.STYLE)
def draw_ranking(table: pd.DataFrame) -> Figure:
    """A line a configuration: the score beside its controls, and how far it is from the best."""
    size = (style.PAGE_IN, 1.1 + style.rows_in(words_of(table)))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    for axes, column in zip(panels, ("score", "difference"), strict=True):
        for name, look in style.LOOKS.items():
            part = table[table["conditioning"] == name]
            if part.empty:
                continue
            axes.errorbar(part[column], part.index, xerr=style.error_bars(part, column), ls="none",
                          ms=4, capsize=2, label=CONDITIONING[name], **look)  # fmt: skip
        style.line_a_configuration(axes, words_of(table))
    panels[0].set_xlabel(_label(table))
    for control, marker in MARKS.items():
        if control in table and table[control].notna().any():
            look = {"color": "0.55", "ms": 4, "zorder": 1, "label": wording.CONTROLS[control]}
            panels[0].plot(table[control], table.index, marker, **look)
    panels[1].set_xlabel("to the best of the others")
    panels[1].axvspan(-MARGIN, 0, color="0.93", zorder=0)
    panels[1].xaxis.set_major_locator(MaxNLocator(4))
    for place, verdict in zip(table.index, table["verdict"], strict=True):
        panels[1].text(1.02, place, verdict, transform=panels[1].get_yaxis_transform(),
                       va="center", fontsize=7)  # fmt: skip
    style.shared_legend(figure, list(panels), 4)
    return figure


def ranking_caption(table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts()
    verdicts = [f"{counts.get(verdict, 0)} {verdict}" for verdict in (AMONG, BEHIND, UNDECIDED)]
    text = (
        f"Configurations by their mean score ({table['ranked_by'].iloc[0]}), with 95% intervals"
        f" over seeds. The highest is {wording.interval(table.iloc[0], 'score')}. Right: each"
        f" against the best of the others, paired by seed, intervals that hold all at once; grey,"
        f" the margin of {MARGIN:g}. {wording.count(len(table), 'configuration')}:"
        f" {wording.listing(verdicts)}."
    )
    if "rotated" in table and table["rotated"].notna().any():
        above = int((table["score_low"] > table["rotated"]).sum())
        are = wording.verb(above, "is", "are")
        text += f" {above} {are} surely above a random rotation of the same codes."
    if pd.notna(pca := table["pixel_pca"].max()):
        text += f" Principal components of the pixels reach {pca:.2f}."
    return text


def along_beta(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, scope, the score, n_scored (seeds), of whatever has several betas.

    Where labels are given, they take from the codes what the class tells: what conditioning does is
    seen within a class, and both scopes are shown where the study has them.
    """
    ranked = inputs.ranked([])
    ranked = ranked[with_beta(ranked)]
    if ranked.empty:
        raise Missing("no objective of these runs has a β")
    axes = ranked.drop(columns=["score", "score_low", "score_high"])
    return several_betas(axes.merge(by_scope(inputs.study.scores), on="configuration"))


def several_betas(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that differ from others in beta, labels aside; all of them where none does."""
    rest = [axis for axis in axes_in(table) if axis not in {"beta", "conditioning"}]
    several = table.groupby(rest, dropna=False)["beta"].transform("nunique") > 1
    return table[several].reset_index(drop=True) if several.any() else table


@mpl.rc_context(style.STYLE)
def draw_along_beta(table: pd.DataFrame) -> Figure:
    """A panel for every J and whatever else differs, a line for every conditioning and scope."""
    scope = table["scope"].map(SCOPES) if table["scope"].nunique() > 1 else ""
    others = style.settings(table)
    words = table["latent_dim"].map("J = {}".format) + others.where(others == "", ", " + others)
    table = table.assign(setting=scope, panel=words)
    sizes = list(table.sort_values("latent_dim", kind="stable")["panel"].unique())
    across = min(3, len(sizes))
    down = -(-len(sizes) // across)
    width = style.COLUMN_IN if across == 1 else style.PAGE_IN
    figure = Figure(figsize=(width, 0.6 + 2.0 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for place, (axes, size) in enumerate(zip(panels, sizes, strict=False)):
        _draw_lines(axes, table, size)
        axes.set(title=style.wrapped(size, TITLE_LETTERS), xlabel="β", ylabel=_label(table))
        axes.label_outer()
        if place + across >= len(sizes):  # nothing stands below
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("β")
    for axes in panels[len(sizes) :]:
        axes.set_axis_off()
    style.shared_legend(figure, list(panels))
    return figure


def _draw_lines(axes: Axes, table: pd.DataFrame, size: str) -> None:
    betas = sorted(table["beta"].unique())
    looks = list(itertools.product(enumerate(table["setting"].unique()), style.LOOKS.items()))
    for place, ((number, setting), (name, look)) in enumerate(looks):
        line = table[(table["conditioning"] == name) & (table["setting"] == setting)]
        line = line[line["panel"] == size].sort_values("beta")
        if line.empty:
            continue
        shift = 0.12 * (place / (len(looks) - 1) - 0.5)
        at = np.array([betas.index(beta) for beta in line["beta"]]) + shift
        axes.errorbar(at, line["score"], yerr=style.error_bars(line, "score"),
                      label=", ".join(filter(None, [CONDITIONING[name], setting])),
                      ls=style.DASHES[number % len(style.DASHES)],
                      fillstyle=style.FILLS[number % len(style.FILLS)], markerfacecoloralt="white",
                      ms=4, capsize=2, **look)  # fmt: skip
    axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axes.set_xlim(-0.5, len(betas) - 0.5)


def along_beta_caption(table: pd.DataFrame) -> str:
    best = table.sort_values("score").tail(1)
    least, most = table["n_scored"].min(), table["n_scored"].max()
    seeds = wording.count(most, "seed") if least == most else f"{least} to {most} seeds"
    return (
        f"The {_label(table)} by β, a panel for each J{_and_others(table)} that has several; bars"
        f" are 95% intervals ({seeds}). The highest of them is"
        f" {wording.interval(best.iloc[0], 'score')}, at {words_of(best)[0]}."
    )


def _and_others(table: pd.DataFrame) -> str:
    names = [axis_in_words(axis) for axis in varied(table)]
    return f" and {wording.listing(names)}" if names else ""


def pareto(inputs: FigureInputs) -> pd.DataFrame:
    """The axes, neg_elbo_joint (nats per image), the score, pareto; of one likelihood.

    That is the paper's, or that of the first: bounds of several are on different scales.
    """
    table = inputs.ranked(["neg_elbo_joint", "pareto"])
    if "neg_elbo_joint" not in table:
        raise Missing("the ranking has no joint bound yet: python -m analysis.score")
    if "likelihood" in table:
        kinds = sorted(table["likelihood"], key=lambda kind: kind != DEFAULTS["likelihood"])
        table = table[table["likelihood"] == kinds[0]].reset_index(drop=True)
    return table


@mpl.rc_context(style.STYLE)
def draw_pareto(table: pd.DataFrame) -> Figure:
    """A point a configuration: colour shows beta, the marker conditioning, its filling other axes;
    the front is numbered.
    """
    betas = sorted(table["beta"].unique())
    settings = style.settings(table)
    kinds = sorted(settings.unique(), key=bool)  # full: what has nothing to say of itself
    fills = dict(zip(kinds, itertools.cycle(style.FILLS), strict=False))
    if len(fills) > len(style.FILLS):  # nobody could tell them apart; the front is named
        settings, fills = pd.Series("", table.index), {"": "full"}
    colours = dict(zip(betas, sns.color_palette("viridis", len(betas)), strict=True))
    front = table[table["pareto"]].sort_values("neg_elbo_joint")
    figure = Figure(figsize=(style.PAGE_IN, max(3.0, 1.2 + 0.16 * (len(front) + len(betas)))),
                    layout="constrained")  # fmt: skip
    axes = figure.subplots()
    axes.plot(front["neg_elbo_joint"], front["score"], "--", color="0.6", lw=0.8, zorder=1)
    ends = style.error_bars(table, "score").T
    for row, bars, fill in zip(table.to_dict("records"), ends, settings.map(fills), strict=True):
        axes.errorbar(
            row["neg_elbo_joint"], row["score"], yerr=bars[:, None],
            color=colours[row["beta"]], ms=5, marker=style.LOOKS[row["conditioning"]]["marker"],
            elinewidth=0.8, mew=0.8, fillstyle=fill, markerfacecoloralt="white",
            mec="black" if row["pareto"] else colours[row["beta"]],
        )  # fmt: skip
    for place, row in enumerate(front.to_dict("records"), start=1):
        at = (row["neg_elbo_joint"], row["score"])
        axes.annotate(str(place), at, (4, 4), textcoords="offset points", fontsize=7)
    joint = ", joint with labels" if set(table["conditioning"]) != {"none"} else ""
    axes.set(xlabel=f"−ELBO{joint} (nats per image)", ylabel=_label(table))
    grey = {"color": "0.5", "marker": "o", "markerfacecoloralt": "white"}
    handles = [
        *(style.legend_entry(color=c, marker="o", label=f"β = {b:g}") for b, c in colours.items()),
        *(
            style.legend_entry(color="0.5", marker=style.LOOKS[name]["marker"], label=words)
            for name, words in CONDITIONING.items()
            if name in set(table["conditioning"])
        ),
        *(
            style.legend_entry(**grey, fillstyle=f, label=words)
            for words, f in fills.items()
            if words
        ),
    ]
    axes.add_artist(figure.legend(handles=handles, loc="outside right upper"))
    named = [
        style.wrapped(f"{place}  {words}", LEGEND_LETTERS)
        for place, words in enumerate(words_of(front), start=1)
    ]
    figure.legend(
        handles=[style.legend_entry(color="none", label=words) for words in named],
        loc="outside right lower", handlelength=0, handletextpad=0, title="front",
    )  # fmt: skip
    return figure


def pareto_caption(table: pd.DataFrame) -> str:
    text = (
        f"{wording.count(len(table), 'configuration')}: further left is a tighter bound, further"
        f" up more disentangled; bars are 95% intervals. No other is better in both than the"
        f" {int(table['pareto'].sum())} on the dashed front, outlined and numbered."
    )
    if "likelihood" in table:
        kind = table["likelihood"].iloc[0]
        text += f" All have likelihood {kind}: bounds of another are on another scale."
    if table["conditioning"].nunique() > 1:
        text += (
            " With labels the bound is that of image and label together: then both kinds bound"
            " log p(x)."
        )
    return text


def _label(table: pd.DataFrame) -> str:
    """Of an axis: the caption says of which factors and scope."""
    return f"{table['ranked_by'].iloc[0].partition(' on ')[0]} score"


FIGURES = [
    StudyFigure(
        "ranking", "scores", "Ranking by disentanglement", ranking, draw_ranking, ranking_caption
    ),
    StudyFigure(
        "pareto", "scores", "Bound and disentanglement", pareto, draw_pareto, pareto_caption
    ),
    StudyFigure(
        "higgins-by-beta", "scores", "The score that ranks, by β",
        along_beta, draw_along_beta, along_beta_caption,
    ),
]  # fmt: skip
