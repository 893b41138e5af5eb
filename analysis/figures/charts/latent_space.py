"""Codes of test images on their two strongest principal components, by class and by factor."""

from contextlib import suppress

import matplotlib as mpl
import matplotlib.patheffects as outlines
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.representations.bases import pca
from analysis.statistics import wording
from study.storage.axes import axes_in, words_of

N_POINTS = 1_000  # of a scatter: more than that hide each other
N_FACTORS = 2  # that colour a panel, the first by name
N_CLASSES = 10  # that have a colour
TITLE_LETTERS = 44  # of a row's title in a line


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
    runs, factors = list(table["run"].unique()), _factors(table)
    by_class = "digit" in table or not factors  # a first panel of its own
    n_panels = by_class + len(factors)
    width = style.COLUMN_IN if n_panels == 1 else style.PAGE_IN
    figure = Figure(figsize=(width, 2.3 * len(runs) + 0.3), layout="constrained")
    panels = figure.subplots(len(runs), n_panels, squeeze=False)
    dots: dict[str, object] = {"s": 3, "linewidths": 0, "rasterized": True}
    for row, run in zip(panels, runs, strict=True):
        codes = table[table["run"] == run]
        if by_class:
            _draw_classes(row[0], codes, dots)
        for axes, name in zip(row[by_class:], factors, strict=True):
            low, high = np.nanpercentile(codes[name], (1, 99))
            drawn = axes.scatter(codes["first"], codes["second"], c=codes[name], vmin=low,
                                 vmax=high, cmap="viridis", **dots)  # fmt: skip
            figure.colorbar(drawn, ax=axes, label=wording.factor_label(name), aspect=30)
        for axes in row:
            axes.set_xlabel(f"1st component ({codes['first_share'].iloc[0]:.0%})")
        row[0].set_ylabel(f"2nd component ({codes['second_share'].iloc[0]:.0%})")
        how = ": by class" if "digit" in table else ""
        row[0].set_title(style.wrapped(words_of(codes)[0] + how, TITLE_LETTERS), loc="left")
    return figure


def _factors(table: pd.DataFrame) -> list[str]:
    beside = {"run", *axes_in(table), "digit", "first", "second", "first_share", "second_share"}
    return [str(name) for name in table if name not in beside]


def _draw_classes(axes: Axes, codes: pd.DataFrame, dots: dict[str, object]) -> None:
    """Numerals stand at the medians, for those who cannot tell ten colours; the rest is grey."""
    axes.scatter(codes["first"], codes["second"], color="0.7", **dots)  # type: ignore[arg-type]
    if "digit" not in codes:
        return
    coloured = sorted(codes["digit"].value_counts().index[:N_CLASSES])
    groups = [(one, codes[codes["digit"] == one]) for one in coloured]
    palette = sns.color_palette("colorblind", len(groups))
    for colour, (_, own) in zip(palette, groups, strict=True):
        axes.scatter(own["first"], own["second"], color=colour, **dots)  # type: ignore[arg-type]
    for digit, own in groups:
        axes.text(
            own["first"].median(), own["second"].median(), str(digit), ha="center", va="center",
            weight="bold", path_effects=[outlines.withStroke(linewidth=2.5, foreground="white")],
        )  # fmt: skip


def caption(table: pd.DataFrame) -> str:
    first = table.drop_duplicates("run")
    both = first["first_share"] + first["second_share"]
    shares = [f"{share:.0%} ({words})" for share, words in zip(both, words_of(first), strict=True)]
    colours = []
    if "digit" in table:
        n_classes = table["digit"].nunique()
        which = f", the {N_CLASSES} with most images" if n_classes > N_CLASSES else ""
        colours = [f"by class (numerals stand at their medians{which})"]
    if factors := _factors(table):
        colours.append(f"by {wording.listing([wording.factor_word(name) for name in factors])}")
    coloured = f", coloured {' and '.join(colours)}" if colours else ""
    return (
        f"{len(table) // len(first):,} test images on the two strongest principal"
        f" components of the codes, a model a row{coloured}. Share of the active latents' variance:"
        f" {', '.join(shares)}."
    )


FIGURE = StudyFigure(
    "latent-space", "latents", "Codes of test images", latent_space, draw_latent_space, caption,
    from_weights=True,
)  # fmt: skip
