"""Latents as heat maps: what each tells of factors, what aligned ones move."""

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.factors.binning import discretise
from analysis.figures import rows, style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.latent_effects.alignment import NAMES, name_of, properties_of
from analysis.metrics import mig
from analysis.statistics import wording
from analysis.study import configuration
from study.storage.axes import axes_in, with_axes, words_of
from study.storage.tables import has_table

MOST_ROWS = 20  # latents
ACROSS = 5  # panels side by side
CELL_IN = 0.15  # width that a figure in a cell needs
TITLE_LETTERS = 22  # of a panel's title in a line
IN_CELLS = {"fontsize": 6}


def mutual_information(inputs: FigureInputs) -> pd.DataFrame:
    """run, the axes, and the columns of `information`, of all test images."""
    factors, names = discretise(inputs.factors), inputs.factors.columns
    return inputs.of_shown_runs(lambda run: information(inputs.codes(run.run), factors, names))


def information(
    codes: npt.ArrayLike, factors: npt.NDArray[np.int64], names: Iterable[str]
) -> pd.DataFrame:
    """Mutual information of each latent and each factor, as MIG estimates it.

    Args:
        codes: posterior means, (n, n_latents).
        factors: binned, (n, n_factors).
        names: of the factors.

    Returns:
        latent (from 1), factor, information and the factor's entropy, both in nats.
    """
    result = mig(codes, factors)
    return pd.DataFrame(
        [
            {"latent": latent, "factor": name, "information": nats, "entropy": entropy}
            for latent, row in enumerate(result.mutual_info, start=1)
            for name, nats, entropy in zip(names, row, result.entropy, strict=True)
        ]
    )


