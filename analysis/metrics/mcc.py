"""The mean correlation coefficient after matching latents to factors."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from .common.checks import (
    ACTIVE_VARIANCE,
    FloatArray,
    IntArray,
    Interval,
    check_discrete,
    check_input,
    pruning,
)
from .common.metric import Metric
from .common.resample import (
    N_REPLICATES,
    Resampling,
    centred_interval,
    correlation_replicates,
    resampling,
)
from .common.result import Protocol, head, protocol


class Mcc(NamedTuple):
    score: float  # mean |rho| of the matched pairs, in [0, 1]; higher is better
    interval: Interval  # 95%, over resampled scoring images, with the matching as it is
    saturated: bool
    correlation: FloatArray  # (n_factors,), signed rho with the matched latent; NaN if discrete
    latent: IntArray  # (n_factors,), the matched latent; -1 where there is none
    protocol: Protocol


def mcc(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    discrete: Sequence[bool] | None = None,
    min_variance: float = ACTIVE_VARIANCE,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> Mcc:
    """Mean |Spearman rho| between factors and the latents matched to them, one latent a factor.

    Latents are matched on one random half of the images and scored on the other, since the best of
    many correlations flatters itself. A factor left without a active latent scores 0.

    Args:
        codes: posterior means, (n_samples, n_latents).
        factors: integers, (n_samples, n_factors), in a meaningful order.
        discrete: which factors are categories without order; they are left out.
        min_variance: latents whose codes vary by no more are dead and are not matched.
        n_replicates: of the interval; 0 leaves it out.
        seed: of the halves and the interval.

    Raises:
        ValueError: bad input (see `common.checks`), or no factor with an order.

    Source: Hyvarinen & Morioka 2016, arXiv:1605.06336; the halves guard against overfitting.
    """
    codes, factors, active = check_input(codes, factors, min_variance=min_variance)
    ordered = np.flatnonzero(~check_discrete(discrete, factors.shape[1]))
    if ordered.size == 0:
        raise ValueError("every factor is discrete: MCC needs one with an order; leave MCC out")
    rng = np.random.default_rng(seed)
    match, score_on = np.array_split(rng.permutation(len(codes)), 2)
    for half in (match, score_on):
        active = active[np.ptp(codes[half][:, active], axis=0) > 0]
    strength = abs(spearman(codes[np.ix_(match, active)], factors[np.ix_(match, ordered)]))
    rows, columns = linear_sum_assignment(strength, maximize=True)
    latents, matched = active[rows], ordered[columns]
    latent = np.full(factors.shape[1], -1)
    latent[matched] = latents
    x, y = codes[np.ix_(score_on, latents)], factors[np.ix_(score_on, matched)]
    correlation = np.full(factors.shape[1], np.nan)
    correlation[ordered] = 0.0
    correlation[matched] = np.diag(spearman(x, y))
    plan = resampling(len(x), rng, n_replicates)
    replicates = _replicates(x, y, plan) / ordered.size
    score = float(abs(correlation[ordered]).mean())
    settings = protocol(
        "mcc",
        "scipy",
        correlation="Spearman",
        matching="Hungarian, on the first half",
        left_out=np.setdiff1d(np.arange(factors.shape[1]), ordered).tolist(),
        n_match_images=len(match),
        n_score_images=len(score_on),
        scaling="ranks",
        pruning=pruning(min_variance),
        interval="scoring images",
        seed=seed,
    )
    of_images = head(score, centred_interval(replicates, score))
    return Mcc(*of_images, correlation, latent, settings)


MCC = Metric(name="mcc", label="MCC", function=mcc, floor={"n_replicates": 0})


def _replicates(x: FloatArray, y: IntArray, plan: Resampling) -> FloatArray:
    """Sums of |rho| over the matched columns of x and y, of resampled images."""
    if not x.shape[1] or not len(plan.weights):
        return np.zeros(len(plan.weights))
    drawn = correlation_replicates(rankdata(x, axis=0), rankdata(y, axis=0), plan)
    return np.array([abs(np.diag(r)).sum() for r in drawn])


def spearman(x: npt.ArrayLike, y: npt.ArrayLike) -> FloatArray:
    """Rank correlations of x's columns with y's, (n_x, n_y); no column may be constant."""
    ranks = []
    for values in (x, y):
        rank = rankdata(values, axis=0)
        ranks.append((rank - rank.mean(axis=0)) / rank.std(axis=0))
    correlation: FloatArray = ranks[0].T @ ranks[1] / len(ranks[0])
    return correlation
