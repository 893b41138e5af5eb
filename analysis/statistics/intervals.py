"""Values with 95% intervals: Student's t, large samples, and a bootstrap over groups."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata
from scipy.stats import t as student_t

N_DRAWS = 4_000


class Estimate(NamedTuple):
    """A figure; the ends are NaN where it has no interval."""

    value: float
    low: float  # 95% interval
    high: float


def mean_interval(
    values: Iterable[float],
    confidence: float = 0.95,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Mean and its interval by Student's t, cut at what values can be; one value has none."""
    given = np.asarray(list(values), dtype=np.float64)
    if len(given) < 2:
        return Estimate(float(given.mean()), np.nan, np.nan)
    error = given.std(ddof=1) / len(given) ** 0.5
    mean, low, high = _around(given, student_t.ppf((1 + confidence) / 2, len(given) - 1) * error)
    return Estimate(mean, max(low, within[0]), min(high, within[1]))


def interval_of_one(values: Sequence[float]) -> Estimate:
    """Mean of a few draws, and the interval of a single one, by Student's t."""
    drawn = np.asarray(values, dtype=np.float64)
    return _around(drawn, student_t.ppf(0.975, len(drawn) - 1) * drawn.std(ddof=1))


def large_sample_interval(values: npt.NDArray[np.float64]) -> Estimate:
    """Mean of many values, (n,), -+ 1.96 standard errors."""
    return _around(values, 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5)


def _around(values: npt.NDArray[np.float64], half: float) -> Estimate:
    mean = float(values.mean())
    return Estimate(mean, float(mean - half), float(mean + half))


def over_seeds(
    values: Sequence[Estimate], within: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """Mean over seeds and its interval by `mean_interval`; one seed keeps its own interval.

    Wide where seeds are few, as it must be: a bootstrap of three seeds covers 81%. How exactly each
    seed was measured is part of how seeds differ.
    """
    if len(values) == 1:
        return values[0]
    return mean_interval([one.value for one in values], within=within)


def rank_correlation(
    x: pd.Series,
    y: pd.Series,
    groups: pd.Series,
    given: pd.Series | pd.DataFrame | None = None,
    seed: int = 0,
) -> Estimate:
    """Spearman's rho, or the partial one with others held, and its bootstrap interval.

    Args:
        x, y: paired.
        groups: of each pair; whole groups are drawn, since seeds of one configuration are alike.
        given: what is held, if anything; a column each.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    rows = np.column_stack([x, y] if given is None else [x, y, given])
    members = [rows[places] for places in groups.groupby(groups.to_numpy()).indices.values()]
    draws = rng.integers(len(members), size=(N_DRAWS, len(members)))
    rhos = [_rho(np.concatenate([members[number] for number in draw])) for draw in draws]
    known = [rho for rho in rhos if np.isfinite(rho)]
    low, high = np.percentile(known, (2.5, 97.5)) if known else (np.nan, np.nan)
    return Estimate(_rho(rows), float(low), float(high))


def _rho(rows: npt.NDArray[np.float64]) -> float:
    """Spearman's rho of the first two columns with the others held; NaN where it is undefined."""
    ranks = rankdata(rows, axis=0)
    ranks -= ranks.mean(axis=0)
    products = ranks.T @ ranks
    scale = np.sqrt(np.diag(products))
    if (scale == 0).any():
        return np.nan
    r = products / np.outer(scale, scale)
    for _ in range(len(r) - 2):  # hold the last column, and leave it out
        rest = 1 - r[:-1, -1] ** 2
        if (rest < 1e-12).any():
            return np.nan
        r = (r[:-1, :-1] - np.outer(r[:-1, -1], r[:-1, -1])) / np.sqrt(np.outer(rest, rest))
    return float(r[0, 1])
