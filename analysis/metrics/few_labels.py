"""How well factors are read from codes that a hundred images with known factors explain.

Not a score of disentanglement, but of one use of it: where each factor has a code of its own,
trees, which split one code at a time, need few examples.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge

from .common.checks import ACTIVE_VARIANCE, FloatArray, Interval, check_input, pruning
from .common.metric import Metric
from .common.resample import N_REPLICATES, centred_interval, resampling
from .common.result import Protocol, head, protocol

N_LABELS = 100
MOST_HELD_OUT = 5_000
REGRESSORS = {
    "trees": partial(ExtraTreesRegressor, n_estimators=50, min_samples_leaf=2),
    "linear": partial(Ridge, alpha=1.0),
}


class FewLabels(NamedTuple):
    score: float  # mean of r2, none below 0; in [0, 1], higher is better
    interval: Interval  # 95%, over resampled held-out images, with the regression as it is
    saturated: bool
    r2: FloatArray  # (n_factors,), of held-out images; below 0 where the mean would be nearer
    protocol: Protocol


def few_labels(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    regressor: str = "trees",
    n_labels: int = N_LABELS,
    min_variance: float = ACTIVE_VARIANCE,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> FewLabels:
    """R^2 of a regression of factors on codes that has seen `n_labels` images, mean over factors.

    Args:
        codes: posterior means, (n_samples, n_latents).
        factors: integers, (n_samples, n_factors), in a meaningful order.
        regressor: "trees" (extremely randomised trees), which split one latent at a time, or
            "linear" (ridge regression), which does not see a rotation of the codes.
        n_labels: images to learn from, drawn at random; at most half of all.
        min_variance: latents whose codes vary by no more are dead and left out; the others get unit
            variance.
        n_replicates: of the interval; 0 leaves it out.
        seed: of the drawing, the trees and the interval.

    Raises:
        ValueError: bad input (see `common.checks`), or no such regressor.

    Source: the sample efficiency of Locatello et al. 2019, arXiv:1811.12359, section 5.5, with a
    regression of ordered factors for their classification.
    """
    if regressor not in REGRESSORS:
        raise ValueError(f"regressor must be one of {sorted(REGRESSORS)}, got {regressor!r}")
    codes, factors, active = check_input(codes, factors, min_variance=min_variance)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(codes))
    n_seen = min(n_labels, len(codes) // 2)
    seen, held_out = order[:n_seen], order[n_seen : n_seen + MOST_HELD_OUT]
    target = factors / factors.std(axis=0)
    read = np.broadcast_to(target[seen].mean(axis=0), target[held_out].shape)
    if active.size:
        used = codes[:, active] / codes[:, active].std(axis=0)
        of_trees = {"random_state": seed} if regressor == "trees" else {}
        model = REGRESSORS[regressor](**of_trees).fit(used[seen], target[seen])
        read = model.predict(used[held_out]).reshape(read.shape)
    error = (target[held_out] - read) ** 2
    spread = (target[held_out] - target[held_out].mean(axis=0)) ** 2
    plan = resampling(len(held_out), rng, n_replicates)
    blocks = np.stack([np.stack([error[i].sum(0), spread[i].sum(0)]) for i in plan.blocks])
    replicates = _r2(np.tensordot(plan.weights, blocks, axes=1)).clip(0).mean(axis=1)
    r2 = _r2(blocks.sum(axis=0)[None])[0]
    score = float(r2.clip(0).mean())
    settings = protocol(
        "few_labels",
        "scikit-learn",
        regressor=regressor,
        n_labels=n_seen,
        n_eval_images=len(held_out),
        scaling="unit variance",
        pruning=pruning(min_variance),
        interval="held-out images",
        seed=seed,
    )
    return FewLabels(*head(score, centred_interval(replicates, score)), r2, settings)


FEW_LABELS = Metric(
    name="few_labels",
    label="read from 100 labels",
    function=few_labels,
    n_repeats=5,
    floor={"n_replicates": 0},
    ranks=False,
    on_pixels=False,
)
FEW_LABELS_LINEAR = FEW_LABELS._replace(
    name="few_labels_linear",
    label="read from 100 labels, linearly",
    settings={"regressor": "linear"},
)


def _r2(sums: FloatArray) -> FloatArray:
    """R^2, (n, n_factors), of sums of squared errors and deviations, (n, 2, n_factors)."""
    r2: FloatArray = 1 - sums[:, 0] / np.maximum(sums[:, 1], 1e-12)
    return r2
