"""Values with 95% intervals: Student's t, large samples, and bootstraps over seeds and groups."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr
from scipy.stats import t as student_t

N_DRAWS = 4_000


class Estimate(NamedTuple):
    """A figure; the ends are NaN where it has no interval."""

    value: float
    low: float  # 95% interval
    high: float


def mean_interval(values: Iterable[float]) -> Estimate:
    """Mean and its interval by Student's t; one value has no interval."""
    given = np.asarray(list(values), dtype=np.float64)
    if len(given) < 2:
        return Estimate(float(given.mean()), np.nan, np.nan)
    half = student_t.ppf(0.975, len(given) - 1) * given.std(ddof=1) / len(given) ** 0.5
    return _around(given, half)


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


def over_seeds(values: Sequence[Estimate], seed: int = 0) -> Estimate:
    """Mean over seeds: the interval of the one seed, or a bootstrap in two stages.

    Seeds are drawn with replacement, their distances from the mean stretched by sqrt(n / (n - 1))
    since a few seeds understate their own spread, and each drawn seed brings noise as wide as its
    own interval.
    """
    if len(values) == 1:
        return values[0]
    rng = np.random.default_rng(seed)
    value, low, high = np.array(values, dtype=np.float64).T
    spread = np.maximum(value - low, high - value) / 1.96  # the wider side: one may be cut at 0, 1
    mean, n = value.mean(), len(value)
    drawn = rng.integers(n, size=(N_DRAWS, n))
    apart = (value - mean)[drawn] * np.sqrt(n / (n - 1))
    means = mean + (apart + spread[drawn] * rng.normal(size=drawn.shape)).mean(axis=1)
    ends = np.clip(np.percentile(means, (2.5, 97.5)), min(low.min(), 0.0), max(high.max(), 1.0))
    return Estimate(float(mean), float(ends[0]), float(ends[1]))


def rank_correlation(x: pd.Series, y: pd.Series, groups: pd.Series, seed: int = 0) -> Estimate:
    """Spearman's rho and its bootstrap interval.

    Args:
        x, y: paired.
        groups: of each pair; whole groups are drawn, since seeds of one configuration are alike.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    pairs = np.column_stack([x, y])
    members = [pairs[places] for places in groups.groupby(groups.to_numpy()).indices.values()]
    draws = rng.integers(len(members), size=(N_DRAWS, len(members)))
    samples = (np.concatenate([members[number] for number in draw]) for draw in draws)
    rhos = [spearmanr(sample).statistic for sample in samples if np.ptp(sample, axis=0).all()]
    low, high = np.percentile(rhos, (2.5, 97.5)) if rhos else (np.nan, np.nan)
    return Estimate(float(spearmanr(pairs).statistic), float(low), float(high))
