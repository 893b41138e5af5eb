"""What a search found, with the one seed that found it and with several, beside a grid."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures import style
from analysis.metrics import HIGGINS_FEW, LABELS

HEIGHT_IN = 3.6
OF_GRID, OF_SEARCH, OF_FOUND = "0.6", "#e08214", "#542788"


@mpl.rc_context(style.STYLE)
def draw(grid: pd.DataFrame, trials: pd.DataFrame, found: pd.DataFrame) -> Figure:
    """Negative ELBO against the score: all, and what was found alone.

    There, a line leads from each trial to the mean of the seeds with which it was trained again.

    Args:
        grid: configuration, neg_elbo and score of every run, as `paper.beyond.search` gives them.
        trials: the same of the search. Those with a higher negative ELBO than the grid has are
            not drawn; the legend says how many.
        found: the same of what was found, configurations of the search with several seeds.
    """
    figure = Figure(figsize=(style.PAGE_IN, HEIGHT_IN), layout="constrained")
    whole, near = figure.subplots(1, 2, sharey=True)
    of_grid, of_found, of_trials = (_over_seeds(runs) for runs in (grid, found, trials))
    chosen = of_trials.reindex(of_found.index)
    inside = of_trials[of_trials["neg_elbo"] <= of_grid["neg_elbo"].max()]
    _bound(whole, of_grid, of_found, inside)
    _bound(near, of_found, chosen)
    outside = len(of_trials) - len(inside)
    more = f" ({outside} more further right)" if outside else ""
    for axes, shown, title in (
        (whole, inside, "grid and search"),
        (near, chosen, "what was found"),
    ):
        axes.scatter(
            shown["neg_elbo"], shown["score"], s=8, facecolors="none", edgecolors=OF_SEARCH,
            lw=0.6, zorder=3, label=f"trials of the search, one seed{more}",
        )  # fmt: skip
        axes.set(title=title, xlabel="−ELBO, joint with labels (nats per image)", ylim=(0, 1.02))
        style.begin_at_zero_or_mark(axes, "x")
    _mark(whole, of_grid, "configurations of the grid, mean of its seeds", OF_GRID, "o")
    near.plot(
        np.stack([chosen["neg_elbo"], of_found["neg_elbo"]]),
        np.stack([chosen["score"], of_found["score"]]),
        color=OF_SEARCH, lw=0.6, ls=":",
    )  # fmt: skip
    for axes in (whole, near):
        _mark(axes, of_found, "what was found, mean of several seeds", OF_FOUND, "P", axes is near)
    whole.set_ylabel(f"{LABELS[HIGGINS_FEW.name]}, within the digit")
    style.shared_legend(figure, [whole, near], columns=2)
    return figure


def _over_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a configuration: its means over seeds, and the lowest and the highest score."""
    groups = runs.groupby("configuration")
    ends = {"score_low": groups["score"].min(), "score_high": groups["score"].max()}
    return groups[["neg_elbo", "score"]].mean().assign(**ends)


def _bound(axes: Axes, *tables: pd.DataFrame) -> None:
    """Room for all marks of some tables."""
    x = pd.concat([table["neg_elbo"] for table in tables]).dropna()
    room = 0.05 * np.ptp(x)
    axes.set_xlim(x.min() - room, x.max() + room)


def _mark(
    axes: Axes, table: pd.DataFrame, label: str, colour: str, marker: str, bars: bool = True
) -> None:
    """Means over seeds; a bar from the lowest seed to the highest."""
    axes.errorbar(
        table["neg_elbo"], table["score"], yerr=style.error_bars(table, "score") if bars else None,
        color=colour, marker=marker, ms=3.5, ls="none", elinewidth=0.5, label=label,
    )  # fmt: skip
