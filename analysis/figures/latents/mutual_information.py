"""Mutual information of each latent of the paper's models and each factor, in nats."""

from collections.abc import Iterable

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from analysis.factors.binning import discretise
from analysis.figures import style
from analysis.figures.entry import StudyFigure
from analysis.figures.inputs import FigureInputs
from analysis.metrics import mig
from analysis.statistics import wording
from study.storage.axes import words_of

MOST_ROWS = 20  # latents


def mutual_information(inputs: FigureInputs) -> pd.DataFrame:
    """run, the axes, and the columns of `information`, of all test images."""
    factors = discretise(inputs.factors)
    return inputs.of_paper_runs(
        lambda figure_run: information(
            inputs.codes(figure_run.run), factors, inputs.factors.columns
        )
    )


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
    runs = list(table["run"].unique())
    top = table["information"].max()
    wides = [_strongest(table[table["run"] == run]) for run in runs]
    height = 1.1 + 0.18 * max(len(wide) for wide in wides)
    figure = Figure(figsize=(max(2.2, 1.75 * len(runs)), height), layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False).ravel()
    for axes, run, wide in zip(panels, runs, wides, strict=True):
        sns.heatmap(
            wide, ax=axes, vmin=0, vmax=top, cmap="viridis", annot=True, fmt=".2f", cbar=False,
            linewidths=0.3, annot_kws={"fontsize": 6.5},
            yticklabels=[f"z{latent}" for latent in wide.index],
            xticklabels=[wording.factor_word(str(name)) for name in wide],
        )  # fmt: skip
        axes.set(title=words_of(table[table["run"] == run])[0], xlabel="", ylabel="")
        axes.title.set_fontsize(8)
        axes.tick_params(length=0, labelsize=7, rotation=0)
    cells = panels[-1].collections[0]
    figure.colorbar(cells, ax=panels, label="mutual information (nats)", aspect=30)
    return figure


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Latents that tell most of any factor, in the model's order; factors as they come."""
    wide = table.pivot(index="latent", columns="factor", values="information")
    wide = wide[list(table["factor"].unique())]
    return wide.loc[wide.max(axis=1).nlargest(MOST_ROWS).index.sort_values()]


def caption(table: pd.DataFrame) -> str:
    top = table.loc[[table["information"].idxmax()]]
    row = top.iloc[0]
    return (
        f"How much each latent tells of each factor of the test images; all there is to tell are"
        f" {table['entropy'].max():.2f} nats. The most is {row['information']:.2f} nats:"
        f" z{row['latent']} of {words_of(top)[0]}, of {wording.factor_word(row['factor'])}."
    )


FIGURE = StudyFigure(
    "mutual-information", "latents", "What latents tell of factors",
    mutual_information, draw_information, caption, from_weights=True,
)  # fmt: skip