@mpl.rc_context(style.PLAIN)
def draw_information(table: pd.DataFrame) -> Figure:
    """A panel a run, a row a latent, a column a factor."""
    groups = [part for _, part in table.groupby("run", sort=False)]
    wides = [_strongest(part) for part in groups]
    across = min(ACROSS, len(wides))
    down = -(-len(wides) // across)
    width = style.COLUMN_IN if across == 1 else style.PAGE_IN
    height = max(1.9, down * (0.6 + 0.165 * max(len(wide) for wide in wides)) + 0.1)
    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    room = (width - 0.7) / across - 0.4 >= CELL_IN * wides[0].shape[1]
    for axes, part, wide in zip(panels, groups, wides, strict=False):
        heat_map(
            axes, wide, [f"z{latent}" for latent in wide.index], "",
            annot=wide.map(_nats) if room else False, annot_kws=IN_CELLS, fmt="",
            vmin=0, vmax=table["information"].max(), cmap="viridis", cbar=False,
            xticklabels=[wording.factor_word(str(name)) for name in wide],
        )  # fmt: skip
        axes.set_title(rows.wrapped(words_of(part)[0], TITLE_LETTERS), fontsize=7)
        if sum(len(label.get_text()) for label in axes.get_xticklabels()) > 24:
            axes.tick_params(axis="x", rotation=90)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    cells = panels[0].collections[0]
    figure.colorbar(cells, ax=panels, label="mutual information (nats)", aspect=30)
    return figure


def _nats(value: float) -> str:
    """`.05`; nothing where it is nothing."""
    return f"{value:.2f}".removeprefix("0") if value >= 0.005 else ""


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Latents that tell most of any factor, in the model's order; factors as they come."""
    wide = table.pivot(index="latent", columns="factor", values="information")
    wide = wide[list(table["factor"].unique())]
    return wide.loc[wide.max(axis=1).nlargest(MOST_ROWS).index.sort_values()]


def information_caption(table: pd.DataFrame) -> str:
    top = table.loc[[table["information"].idxmax()]]
    row = top.iloc[0]
    return (
        "Mutual information of each latent and each factor of the test images; at most"
        f" {table['entropy'].max():.2f} nats are possible. The largest is {row['information']:.2f}"
        " nats:"
        f" z{row['latent']} of {words_of(top)[0]}, of {wording.factor_word(row['factor'])}."
        f" Cells without a number are below 0.005 nats.{rows.of_seeds(table['run'])}"
    )


def slopes_by_digit(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `alignment`, see `effects_by_digit`."""
    if not has_table(inputs.study.folder, "alignment"):
        inputs.require_measured()
        raise Missing("what the latents move was not measured yet: study score")
    if not set(properties_of(inputs.study.alignment)) <= set(NAMES):
        inputs.require_measured()  # known factors that are read go without classes
    runs = [figure_run.run for figure_run in inputs.shown_runs()]
    table = effects_by_digit(with_axes(inputs.study.alignment, inputs.study.trials), runs)
    if table["effect"].isna().all():
        raise Missing("no latent of the compared runs is aligned with a property")
    return table


def effects_by_digit(alignment: pd.DataFrame, runs: Iterable[str]) -> pd.DataFrame:
    """How far each aligned latent of some runs moves its property, digit by digit.

    Args:
        alignment: a study's table of that name, with all its axes.
        runs: whose latents; in this order.

    Returns:
        run, the axes, direction (the latent, from 1), property, digit, effect: standard deviations
        of the property among real digits, for one of the latent; NaN where not measured.
    """
    properties = properties_of(alignment)
    columns = {name_of(column): place for place, column in enumerate(properties)}
    aligned = alignment[(alignment["basis"] == "latent") & alignment["property"].isin(columns)]
    aligned = aligned.assign(configuration=configuration(aligned["run"]))
    axes = ["run", "configuration", *axes_in(aligned)]
    rows = []
    for run in runs:
        for row in aligned[aligned["run"] == run].to_dict("records"):
            effects = np.asarray(row["digit_effects"], float).reshape(-1, len(properties))
            kept = {name: row[name] for name in (*axes, "direction", "property")}
            rows += [
                {**kept, "digit": digit, "effect": effect}
                for digit, effect in enumerate(effects[:, columns[row["property"]]])
            ]
    return pd.DataFrame(rows, columns=[*axes, "direction", "property", "digit", "effect"])


@mpl.rc_context(style.PLAIN)
def draw_slopes(table: pd.DataFrame) -> Figure:
    """A row an aligned latent, a column a digit."""
    keys = ["run", "direction"]
    first = table.drop_duplicates(keys)
    wide = table.pivot(index=keys, columns="digit", values="effect")
    wide = wide.loc[list(zip(first["run"], first["direction"], strict=True))]
    top = max(float(np.nanmax(np.abs(wide.to_numpy()))), 0.1)
    names = [
        f"{words}: z{row.direction} {row.property}"
        for words, row in zip(words_of(first), first.itertuples(), strict=True)
    ]
    n = rows.n_that_fit(names)
    wide, names = wide.iloc[:n], names[:n]
    height = max(1.9, 1.0 + rows.height_in(names))
    figure = Figure(figsize=(style.PAGE_IN, height), layout="constrained")
    heat_map(
        figure.subplots(), wide, names, "digit",
        annot=wide.map(lambda effect: wording.number(effect, 2, sign=True)),
        annot_kws=IN_CELLS, fmt="", cmap="RdBu_r", vmin=-top, vmax=top,
        cbar_kws={"label": "effect (SD per SD)", **style.colour_bar(len(wide))},
    )  # fmt: skip
    return figure


def slopes_caption(table: pd.DataFrame) -> str:
    one_way = table.groupby(["run", "direction"])["effect"].agg(
        lambda effects: bool((effects > 0).all() or (effects < 0).all())
    )
    strongest = table.loc[[table["effect"].abs().idxmax()]]
    row = strongest.iloc[0]
    return (
        f"Aligned latents of the compared models: how many standard deviations of the property"
        f" among real digits one standard deviation of the latent moves, digit by digit."
        f" {one_way.sum()} of {len(one_way)} {wording.verb(one_way.sum(), 'moves', 'move')} it the"
        " same way in all"
        f" {wording.numeral(table['digit'].nunique())} digits; the largest effect is"
        f" {wording.number(row['effect'], 2, sign=True)}, on the {row['property']} of the"
        f" {row['digit']} ({words_of(strongest)[0]}).{rows.of_seeds(table['run'])}"
    )


def heat_map(
    axes: Axes, wide: pd.DataFrame, names: list[str], x_label: str, **look: object
) -> None:
    """Cells with thin lines between them, a name a row."""
    lines = [rows.wrapped(name) for name in names]
    sns.heatmap(wide, ax=axes, yticklabels=lines, linewidths=0.3, **look)
    axes.set(xlabel=x_label, ylabel="")
    axes.tick_params(length=0, rotation=0)


FIGURES = [
    StudyFigure(
        "mutual-information", "latents", "Mutual information of latents and factors",
        mutual_information, draw_information, information_caption, from_weights=True,
    ),
    StudyFigure(
        "slopes-by-digit", "latents", "Aligned latents, digit by digit",
        slopes_by_digit, draw_slopes, slopes_caption,
    ),
]  # fmt: skip
