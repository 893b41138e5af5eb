"""The KL of every latent, as a heat map."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.figures import rows, style
from analysis.figures.charts.heat_maps import heat_map
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.metrics import ACTIVE_VARIANCE
from analysis.statistics import wording
from analysis.study import configuration
from study.storage.axes import axes_in, with_axes, words_of

MOST_COLUMNS = 30  # latents; J = 200 would leave the others too narrow to see
LEAST_NATS = 0.01  # of KL that has a colour


def kl_by_latent(inputs: FigureInputs) -> pd.DataFrame:
    """Of the study's table `latents`, see `over_seeds`."""
    if inputs.study.latents.empty:
        raise Missing("no run has finished")
    table = over_seeds(with_axes(inputs.study.latents, inputs.study.trials))
    if table.empty:
        raise Missing("no prior of these runs has a KL by latent")
    return table


def over_seeds(latents: pd.DataFrame) -> pd.DataFrame:
    """KL of the latents of every configuration, sorted in each run: means over seeds.

    Args:
        latents: a study's latents, with all its axes; runs whose prior has no KL by latent have no
            rows in the result.

    Returns:
        The axes, place (1: the latent with the largest KL), kl (nats per image), active (the share
        of seeds whose latent of this place is active), n_seeds, without (configurations that have
        no KL by latent; in every row).
    """
    ordered = latents.dropna(subset="kl").sort_values(["run", "kl"], ascending=[True, False])
    ordered["place"] = ordered.groupby("run").cumcount() + 1
    ordered["active"] = ordered["mean_variance"] > ACTIVE_VARIANCE
    names = configuration(latents["run"]).unique()  # in this order
    ordered["configuration"] = pd.Categorical(configuration(ordered["run"]), names)
    keys = ["configuration", *axes_in(ordered), "place"]  # null where an axis is not of a run
    groups = ordered.groupby(keys, observed=True, dropna=False)
    table = groups.agg(kl=("kl", "mean"), active=("active", "mean"), n_seeds=("kl", "count"))
    table = table.reset_index().astype({"configuration": str})
    return table.assign(without=len(names) - table["configuration"].nunique())


@mpl.rc_context(style.PLAIN)
def draw_kl(table: pd.DataFrame) -> Figure:
    """A row a configuration, its latents by falling KL."""
    first = table.drop_duplicates("configuration")
    first = first.head(rows.n_that_fit(words_of(first)))
    wide = table.pivot(index="configuration", columns="place", values="kl")
    wide = wide.loc[first["configuration"]]
    seen = int((wide > LEAST_NATS).any().sum())
    wide = wide.iloc[:, : min(seen + 1, MOST_COLUMNS)]  # one more shows that the rest is unused
    names = words_of(first)
    height = max(1.9, 1.0 + rows.height_in(names))  # the bar's words need 1.9
    figure = Figure(figsize=(style.PAGE_IN, height), layout="constrained")
    axes = figure.subplots()
    top = max(float(np.nanmax(wide.to_numpy())), 2 * LEAST_NATS)
    cut = f" (the first {MOST_COLUMNS})" if seen >= MOST_COLUMNS else ""
    heat_map(
        axes, wide, names, f"latents, by falling KL{cut}",
        cmap=mpl.colormaps["viridis"].with_extremes(under="0.85", bad="white"),
        norm=LogNorm(LEAST_NATS, top), xticklabels=max(1, wide.shape[1] // 12),
        cbar_kws={"label": "KL (nats per image)", "extend": "min", **style.colour_bar(len(wide))},
    )  # fmt: skip
    for place, size in enumerate(first["latent_dim"]):
        if size > wide.shape[1]:  # the row goes on
            axes.text(wide.shape[1] + 0.15, place + 0.5, "…", va="center")
    return figure


def caption(table: pd.DataFrame) -> str:
    active = table.groupby("configuration", sort=False)["active"].sum()
    first = table.drop_duplicates("configuration").set_index("configuration")
    fewest, most = (words_of(first.loc[[name]])[0] for name in (active.idxmin(), active.idxmax()))
    numbers = f"{active.min():.3g} ({fewest}) to {active.max():.3g} ({most})"
    if active.min() == active.max():
        numbers = f"{active.min():.3g} in each configuration"
    return (
        f"KL of every latent on the test set, the largest first; grey: below {LEAST_NATS:g} nats."
        f" Active latents, whose posterior mean has a variance above {ACTIVE_VARIANCE:g}:"
        f" {numbers}. Means over {wording.count(int(table['n_seeds'].max()), 'seed')}."
        f"{_left_out(int(table['without'].iloc[0]))}"
        f"{rows.shown(rows.n_that_fit(words_of(first)), len(first), 'first')}"
        + (
            " Dots: the row continues with latents of smaller KL."
            if len(table) > len(first)
            else ""
        )
    )


def _left_out(n: int) -> str:
    """Why configurations are not in the figure."""
    if not n:
        return ""
    are = "is" if n == 1 else "are"
    return (
        f" {wording.count(n, 'configuration')} {are} left out: a prior that does not factorise"
        " over the latents has only a total KL."
    )


FIGURE = StudyFigure(
    "kl-by-latent", "latents", "KL of every latent", kl_by_latent, draw_kl, caption
)
