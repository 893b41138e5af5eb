"""Comparisons with the best: how far each configuration is from the best of the others.

The leader is chosen and judged on the same seeds, so an ordinary interval of its lead is too sure
of itself. These intervals are valid under that choice: all of them hold at once with at least 95%,
whichever configuration is truly the best.

Why: let b be the best in truth. With one-sided t tests of the k - 1 differences between b and each
of the others, at 5% / (k - 1) each (Bonferroni), all its bounds hold at once with 95%, whatever the
variances and however seeds correlate. b is not known, but it is among those that none of the others
surely beats; the lower ends below allow for each of these. "Behind" is what is surely no better
than the best of the others: of two that are exactly equal it may be said.

Source: Edwards & Hsu 1983, J. Am. Stat. Assoc. 78:965; Hsu 1984, Ann. Stat. 12:1136.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student_t

MARGIN = 0.05  # of a score: who may be no further behind is among the best
LEVEL = 0.05
AMONG, BEHIND, UNDECIDED = "among the best", "behind", "not decided"
Floats = npt.NDArray[np.float64]


def with_the_best(scores: pd.DataFrame, margin: float = MARGIN, span: float = 1.0) -> pd.DataFrame:
    """Every configuration against the best of the others.

    Args:
        scores: a row a configuration and a column a seed; NaN for a seed that is missing. Two
            configurations are compared on the seeds that both have; one with a single seed is
            compared with none.
        margin: how far behind the best one may be to count among them.
        span: how far apart two scores can be, which cuts the intervals.

    Returns:
        By configuration, in the order of `scores`: mean over its seeds; difference to the best of
        the others with simultaneous 95% ends difference_low (at most 0) and difference_high (at
        least 0), NaN where seeds are too few; verdict: "among the best" where the lower end is
        above -margin, else "behind" where the upper end is 0, else "not decided".
    """
    table = pd.DataFrame({"mean": scores.mean(axis=1)})
    compared = scores[scores.notna().sum(axis=1) > 1]
    if len(compared) < 2:
        nothing = dict.fromkeys(("difference", "difference_low", "difference_high"), np.nan)
        return table.assign(**nothing, verdict=UNDECIDED)
    apart, half = _pairs(compared.to_numpy(dtype=np.float64))
    low, high = _ends(apart, half)
    nearest = np.nan_to_num(apart, nan=np.inf).min(axis=1)
    ends = {"difference": nearest, "difference_low": low, "difference_high": high}
    against = pd.DataFrame(ends, index=compared.index).replace([np.inf, -np.inf], np.nan)
    against = against.clip(-span, span)
    against["verdict"] = np.select([low > -margin, high <= 0], [AMONG, BEHIND], UNDECIDED)
    table = table.join(against)
    return table.assign(verdict=table["verdict"].fillna(UNDECIDED))


def _pairs(values: Floats) -> tuple[Floats, Floats]:
    """Mean differences, row minus column, and their one-sided half widths; (k, k) each.

    The diagonal and pairs without a seed in common are NaN; with one in common the width is
    infinite.
    """
    k = len(values)
    differences = values[:, None] - values[None]
    n = np.isfinite(differences).sum(axis=2)
    np.fill_diagonal(n, 0)
    total = np.where(n > 0, np.nansum(differences, axis=2), np.nan)
    mean = total / np.maximum(n, 1)
    squares = np.nansum((differences - mean[:, :, None]) ** 2, axis=2)
    df = np.maximum(n - 1, 1)
    width = student_t.ppf(1 - LEVEL / max(k - 1, 1), df) * np.sqrt(squares / df / np.maximum(n, 1))
    return mean, np.where(n > 1, width, np.inf)


def _ends(apart: Floats, half: Floats) -> tuple[Floats, Floats]:
    """Simultaneous ends of each configuration's difference to the best of the others, (k,) each."""
    k = len(apart)
    others = ~np.eye(k, dtype=bool)
    upper = np.where(others & np.isfinite(half), apart + half, np.inf)
    most = upper.min(axis=1, initial=np.inf)
    lower = np.where(np.isfinite(half), apart - half, -np.inf)
    rivals = others & (most >= 0)[None]  # column j: nobody surely beats j
    low = np.where(rivals, lower, np.inf).min(axis=1, initial=np.inf)
    return np.minimum(low, 0), np.maximum(most, 0)
