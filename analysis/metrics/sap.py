"""The separated attribute predictability of Kumar et al."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.svm import LinearSVC

from .common.checks import (
    ACTIVE_VARIANCE,
    BoolArray,
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
from .common.votes import Split, split_images
from .mig import top_two_gap


class Sap(NamedTuple):
    score: float  # mean of gap, in [0, 1]; higher is better
    interval: Interval  # 95%, over resampled images, with the classifiers as they are
    saturated: bool
    gap: FloatArray  # (n_factors,)
    predictability: FloatArray  # (n_latents, n_factors): R^2 or, for categories, accuracy
    protocol: Protocol


def sap(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    discrete: Sequence[bool] | None = None,
    min_variance: float = ACTIVE_VARIANCE,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> Sap:
    """Per factor, how much better the best single latent predicts it than the second best.

    Args:
        codes: posterior means, (n_samples, n_latents).
        factors: integers, (n_samples, n_factors). The bins of a continuous quantity count as its
            values, in order.
        discrete: which factors are categories without order, such as the digit; none by default.
            Only these are classified (accuracy on a held-out third of the images); a binned
            quantity is not a category, and classifying its bins understates every latent.
        min_variance: latents whose codes vary by no more are dead and predict nothing.
        n_replicates: of the interval; 0 leaves it out.
        seed: of the split, the classifiers and the interval.

    Raises:
        ValueError: bad input; see `common.checks`.

    Source: Kumar et al. 2018, arXiv:1711.00848; LinearSVC(C=0.01, balanced) of Locatello et al.
    2019, who measure accuracy as we do and R^2 as squared correlation.
    """
    codes, factors, active = check_input(codes, factors, min_variance=min_variance)
    flags = check_discrete(discrete, factors.shape[1])
    rng = np.random.default_rng(seed)
    split = split_images(len(codes), rng)
    predictability = np.zeros((codes.shape[1], factors.shape[1]))
    ordered = factors[:, ~flags].astype(np.float64)
    predictability[np.ix_(active, ~flags)] = _squared_correlation(codes[:, active], ordered)
    right = _classified(codes[:, active], factors[:, flags], split, seed)
    predictability[np.ix_(active, flags)] = right.mean(axis=0)
    gap = top_two_gap(predictability.T)
    score = float(gap.mean())
    replicates = np.zeros((1, 1))
    if not n_replicates:
        replicates = np.zeros((0, 1))
    elif active.size:
        plans = [resampling(n, rng, n_replicates) for n in (len(codes), len(split.held_out))]
        replicates = _replicates(codes[:, active], ordered, right, *plans)
    settings = protocol(
        "sap",
        "scikit-learn",
        discrete=flags.tolist(),
        continuous_predictor="squared Pearson correlation",
        discrete_predictor="LinearSVC(C=0.01, class_weight='balanced', dual=False)",
        n_images=len(codes),
        **split.sizes,
        scaling="none",
        pruning=pruning(min_variance),
        interval="images",
        seed=seed,
    )
    of_images = head(score, centred_interval(replicates.mean(axis=1), score))
    return Sap(*of_images, gap, predictability, settings)


SAP = Metric(name="sap", label="SAP", function=sap, floor={"n_replicates": 0})


def _squared_correlation(codes: FloatArray, values: FloatArray) -> FloatArray:
    z = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    v = (values - values.mean(axis=0)) / values.std(axis=0)
    squared: FloatArray = np.minimum((z.T @ v / len(z)) ** 2, 1.0)  # rounding may pass 1
    return squared


def _classified(codes: FloatArray, factors: IntArray, split: Split, seed: int) -> BoolArray:
    """Held-out images that one latent classifies rightly, (n_eval, n_latents, n_factors).

    dual=False solves the same problem as the dual, faster here and without its random order.
    """
    train, held_out = split
    right = np.empty((len(held_out), codes.shape[1], factors.shape[1]), bool)
    for k in range(factors.shape[1]):
        for j in range(codes.shape[1]):
            model = LinearSVC(C=0.01, class_weight="balanced", dual=False, random_state=seed)
            model.fit(codes[train, j : j + 1], factors[train, k])
            right[:, j, k] = model.predict(codes[held_out, j : j + 1]) == factors[held_out, k]
    return right


def _replicates(
    codes: FloatArray, ordered: FloatArray, right: BoolArray, plan: Resampling, held_out: Resampling
) -> FloatArray:
    """Gaps of the ordered and then the discrete factors, (n_replicates, n_factors)."""
    parts = []
    if ordered.shape[1]:
        correlations = correlation_replicates(codes, ordered, plan)
        parts.append(np.stack([top_two_gap(r.T**2) for r in correlations]))
    if right.shape[2]:
        sums = np.stack([right[i].sum(axis=0) for i in held_out.blocks]).astype(np.float64)
        sizes = np.array([len(i) for i in held_out.blocks], np.float64)
        totals = np.tensordot(held_out.weights, sums, axes=1)
        accuracies = totals / (held_out.weights @ sizes)[:, None, None]
        parts.append(top_two_gap(accuracies.swapaxes(1, 2)))
    return np.concatenate(parts, axis=1)
