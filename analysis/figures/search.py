"""Figures of a search: what statistics.front computes, drawn.

`optuna.visualization.matplotlib` draws the parallel coordinates. The rest is drawn here, as Optuna
5.0's show less than the tables:

- history: one objective a figure, and where there are several neither the best so far nor the
  hypervolume;
- importance: with several objectives the bars of each are sorted on their own, but all named in
  the order of the last, so that bars stand beside the wrong parameter;
- front: neither beta nor conditioning; and three objectives in one perspective cannot be read off
  paper, while pairs of them can.
"""

import warnings
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from optuna.exceptions import ExperimentalWarning
from optuna.visualization.matplotlib import plot_parallel_coordinate

from analysis.figures import encodings
from analysis.figures.style import COLUMN_IN, KINDS, PAGE_IN, PLAIN, STYLE, save_figure
from analysis.metrics import LABELS
from analysis.statistics.front import (
    as_optuna,
    complete,
    history,
    importance,
    of_all,
    search_of,
)
from analysis.statistics.objectives import DIRECTIONS
from analysis.study import Study
from study.config.search import Search

ACROSS, MAX_PANELS = 3, 6
UNITS = {"neg_elbo": "nats", "objective": "nats", "recon": "nats", "elbo": "nats", "iwae": "nats"}
NAMES = {
    "latent_dim": "J",
    "beta": "β",
    "kl_warmup_epochs": "KL warm-up",
    "objective_kind": "objective",
    "neg_elbo": "negative ELBO",
    "elbo": "ELBO",
    "recon": "reconstruction",
    "iwae": "IWAE",
    "hypervolume": "hypervolume so far",
    **LABELS,
}
FRONT_COLOUR, OTHERS_COLOUR = "#c23b22", "0.75"


class Trials(NamedTuple):
    """A search as its figures see it."""

    search: Search
    done: pd.DataFrame  # the complete trials
    front: pd.DataFrame  # those that no other beats
    history: pd.DataFrame  # trial, objective, value, best
    importance: pd.DataFrame  # objective, parameter, share; empty for too few trials


def save_search(study: Study, kinds: Sequence[str] = KINDS) -> int:
    """Draw the figures that a search has trials for; returns how many."""
    search = search_of(study.folder)
    done = complete(study.search)
    if len(done) < 2:
        return 0
    steps, shares = history(study.search, search.objectives), importance(study.search, search)
    trials = Trials(search, done, study.front, steps, shares)
    names = [name for name in FIGURES if name != "search-importance" or len(shares)]
    for name in names:
        save_figure(FIGURES[name](trials), study.folder, name, kinds)
    return len(names)


@mpl.rc_context(STYLE)
def draw_front(trials: Trials) -> Figure:
    """Every trial, and the front in red; a panel a pair of objectives."""
    search, done = trials.search, trials.done
    names = search.objectives if len(search.objectives) > 1 else ["trial", *search.objectives]
    pairs = list(combinations(names, 2))[:MAX_PANELS]
    across = min(ACROSS, len(pairs))
    size = (PAGE_IN, 0.5 + (3.0 if across == 1 else 2.2) * -(-len(pairs) // across))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(-(-len(pairs) // across), across, squeeze=False).ravel()
    for axes, (x, y) in zip(panels, pairs, strict=True):
        _scatter(axes, done, x, y, search)
        ordered = trials.front.sort_values(x)
        line = "-" if len(search.objectives) == 2 else "none"
        steps = "steps-pre" if DIRECTIONS.get(x) == "maximize" else "steps-post"
        look = {"color": FRONT_COLOUR, "drawstyle": steps, "zorder": 3, "gid": "front"}
        axes.plot(ordered[x], ordered[y], ls=line, marker="o", ms=9, mfc="none", **look)
        axes.set(xlabel=_label(x), ylabel=_label(y))
    if "beta" in search.space:
        bar = figure.colorbar(_beta_scale(done["beta"]), ax=list(panels), label="β", pad=0.02)
        ticks = _ticks(done["beta"].min(), done["beta"].max())
        bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks])
        bar.minorticks_off()
        bar.outline.set_visible(False)
    figure.legend(handles=_key(search), loc="outside upper left", ncols=3)
    return figure


