"""What a few seeds say of a statement: of a mean within bounds, or of most runs."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from analysis.statistics.intervals import Estimate, mean_interval

HOLDS, FAILS, OPEN = "holds", "does not hold", "open"
LEVEL = 0.05  # of each of the two one-sided tests
SURE = 0.95  # posterior probability that decides


class Mean(NamedTuple):
    """A mean over seeds against its bounds."""

    estimate: Estimate  # 90% interval
    verdict: str


class Majority(NamedTuple):
    """A statement that each seed passes or fails."""

    k: int  # seeds that pass
    n: int
    posterior: float  # probability that it is true of most runs
    verdict: str


def mean_within(values: Sequence[float], low: float, high: float) -> Mean:
    """Whether a mean lies within bounds, by two one-sided t tests at 5%.

    It does where its 90% interval lies between the bounds (equivalence; superiority where one of
    them is infinite), does not where the interval lies beyond one of them, and is open otherwise,
    as it is with one seed.

    Args:
        values: one a seed, at least one.
        low, high: bounds, either may be infinite.

    Source: Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657.
    """
    one = mean_interval(values, 1 - 2 * LEVEL)
    if one.low > low and one.high < high:
        return Mean(one, HOLDS)
    return Mean(one, FAILS if one.high <= low or one.low >= high else OPEN)


def of_most(passes: Iterable[bool]) -> Majority:
    """Whether a statement is true of most runs, from the seeds that pass.

    The share of runs that pass has a flat prior, so its posterior is Beta(1 + k, 1 + n - k). The
    statement holds where the share exceeds one half with a probability above 95%, does not where
    that is below 5%, and is open between: three seeds decide nothing, of four all must agree.
    """
    given = np.fromiter(passes, dtype=bool)
    k, n = int(given.sum()), len(given)
    posterior = float(beta.sf(0.5, 1 + k, 1 + n - k))
    verdict = HOLDS if posterior > SURE else FAILS if posterior < 1 - SURE else OPEN
    return Majority(k, n, posterior, verdict)
