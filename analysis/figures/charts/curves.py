"""Figures 3, 4, 6 and 7 of the paper: the objective and the share of its KL by epoch."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures import encodings, style
from analysis.figures.inputs import FigureInputs, Missing, StudyFigure
from analysis.statistics.elbo import reference, with_beta
from study.storage.axes import axes_in, made_alike, others_in_words, varied, with_axes

COSTS = "recon + β KL", "β KL"  # of objective beta, and of it the part beyond recon
SPLITS = {"train": "--", "test": "-"}
MOST_NAMED = 12  # lines in one figure; of more, the others are grey and have no name
OTHERS = "0.85"
METRICS = {"objective": "objective (nats per image)", "kl_fraction": "KL fraction of the objective"}


class Curves(NamedTuple):
    """A line a configuration and split."""

    title: str
    metric: str  # objective or kl_fraction
    table: pd.DataFrame  # series, split, epoch, mean, low, high, n_seeds
    configurations: pd.DataFrame  # series and its axes
    cost: str = "beta"  # what was minimised, as the configuration names it


class Series(NamedTuple):
    """The runs of one figure."""

    figure: str
    title: str  # J stands for the number of latents
    rows: str  # of the table of epochs: a query that may name J and the two betas
    names: Callable[[pd.DataFrame], pd.Series]  # of their lines; other axes that vary follow
    compared: str = ""  # the axis that it is about: one value of it is no figure


def over_seeds(epochs: pd.DataFrame, metric: str, series: pd.Series) -> pd.DataFrame:
    """Mean and range over seeds of a metric, by series, split and epoch.

    Args:
        epochs: a study's epochs table, or rows of it.
        metric: "objective", "kl_fraction" or another column that has a train and a test part.
        series: the name of each row's line, in the index of `epochs`.

    Returns:
        series, split, epoch, mean, low, high (the extremes over seeds), n_seeds; series in the
        order of their first row.
    """
    ordered = pd.Categorical(series, series.unique())
    lines = [
        epochs.assign(value=epochs[f"{split}_{metric}"], split=split, series=ordered)
        for split in SPLITS
    ]
    grouped = pd.concat(lines).groupby(["series", "split", "epoch"], observed=True)["value"]
    table = grouped.agg(mean="mean", low="min", high="max", n_seeds="count").reset_index()
    return table.astype({"series": str})


def curves(inputs: FigureInputs, series: Series, metric: str) -> Curves:
    """One panel.

    Where the study lacks the paper's J = 10 (or its betas 1 and 10, in figure 7), the nearest J
    (the smallest and the largest beta) stand in; the title says which.
    """
    trials = inputs.study.trials
    made = made_alike(trials)  # objectives, priors, ... have costs of their own
    made = made[with_beta(made)]
    epochs = inputs.study.epochs[inputs.study.epochs["run"].isin(made["run"])]
    if not epochs.empty:
        nearest = reference(epochs)
        places = {"J": nearest.latent_dim, "betas": nearest.betas}
        rows = with_axes(epochs.query(series.rows, local_dict=places), trials)
        if len(rows) and series.compared and rows[series.compared].nunique() < 2:
            raise Missing(f"its runs do not differ in {series.compared}")
        if len(rows):
            others = others_in_words(rows, varied(made))
            names = series.names(rows) + others.where(others == "", ", " + others)
            title = series.title.format(**places)
            cost = str(made.get("objective_kind", pd.Series("beta")).iloc[0])
            lines = rows.assign(series=names).drop_duplicates("series")
            lines = lines[["series", *axes_in(lines)]].reset_index(drop=True)
            return Curves(title, metric, over_seeds(rows, metric, names), lines, cost)
    raise Missing("no run of its series has finished an epoch")


@mpl.rc_context(style.STYLE)
def draw_curves(curves: Curves) -> Figure:
    """Train (dashed) and test (solid) by epoch; a band spans the seeds."""
    table, lines = curves.table, curves.configurations
    named, colours = _named(curves), _colours(lines)
    shapes = encodings.shapes_of(lines)
    figure = Figure(figsize=(style.COLUMN_IN, 2.7 + 0.06 * len(named)), layout="constrained")
    axes = figure.subplots()
    handles = []
    several = lines["conditioning"].nunique() > 1 or len(shapes.marker) > 1
    records = lines.to_dict("records")
    for row, colour, words in zip(records, colours, shapes.words, strict=True):
        part = table[table["series"] == row["series"]]
        if row["series"] not in named:
            _draw_line(axes, part, {"color": OTHERS, "lw": 0.6, "zorder": 1})
            continue
        mark = {"marker": shapes.marker[words], **encodings.filling(row["conditioning"], colour)}
        mark = mark if several else {"color": colour}
        _draw_line(axes, part, {**mark, "ms": 3.5})
        handles.append(Line2D([], [], **mark, ms=3.5, label=row["series"]))
    axes.set(title=curves.title, xlabel="epoch", ylabel=METRICS[curves.metric])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    style.begin_at_zero_or_mark(axes, "y")
    splits = [Line2D([], [], color="0.4", ls=ls, label=split) for split, ls in SPLITS.items()]
    figure.legend(handles=[*handles, *splits], loc="outside lower center", ncols=_columns(named))
    return figure


def _draw_line(axes: Axes, table: pd.DataFrame, look: dict[str, Any]) -> None:
    """The two lines of a configuration and their bands; marks stand on the line of the test set."""
    for split, dashes in SPLITS.items():
        line = table[table["split"] == split]
        mark = look if split == "test" else {**look, "marker": None}
        if len(line) == 1:
            mark = {"marker": "o", **look}
        axes.plot(line["epoch"], line["mean"], dashes, markevery=0.2, **mark)
        band = (line["epoch"], line["low"], line["high"])
        axes.fill_between(*band, color=look["color"], alpha=0.2, linewidth=0)


def _colours(lines: pd.DataFrame) -> list[str]:
    """By beta; where J alone varies, by that."""
    if lines["beta"].nunique() < 2 and lines["latent_dim"].nunique() > 1:
        return [encodings.latent_dim_colour(size) for size in lines["latent_dim"]]
    return [encodings.beta_colour(beta) for beta in lines["beta"]]


def _named(curves: Curves) -> list[str]:
    """The lines that have a colour: all of a few, and of many those that end lowest."""
    order = list(curves.configurations["series"])
    if len(order) <= MOST_NAMED:
        return order
    test = curves.table[curves.table["split"] == "test"]
    last = test.groupby("series")["mean"].last().sort_values(kind="stable")
    return [name for name in order if name in set(last.index[:MOST_NAMED])]


def _columns(named: list[str]) -> int:
    """Of the legend: as many as the longest name leaves room for."""
    return max(1, min(4, 52 // (6 + max(len(name) for name in [*named, "train"]))))


def caption(curves: Curves) -> str:
    table = curves.table
    last = table[(table["split"] == "test") & (table["epoch"] == table["epoch"].max())]
    last = last.dropna(subset="mean").sort_values("mean")
    cost, share = COSTS if curves.cost == "beta" else (curves.cost, "all terms except recon")
    what, figure = {
        "objective": (f"The training objective, {cost},", "{:.1f} nats"),
        "kl_fraction": (f"The share of {share} in the objective", "{:.1%}"),
    }[curves.metric]
    text = f"{what} by epoch: test solid, train dashed. {_seeds(table)}"
    n_others = len(curves.configurations) - len(_named(curves))
    if n_others:
        text += (
            f" Only the {MOST_NAMED} with the lowest final value have a name; the other"
            f" {n_others} are grey."
        )
    if curves.metric == "objective" and last["series"].str.contains("labels").any():
        text += " With labels it is for the image alone; the label would add ln(number of classes)."
    if last.empty:
        return text
    low, high = last.iloc[0], last.iloc[-1]
    text += f" At epoch {low['epoch']} it is {figure.format(low['mean'])} on the test set"
    if len(last) > 1:
        text += f" for {low['series']} and {figure.format(high['mean'])} for {high['series']}"
    return f"{text}."


def _seeds(table: pd.DataFrame) -> str:
    """How many seeds a line is of, and what its band is."""
    least, most = table["n_seeds"].min(), table["n_seeds"].max()
    if most == 1:
        return "One seed."
    seeds = f"{most} seeds" if least == most else f"{least} to {most} seeds"
    return f"Lines are means over {seeds}, and bands go from the lowest seed to the highest."


def title(curves: Curves) -> str:
    return f"{curves.title}: {curves.metric.replace('_', ' ').replace('kl', 'KL')}"


def _by_j(rows: pd.DataFrame) -> pd.Series:
    return "J = " + rows["latent_dim"].astype(str)


def _by_beta(rows: pd.DataFrame) -> pd.Series:
    return rows["beta"].map("β = {:g}".format)


def _by_beta_and_label(rows: pd.DataFrame) -> pd.Series:
    return _by_beta(rows) + rows["conditioning"].map({"none": "", "label": ", labels"})


def _figures(series: Series) -> list[StudyFigure]:
    """A panel a metric, as the paper has them."""
    return [
        StudyFigure(
            f"{series.figure}{letter}", "paper", title,
            partial(curves, series=series, metric=metric), draw_curves, caption,
        )
        for letter, metric in zip("ab", METRICS, strict=True)
    ]  # fmt: skip


AT_J = "latent_dim == @J and "
STANDARD = _figures(
    Series("figure-3", "Standard VAE (β = 1)", "conditioning == 'none' and beta == 1", _by_j)
)
BETA = _figures(Series("figure-4", "β-VAE, J = {J}", AT_J + "conditioning == 'none'", _by_beta))
CONDITIONAL = _figures(
    Series("figure-6", "Conditional β-VAE, J = {J}", AT_J + "conditioning == 'label'", _by_beta)
)
CONDITIONING = _figures(
    Series(
        "figure-7",
        "With and without labels, J = {J}",
        AT_J + "beta in @betas and conditioning != 'prior'",
        _by_beta_and_label,
        "conditioning",
    )
)
