"""How far the aligned latents of the paper's models move their property, digit by digit."""

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from analysis.factors import FACTORS
from analysis.figures import style
from analysis.figures.entry import StudyFigure
from analysis.figures.inputs import FigureInputs, Missing
from analysis.statistics import wording
from analysis.study import configuration
from study.storage.axes import axes_in, with_axes, words_of
from study.storage.tables import has_table


def slopes_by_digit(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `alignment`, see `effects_by_digit`."""
    if not has_table(inputs.study.folder, "alignment"):
        raise Missing("what the latents move was not measured yet: python -m analysis.score")
    runs = [figure_run.run for figure_run in inputs.paper_runs()]
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
    columns = {factor.short: place for place, factor in enumerate(FACTORS)}
    aligned = alignment[(alignment["basis"] == "latent") & alignment["property"].isin(columns)]
    aligned = aligned.assign(configuration=configuration(aligned["run"]))
    axes = ["run", "configuration", *axes_in(aligned)]
    rows = []
    for run in runs:
        for row in aligned[aligned["run"] == run].to_dict("records"):
            effects = np.asarray(row["digit_effects"], float).reshape(-1, len(FACTORS))
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
    figure = Figure(figsize=(style.PAGE_IN, 1.1 + 0.2 * len(wide)), layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        wide, ax=axes, cmap="RdBu_r", vmin=-top, vmax=top, annot=True, fmt="+.2f",
        linewidths=0.3, annot_kws={"fontsize": 6.5}, yticklabels=names,
        cbar_kws={"label": "effect (SD per SD)", **style.colour_bar(len(wide))},
    )  # fmt: skip
    axes.set(xlabel="digit", ylabel="")
    axes.tick_params(length=0, labelsize=7, rotation=0)
    return figure


def caption(table: pd.DataFrame) -> str:
    one_way = table.groupby(["run", "direction"])["effect"].agg(
        lambda effects: bool((effects > 0).all() or (effects < 0).all())
    )
    strongest = table.loc[[table["effect"].abs().idxmax()]]
    row = strongest.iloc[0]
    return (
        f"Aligned latents of the compared models: how many standard deviations of the property"
        f" among real digits one standard deviation of the latent moves, digit by digit."
        f" {one_way.sum()} of {len(one_way)} move it the same way in all"
        f" {wording.numeral(table['digit'].nunique())} digits; the largest effect is"
        f" {wording.number(row['effect'], 2, sign=True)}, on the {row['property']} of the"
        f" {row['digit']} ({words_of(strongest)[0]})."
    )


FIGURE = StudyFigure(
    "slopes-by-digit", "latents", "Aligned latents, digit by digit",
    slopes_by_digit, draw_slopes, caption,
)  # fmt: skip
