"""Figures of a search: table -> figure; computes nothing."""

from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.style import STYLE, save_figure
from analysis.metrics import LABELS
from analysis.statistics.front import complete, history, importance, search_of
from analysis.statistics.objectives import DIRECTIONS
from analysis.study import Study
from study.config.search import Search

PANEL_IN = 3.0
MAX_PANELS = 6
UNITS = {"neg_elbo": "nats", "objective": "nats", "recon": "nats", "elbo": "nats", "iwae": "nats"}
NAMES = {
    "latent_dim": "J",
    "beta": "β",
    "kl_warmup_epochs": "KL warm-up",
    "neg_elbo": "negative ELBO",
    "elbo": "ELBO",
    "recon": "reconstruction",
    "iwae": "IWAE",
    "hypervolume": "hypervolume so far",
    **LABELS,
}
MARKS = {"none": "o", "label": "s"}
FRONT_COLOUR = "#c23b22"


def save_search(study: Study) -> int:
    """Draw the figures that a search has trials for; returns how many."""
    search = search_of(study.folder)
    done = complete(study.search)
    if len(done) < 2:
        return 0
    figures = {
        "search-front": draw_front(done, study.front, search),
        "search-history": draw_history(history(study.search, search.objectives)),
        "search-parallel": draw_parallel(done, study.front, search),
    }
    shares = importance(study.search, search)
    if len(shares):
        figures["search-importance"] = draw_importance(shares)
    for name, figure in figures.items():
        save_figure(figure, study.folder, name)
    return len(figures)


def draw_front(done: pd.DataFrame, front: pd.DataFrame, search: Search) -> Figure:
    """Every trial, and the front in red; a panel a pair of objectives."""
    names = search.objectives if len(search.objectives) > 1 else ["trial", *search.objectives]
    pairs = list(combinations(names, 2))[:MAX_PANELS]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(PANEL_IN * len(pairs) + 0.9, 2.8), layout="constrained")
        panels = figure.subplots(1, len(pairs), squeeze=False)[0]
        for axes, (x, y) in zip(panels, pairs, strict=True):
            points = _scatter(axes, done, x, y, search)
            ordered = front.sort_values(x)
            line = "-" if len(search.objectives) == 2 else "none"
            steps = "steps-pre" if DIRECTIONS.get(x) == "maximize" else "steps-post"
            look = {"color": FRONT_COLOUR, "drawstyle": steps, "zorder": 3}
            axes.plot(ordered[x], ordered[y], ls=line, marker="o", ms=9, mfc="none", **look)
            axes.set(xlabel=_label(x), ylabel=_label(y))
        if "beta" in search.space:
            bar = figure.colorbar(points, ax=list(panels), label="β", pad=0.02)
            ticks = _ticks(done["beta"])
            bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
            bar.minorticks_off()
            bar.outline.set_visible(False)
        figure.legend(handles=_key(search), loc="outside upper left", ncols=3)
    return figure


def draw_history(table: pd.DataFrame) -> Figure:
    """Values by trial, and the best so far as a line; a panel an objective."""
    names = list(table["objective"].unique())
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.6 * len(names), 2.4), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            rows = table[table["objective"] == name]
            if name != "hypervolume":
                axes.plot(rows["trial"], rows["value"], "o", color="0.6", markersize=3)
            axes.step(rows["trial"], rows["best"], where="post", color=FRONT_COLOUR)
            axes.set(xlabel="trial", title=_label(name))
    return figure


def draw_importance(table: pd.DataFrame) -> Figure:
    """How much of each objective's variance a parameter explains (fANOVA)."""
    shown = table.assign(**{key: table[key].map(_name) for key in ("parameter", "objective")})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 0.8 + 0.12 * len(shown)), layout="constrained")
        axes = figure.subplots()
        axes.set_axisbelow(True)
        sns.barplot(shown, y="parameter", x="share", hue="objective", palette="viridis", ax=axes)
        axes.set(xlabel="share of the variance (fANOVA)", ylabel="", xlim=(0, 1))
        sns.move_legend(axes, "lower right", title="")
    return figure


