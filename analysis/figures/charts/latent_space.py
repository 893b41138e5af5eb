"""Codes of test images on their two strongest principal components, by class and by factor."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects as outlines
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import rows, style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.representations.bases import pca
from analysis.statistics import wording
from study.storage.axes import axes_in, words_of

N_POINTS = 1_000  # of a scatter: more than that hide each other
N_FACTORS = 2  # that colour a panel, the first by name
N_CLASSES = 10  # that have a colour
TITLE_LETTERS = 24  # of a row's name in a line
DOTS: dict[str, Any] = {"s": 2.5, "linewidths": 0, "rasterized": True}
OUTLINE = [
    outlines.Stroke(linewidth=3, foreground="white"),
    outlines.Stroke(linewidth=1.2, foreground="black"),
    outlines.Normal(),
]
ROW_IN = 1.65  # height of a row of panels
MOST_RUNS = 5  # rows on a page


def latent_space(inputs: FigureInputs) -> pd.DataFrame:
    """run, the axes, and the columns of `plane`: factors, digit (the class), components."""
    known = pd.DataFrame(index=range(len(inputs.labels)))
    with suppress(Missing):
        known = inputs.factors[sorted(map(str, inputs.factors))[:N_FACTORS]]
    if inputs.data.n_classes > 1:
        known = known.assign(digit=inputs.labels)
    table = inputs.of_shown_runs(lambda figure_run: plane(inputs.codes(figure_run.run), known))
    if table.empty:
        raise Missing("no compared run uses two latents")
    return table


def plane(codes: npt.ArrayLike, known: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Some images on the first two principal components of the active latents.

    Args:
        codes: posterior means, (n, n_latents).
        known: what is known of the images, a row each.
        seed: of the choice of images.

    Returns:
        The columns of `known`, first, second (units of the latents), first_share and second_share
        (of the variance of the active latents); no rows where fewer than two latents are used.
    """
    components = pca(codes).codes
    if components.shape[1] < 2:
        return known.iloc[:0]
    share = components.var(axis=0) / components.var(axis=0).sum()
    chosen = np.random.default_rng(seed).permutation(len(components))[:N_POINTS]
    first, second = components[chosen, :2].T
    table = known.iloc[chosen].reset_index(drop=True)
    return table.assign(
        first=first, second=second, first_share=share[0], second_share=share[1]
    ).round(4)


@mpl.rc_context(style.PLAIN)
def draw_latent_space(table: pd.DataFrame) -> Figure:
    """A row a run: the same codes coloured by class and by each factor, or all alike."""
    runs, factors = list(table["run"].unique())[:MOST_RUNS], _factors(table)
    by_class = "digit" in table or not factors  # a first panel of its own
    n_panels = by_class + len(factors)
    width = style.COLUMN_IN if n_panels == 1 else style.PAGE_IN
    figure = Figure(figsize=(width, ROW_IN * len(runs) + 0.5), layout="constrained")
    panels = figure.subplots(len(runs), n_panels, squeeze=False)
    for row, run in zip(panels, runs, strict=True):
        codes = table[table["run"] == run]
        if by_class:
            _draw_classes(row[0], codes)
        for axes, name in zip(row[by_class:], factors, strict=True):
            low, high = np.nanpercentile(table[name], (1, 99))
            axes.scatter(codes["first"], codes["second"], c=codes[name], vmin=low, vmax=high,
                         cmap="viridis", **DOTS)  # fmt: skip
        for axes in row:
            axes.set_xlabel(f"1st component ({codes['first_share'].iloc[0]:.0%})")
        words = rows.wrapped(words_of(codes)[0], TITLE_LETTERS)
        row[0].set_ylabel(f"{words}\n2nd component ({codes['second_share'].iloc[0]:.0%})")
    if "digit" in table:
        panels[0, 0].set_title("by class")
    for column, name in zip(panels[:, by_class:].T, factors, strict=True):
        column[0].set_title(f"by {wording.factor_word(name)}")
        figure.colorbar(column[0].collections[0], ax=list(column), location="bottom",
                        label=wording.factor_label(name), aspect=30, pad=0.01)  # fmt: skip
    figure.draw_without_rendering()  # settles the layout
    for axes, run in zip(panels[:, 0], runs, strict=True):
        _name_classes(axes, table[table["run"] == run])
    return figure


def _factors(table: pd.DataFrame) -> list[str]:
    beside = {"run", *axes_in(table), "digit", "first", "second", "first_share", "second_share"}
    return [str(name) for name in table if name not in beside]


def _classes(codes: pd.DataFrame) -> list[int]:
    """Those that have a colour."""
    return sorted(codes["digit"].value_counts().index[:N_CLASSES]) if "digit" in codes else []


def _colours(classes: Sequence[int]) -> list[tuple[float, float, float]]:
    return list(sns.color_palette("colorblind", len(classes)))


def _draw_classes(axes: Axes, codes: pd.DataFrame) -> None:
    """A colour a class; the rest is grey."""
    axes.scatter(codes["first"], codes["second"], color="0.7", **DOTS)
    classes = _classes(codes)
    for colour, one in zip(_colours(classes), classes, strict=True):
        own = codes[codes["digit"] == one]
        axes.scatter(own["first"], own["second"], color=colour, **DOTS)


def _name_classes(axes: Axes, codes: pd.DataFrame) -> None:
    """Numerals in the colours of their classes, at the medians or beside."""
    classes = _classes(codes)
    if classes:
        medians = codes.groupby("digit")[["first", "second"]].median().loc[classes]
        words = [str(one) for one in classes]
        texts = rows.put_apart(axes, medians, words, on_place=True, weight="bold", fontsize=8)
        for text, colour in zip(texts, _colours(classes), strict=True):
            text.set(color=colour, path_effects=OUTLINE)


def caption(table: pd.DataFrame) -> str:
    first = table.drop_duplicates("run")
    more = f" The table has {len(first)} models." if len(first) > MOST_RUNS else ""
    first = first.head(MOST_RUNS)
    both = first["first_share"] + first["second_share"]
    shares = [f"{share:.0%} ({words})" for share, words in zip(both, words_of(first), strict=True)]
    colours = []
    if "digit" in table:
        n_classes = table["digit"].nunique()
        which = f", the {N_CLASSES} with most images" if n_classes > N_CLASSES else ""
        colours = [f"by class (numerals at their medians, or near by{which})"]
    if factors := _factors(table):
        colours.append(f"by {wording.listing([wording.factor_word(name) for name in factors])}")
    coloured = f", coloured {' and '.join(colours)}" if colours else ""
    n_images = (table["run"] == first["run"].iloc[0]).sum()
    return (
        f"{n_images:,} test images on the two strongest principal"
        f" components of the codes, one row per model{coloured}. Share of the active latents'"
        " variance:"
        f" {', '.join(shares)}.{rows.of_seeds(first['run'])}{more}"
    )


FIGURE = StudyFigure(
    "latent-space", "latents", "Codes of test images", latent_space, draw_latent_space, caption,
    from_weights=True,
)  # fmt: skip
