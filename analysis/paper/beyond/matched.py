"""Kinds of models compared at equal weight, at equal rate and at equal reconstruction.

A comparison is a difference a seed; what it amounts to is judged over seeds.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.statistics.comparisons import MARGIN
from analysis.statistics.intervals import Estimate, mean_interval

N_PLACES = 5  # of the rate or the reconstruction error at which two kinds are compared
LEAST_OVERLAP = 1.0  # nats; ranges that share less are not compared
BETTER, WORSE, SAME, UNDECIDED = "better", "worse", "no difference that matters", "not decided"
Floats = npt.NDArray[np.float64]


class Matched(NamedTuple):
    """One kind minus another."""

    differences: "pd.Series[float]"  # by seed; seeds that cannot be compared are left out
    farthest: float  # nats between a place of comparison and the nearest run; NaN at equal beta


def at_equal_beta(runs: pd.DataFrame, one: str, other: str, score: str = "score") -> Matched:
    """Mean difference over the betas that both kinds have, of seeds that have them all.

    Args:
        runs: as `kinds.runs_of` gives them.
        one, other: kinds; the difference is one minus other.
        score: column that is compared.
    """
    mine, yours = (
        runs[runs["kind"] == kind].pivot_table(index="beta", columns="seed", values=score)
        for kind in (one, other)
    )
    apart = (mine - yours).dropna(how="all")
    if apart.empty:
        return Matched(pd.Series(dtype=float), np.nan)
    return Matched(apart.dropna(axis="columns").mean(), np.nan)


def at_equal(
    runs: pd.DataFrame, one: str, other: str, column: str, score: str = "score"
) -> Matched:
    """Mean difference at places evenly spaced over what both kinds cover of a column.

    A kind's score between two of its runs of a seed is a straight line.

    Args:
        runs, one, other, score: as for `at_equal_beta`.
        column: kl or recon, in nats.
    """
    differences, farthest = {}, 0.0
    for seed, part in runs.groupby("seed"):
        curves = [_curve(part[part["kind"] == kind], column, score) for kind in (one, other)]
        if any(len(x) < 2 for x, _ in curves):
            continue
        low = max(x[0] for x, _ in curves)
        high = min(x[-1] for x, _ in curves)
        if high - low < LEAST_OVERLAP:
            continue
        places = np.linspace(low, high, N_PLACES)
        read = [np.interp(places, *curve) for curve in curves]
        differences[seed] = float((read[0] - read[1]).mean())
        for x, _ in curves:
            farthest = max(farthest, float(abs(places[:, None] - x).min(axis=1).max()))
    series = pd.Series(differences, dtype=float).rename_axis("seed")
    return Matched(series, farthest if len(series) else np.nan)


def against_a_curve(
    runs: pd.DataFrame, one: str, other: str, column: str, score: str = "score"
) -> tuple[Matched, int]:
    """Mean difference between each run of a kind and another kind's line at the same place.

    Returns:
        The differences, of seeds that have any; and how many runs lie beyond the line's ends and
        are left out.
    """
    differences, farthest, beyond = {}, 0.0, 0
    for seed, part in runs.groupby("seed"):
        x, y = _curve(part[part["kind"] == other], column, score)
        mine = part[part["kind"] == one]
        if len(x) < 2:
            continue
        inside = mine[mine[column].between(x[0], x[-1])]
        beyond += len(mine) - len(inside)
        if inside.empty:
            continue
        places = inside[column].to_numpy(np.float64)
        differences[seed] = float((inside[score] - np.interp(places, x, y)).mean())
        farthest = max(farthest, float(abs(places[:, None] - x).min(axis=1).max()))
    series = pd.Series(differences, dtype=float).rename_axis("seed")
    return Matched(series, farthest if len(series) else np.nan), beyond


def judged(differences: Iterable[float], n_comparisons: int) -> tuple[Estimate, str]:
    """Mean with the interval of one of several comparisons, all at once at 95%, and the answer."""
    values = list(differences)
    if not values:
        return Estimate(np.nan, np.nan, np.nan), UNDECIDED
    estimate = mean_interval(values, 1 - 0.05 / n_comparisons)
    if estimate.low > 0 and estimate.value >= MARGIN:
        return estimate, BETTER
    if estimate.high < 0 and estimate.value <= -MARGIN:
        return estimate, WORSE
    if estimate.low > -MARGIN and estimate.high < MARGIN:
        return estimate, SAME
    return estimate, UNDECIDED


def _curve(part: pd.DataFrame, column: str, score: str) -> tuple[Floats, Floats]:
    ordered = part[[column, score]].dropna().sort_values(column).to_numpy(np.float64)
    return ordered[:, 0], ordered[:, 1]