@mpl.rc_context(STYLE)
def draw_history(trials: Trials) -> Figure:
    """Values by trial, and the best so far as a line; a panel an objective."""
    names = list(trials.history["objective"].unique())
    width = PAGE_IN if len(names) > 1 else COLUMN_IN
    figure = Figure(figsize=(width, 2.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        rows = trials.history[trials.history["objective"] == name]
        if name != "hypervolume":
            axes.plot(rows["trial"], rows["value"], "o", color="0.6", markersize=3)
        axes.step(rows["trial"], rows["best"], where="post", color=FRONT_COLOUR)
        axes.set(xlabel="trial", title=_label(name))
    return figure


@mpl.rc_context({**PLAIN, "axes.spines.right": True, "xtick.labelsize": 7, "ytick.labelsize": 7})
def draw_parallel(trials: Trials) -> Figure:
    """A line a trial through its values and parameters; those of the front in red."""
    search, done = trials.search, trials.done
    on_front = done["run"].isin(trials.front["run"])
    study = as_optuna(pd.concat([done[~on_front], done[on_front]]), search)  # drawn in this order
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        # an axis on which all trials agree: matplotlib widens it, as it should
        warnings.filterwarnings("ignore", "Attempting to set identical low and high ylims")
        study.set_metric_names(search.objectives)
        params, target = of_all(done, search), search.objectives[0]
        axes = plot_parallel_coordinate(study, params, target_name=target)
    figure = plt.gcf()
    plt.close(figure)  # to pyplot; it would keep the figure
    names = [_label(label.get_text()).replace(" (", "\n(") for label in axes.get_xticklabels()]
    figure.set_size_inches(PAGE_IN, 3.0)
    axes.set_title("")
    axes.set_xticks(axes.get_xticks(), names, rotation=0)
    axes.tick_params(axis="x", length=0, pad=8)
    figure.axes[1].remove()  # a colour bar of ranks beyond the front
    colours = [FRONT_COLOUR if best else OTHERS_COLOUR for best in sorted(on_front)]
    axes.collections[0].set(array=None, color=colours, linewidth=0.8)
    for scale in figure.axes:
        if scale.get_yscale() == "log":
            ticks = _ticks(*scale.get_ylim())
            scale.set_yticks(ticks, [f"{tick:.3g}" for tick in ticks])
        scale.minorticks_off()
        for label in scale.get_yticklabels():
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5})
    entries = {"on the front": FRONT_COLOUR, "others": OTHERS_COLOUR}
    handles = [Line2D([], [], color=colour, label=label) for label, colour in entries.items()]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1.03), ncols=2)
    return figure


@mpl.rc_context(STYLE)
def draw_importance(trials: Trials) -> Figure:
    """How much of each objective's variance a parameter explains (fANOVA)."""
    table = trials.importance
    table = table.assign(**{key: table[key].map(_name) for key in ("parameter", "objective")})
    figure = Figure(figsize=(COLUMN_IN, 0.8 + 0.12 * len(table)), layout="constrained")
    axes = figure.subplots()
    axes.set_axisbelow(True)
    sns.barplot(table, y="parameter", x="share", hue="objective", palette="viridis", ax=axes)
    axes.set(xlabel="share of the variance (fANOVA)", ylabel="", xlim=(0, 1))
    sns.move_legend(axes, "lower right", title="")
    return figure


FIGURES: dict[str, Callable[[Trials], Figure]] = {
    "search-front": draw_front,
    "search-history": draw_history,
    "search-parallel": draw_parallel,
    "search-importance": draw_importance,
}


def _scatter(axes: Axes, done: pd.DataFrame, x: str, y: str, search: Search) -> None:
    """Trials by two columns: colour shows beta, the filling the conditioning, where these vary.

    Trials whose objective has no beta are grey.
    """
    for row in done.to_dict("records"):
        colour = encodings.beta_colour(row["beta"] if "beta" in search.space else np.nan)
        kind = str(row["conditioning"]) if "conditioning" in search.space else "label"
        axes.plot(row[x], row[y], "o", ms=4, mew=0.8, gid="trial",
                  **encodings.filling(kind, colour))  # fmt: skip


def _beta_scale(betas: pd.Series) -> ScalarMappable:
    """The colours of betas, for a colour bar."""
    low, high = float(betas.min()), float(betas.max()) * 1.0001
    steps = np.geomspace(low, high, 256)
    colours = ListedColormap([encodings.beta_colour(beta) for beta in steps])
    return ScalarMappable(LogNorm(low, high), colours)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers of a logarithmic scale, three a decade; its ends where less than two fit."""
    round_numbers = [float(f"{digit}e{power}") for power in range(-6, 7) for digit in (1, 2, 5)]
    ticks = [tick for tick in round_numbers if low <= tick <= high]
    return ticks if len(ticks) > 1 else sorted({low, high})


def _key(search: Search) -> list[Line2D]:
    label = "the front" if len(search.objectives) > 1 else "the best"
    look = {"color": FRONT_COLOUR, "marker": "o", "ms": 7, "mfc": "none"}
    kinds = search.space.get("conditioning", ["none"])
    return [
        encodings.legend_entry(**look, label=label),
        *encodings.conditioning_entries([str(kind) for kind in kinds]),
    ]


def _name(column: str) -> str:
    return NAMES.get(column, column.replace("_", " "))


def _label(column: str) -> str:
    return f"{_name(column)} ({UNITS[column]})" if column in UNITS else _name(column)
