"""KL of every latent of every configuration; grey where a latent is not active."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.figures.entry import StudyFigure
from analysis.figures.inputs import FigureInputs, Missing
from analysis.study import configuration
from study.storage.axes import axes_in, with_axes, words_of
from study.training.trainer import ACTIVE_NATS

MOST_COLUMNS = 30  # latents; J = 200 would leave the others too narrow to see


def kl_by_latent(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `latents`, see `over_seeds`."""
    if inputs.study.latents.empty:
        raise Missing("no run has finished")
    return over_seeds(with_axes(inputs.study.latents, inputs.study.trials))


def over_seeds(latents: pd.DataFrame) -> pd.DataFrame:
    """KL of the latents of every configuration, sorted in each run: means over seeds.

    Args:
        latents: a study's latents, with all its axes.

    Returns:
        The axes, place (1: the latent with the largest KL), kl (nats per image), n_seeds.
    """
    ordered = latents.sort_values(["run", "kl"], ascending=[True, False])
    ordered["place"] = ordered.groupby("run").cumcount() + 1
    names = configuration(latents["run"]).unique()  # in this order
    ordered["configuration"] = pd.Categorical(configuration(ordered["run"]), names)
    groups = ordered.groupby(["configuration", *axes_in(ordered), "place"], observed=True)["kl"]
    table = groups.agg(kl="mean", n_seeds="count").reset_index()
    return table.astype({"configuration": str})


@mpl.rc_context(style.PLAIN)
def draw_kl(table: pd.DataFrame) -> Figure:
    """A row a configuration, its latents by falling KL."""
    first = table.drop_duplicates("configuration")
    wide = table.pivot(index="configuration", columns="place", values="kl")
    wide = wide.loc[first["configuration"]]
    active = int((wide > ACTIVE_NATS).any().sum())
    wide = wide.iloc[:, : min(active + 1, MOST_COLUMNS)]  # one more shows that the rest is unused
    colours = mpl.colormaps["viridis"].with_extremes(under="0.85", bad="white")
    size = (style.PAGE_IN, max(1.9, 1.1 + style.ROW_IN * len(wide)))  # the bar's words need 1.9
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    top = max(float(np.nanmax(wide.to_numpy())), 2 * ACTIVE_NATS)
    sns.heatmap(
        wide, ax=axes, cmap=colours, norm=LogNorm(ACTIVE_NATS, top), linewidths=0.3,
        xticklabels=max(1, wide.shape[1] // 12), yticklabels=words_of(first),
        cbar_kws={"label": "KL (nats per image)", "extend": "min", **style.colour_bar(len(wide))},
    )  # fmt: skip
    cut = f" (the first {MOST_COLUMNS})" if active >= MOST_COLUMNS else ""
    axes.set(xlabel=f"latents, by falling KL{cut}", ylabel="")
    axes.tick_params(length=0, labelsize=7, rotation=0)
    return figure


def caption(table: pd.DataFrame) -> str:
    active = (table["kl"] > ACTIVE_NATS).groupby(table["configuration"], sort=False).sum()
    first = table.drop_duplicates("configuration").set_index("configuration")
    fewest, most = first[active.eq(active.min())].head(1), first[active.eq(active.max())].head(1)
    return (
        f"KL of every latent on the test set, the largest first; grey: below {ACTIVE_NATS:g} nats,"
        f" not active. Active latents: {active.min()} ({words_of(fewest)[0]}) to"
        f" {active.max()} ({words_of(most)[0]})."
    )


FIGURE = StudyFigure(
    "kl-by-latent", "latents", "KL of every latent", kl_by_latent, draw_kl, caption
)
