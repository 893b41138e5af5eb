"""Tables of latents -> heat maps; computes nothing."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.figures.charts import ROW_IN, words_of
from analysis.figures.grids import MOST_ROWS
from analysis.figures.style import PAGE_IN, STYLE
from study.training.trainer import ACTIVE_NATS

FACTORS = {"thickness_px": "thickness", "slant_rad": "slant", "width_px": "width"}
MOST_COLUMNS = 30  # latents; J = 200 would leave the others too narrow to see
PLAIN = {**STYLE, "axes.grid": False}


def draw_kl(table: pd.DataFrame) -> Figure:
    """A row a configuration, its latents by falling KL; grey where a latent is not active.

    Args:
        table: the axes, place, kl (nats per image).
    """
    first = table.drop_duplicates("configuration")
    wide = table.pivot(index="configuration", columns="place", values="kl")
    wide = wide.loc[first["configuration"]]
    active = int((wide > ACTIVE_NATS).any().sum())
    wide = wide.iloc[:, : min(active + 1, MOST_COLUMNS)]  # one more shows that the rest is unused
    colours = mpl.colormaps["viridis"].with_extremes(under="0.85", bad="white")
    with mpl.rc_context(PLAIN):
        size = (PAGE_IN, max(1.9, 1.1 + ROW_IN * len(wide)))  # the bar's words need 1.9
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        top = max(float(np.nanmax(wide.to_numpy())), 2 * ACTIVE_NATS)
        sns.heatmap(
            wide, ax=axes, cmap=colours, norm=LogNorm(ACTIVE_NATS, top), linewidths=0.3,
            xticklabels=max(1, wide.shape[1] // 12), yticklabels=words_of(first),
            cbar_kws={"label": "KL (nats per image)", "extend": "min", **_bar(len(wide))},
        )  # fmt: skip
        cut = f" (the first {MOST_COLUMNS})" if active >= MOST_COLUMNS else ""
        axes.set(xlabel=f"latents, by falling KL{cut}", ylabel="")
        axes.tick_params(length=0, labelsize=7, rotation=0)
    return figure


def draw_information(table: pd.DataFrame) -> Figure:
    """A panel a run, a row a latent: what it tells of each factor, in nats.

    Args:
        table: run, the axes, latent, factor, information (nats).
    """
    runs = list(table["run"].unique())
    top = table["information"].max()
    wides = [_strongest(table[table["run"] == run]) for run in runs]
    with mpl.rc_context(PLAIN):
        height = 1.1 + 0.18 * max(len(wide) for wide in wides)
        figure = Figure(figsize=(max(2.2, 1.75 * len(runs)), height), layout="constrained")
        panels = figure.subplots(1, len(runs), squeeze=False).ravel()
        for axes, run, wide in zip(panels, runs, wides, strict=True):
            sns.heatmap(
                wide, ax=axes, vmin=0, vmax=top, cmap="viridis", annot=True, fmt=".2f", cbar=False,
                linewidths=0.3, annot_kws={"fontsize": 6.5},
                yticklabels=[f"z{latent}" for latent in wide.index],
                xticklabels=[FACTORS.get(str(name), name) for name in wide],
            )  # fmt: skip
            words = words_of(table[table["run"] == run])[0]
            axes.set(title=words, xlabel="", ylabel="")
            axes.title.set_fontsize(8)
            axes.tick_params(length=0, labelsize=7, rotation=0)
        dots = panels[-1].collections[0]
        figure.colorbar(dots, ax=panels, label="mutual information (nats)", aspect=30)
    return figure


def draw_slopes(table: pd.DataFrame) -> Figure:
    """A row an aligned latent, a column a digit.

    Args:
        table: run, the axes, direction, property, digit, effect (standard deviations).
    """
    keys = ["run", "direction"]
    first = table.drop_duplicates(keys)
    wide = table.pivot(index=keys, columns="digit", values="effect")
    wide = wide.loc[list(zip(first["run"], first["direction"], strict=True))]
    top = max(float(np.nanmax(np.abs(wide.to_numpy()))), 0.1)
    names = [
        f"{words}: z{row.direction} {row.property}"
        for words, row in zip(words_of(first), first.itertuples(), strict=True)
    ]
    with mpl.rc_context(PLAIN):
        size = (PAGE_IN, 1.1 + 0.2 * len(wide))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        sns.heatmap(
            wide, ax=axes, cmap="RdBu_r", vmin=-top, vmax=top, annot=True, fmt="+.2f",
            linewidths=0.3, annot_kws={"fontsize": 6.5}, yticklabels=names,
            cbar_kws={"label": "effect (SD per SD)", **_bar(len(wide))},
        )  # fmt: skip
        axes.set(xlabel="digit", ylabel="")
        axes.tick_params(length=0, labelsize=7, rotation=0)
    return figure


def _bar(n_rows: int) -> dict[str, float]:
    """A colour bar that stays as wide where a heat map is high."""
    return {"aspect": 6 + 1.2 * n_rows, "fraction": 0.04, "pad": 0.02, "shrink": 0.9}


def _strongest(table: pd.DataFrame) -> pd.DataFrame:
    """Latents that tell most of any factor, in the model's order; factors as they come."""
    wide = table.pivot(index="latent", columns="factor", values="information")
    wide = wide[list(table["factor"].unique())]
    return wide.loc[wide.max(axis=1).nlargest(MOST_ROWS).index.sort_values()]