def draw_parallel(done: pd.DataFrame, front: pd.DataFrame, search: Search) -> Figure:
    """A line a trial through its parameters and values; those of the front in red."""
    columns = [*search.space, *search.objectives]
    on_front = done["run"].isin(front["run"]).to_numpy()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.15 * len(columns) + 0.6, 3.0), layout="constrained")
        axes = figure.subplots()
        heights = np.stack([_height(axes, i, done, search) for i, _ in enumerate(columns)])
        places = np.arange(len(columns))
        axes.plot(places, heights[:, ~on_front], color="0.75", linewidth=0.6)
        axes.plot(places, heights[:, on_front], color=FRONT_COLOUR, linewidth=1.1)
        axes.set_xticks(places, [_label(name).replace(" (", "\n(") for name in columns])
        axes.tick_params(length=0)
        axes.set(yticks=[], ylim=(-0.06, 1.06), xlim=(-0.3, len(columns) - 0.5))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        key = [Line2D([], [], color=FRONT_COLOUR, label="on the front"), Line2D([], [], color="0.75", label="others")]  # fmt: skip  # noqa: E501
        figure.legend(handles=key, loc="outside upper left", ncols=2)
    return figure


def _scatter(axes: Axes, done: pd.DataFrame, x: str, y: str, search: Search) -> PathCollection:
    """Trials by two columns: colour tells beta, the mark the conditioning, where these vary."""
    look: dict[str, object] = {"s": 18, "linewidths": 0, "alpha": 0.9}
    if "beta" in search.space:
        betas = done["beta"]
        look |= {"cmap": "viridis", "norm": LogNorm(betas.min(), betas.max() * 1.0001)}
    alike = pd.Series("none", done.index)
    groups = done["conditioning"] if "conditioning" in search.space else alike
    axes.set_axisbelow(True)
    for kind, rows in done.groupby(groups):
        colour = {"c": rows["beta"]} if "beta" in search.space else {"color": "0.5"}
        drawn = axes.scatter(rows[x], rows[y], marker=MARKS[str(kind)], **colour, **look)  # type: ignore[arg-type]
    return drawn


def _ticks(betas: pd.Series) -> list[float]:
    """Round numbers within the betas, three a decade."""
    ticks = [float(f"{digit}e{power}") for power in range(-3, 4) for digit in (1, 2, 5)]
    return [tick for tick in ticks if betas.min() <= tick <= betas.max()]


def _key(search: Search) -> list[Line2D]:
    best = "the front" if len(search.objectives) > 1 else "the best"
    handles = [Line2D([], [], color=FRONT_COLOUR, marker="o", markersize=7, ls="", mfc="none", label=best)]  # fmt: skip  # noqa: E501
    if "conditioning" in search.space:
        words = {"none": "without labels", "label": "with labels"}
        handles += [
            Line2D([], [], color="0.4", marker=mark, ls="", markersize=4, label=words[kind])
            for kind, mark in MARKS.items()
        ]
    return handles


def _height(axes: Axes, place: int, done: pd.DataFrame, search: Search) -> np.ndarray:
    """Where each trial crosses one axis, 0 to 1; draws the axis and its ends."""
    name = [*search.space, *search.objectives][place]
    axis = search.space.get(name)
    if isinstance(axis, list):
        ticks = {str(value): index / max(1, len(axis) - 1) for index, value in enumerate(axis)}
        heights = done[name].map({value: ticks[str(value)] for value in axis}).to_numpy(dtype=float)
    else:
        values = done[name].to_numpy(dtype=float)
        ends = (axis.low, axis.high) if axis else (values.min(), values.max())
        low, high = map(float, ends)
        scale = np.log if axis and axis.log else np.asarray
        heights = (scale(values) - scale(low)) / max(scale(high) - scale(low), 1e-12)
        ticks = {f"{low:.4g}": 0.0, f"{high:.4g}": 1.0}
    axes.plot([place, place], [0, 1], color="0.3", linewidth=0.8)
    paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
    where = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
    for text, height in ticks.items():
        axes.annotate(text, (place, height), fontsize=7, bbox=paper, **where)  # type: ignore[arg-type]
    return heights


def _name(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


def _label(name: str) -> str:
    return f"{_name(name)} ({UNITS[name]})" if name in UNITS else _name(name)
