"""A linear probe: what a linear classifier reads from codes."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from .common.checks import (
    MIN_STD,
    SATURATED,
    Interval,
    alive,
    check_codes,
    check_factors,
    class_indices,
)
from .common.metric import Metric
from .common.resample import accuracy_interval
from .common.result import Protocol, bounded, protocol
from .common.votes import split_images

_MAX_ITER = 1_000


class Probe(NamedTuple):
    score: float  # held-out accuracy; high means that the codes tell, which may not be wanted
    chance: float  # accuracy of always naming the commonest class
    interval: Interval  # 95%, over resampled held-out images, with the classifier as it is
    saturated: bool
    converged: bool
    protocol: Protocol


def probe(
    codes: npt.ArrayLike, classes: npt.ArrayLike, *, min_std: float = MIN_STD, seed: int = 0
) -> Probe:
    """Accuracy of a linear classifier on a held-out third of the images.

    Args:
        codes: posterior means, (n_samples, n_latents).
        classes: integers, (n_samples,), such as the digit.
        min_std: latents whose codes spread less are dead and left out; the others get unit
            variance.
        seed: of the split and the interval.

    Raises:
        ValueError: bad input; see `common.checks`.

    Source: Alain & Bengio 2017, arXiv:1610.01644.
    """
    codes = check_codes(codes)
    index, _ = class_indices(check_factors(np.asarray(classes)[:, None], len(codes))[:, 0])
    rng = np.random.default_rng(seed)
    train, held_out = split_images(len(codes), rng)
    living = codes[:, alive(codes, min_std)]
    common = np.bincount(index[train]).argmax()
    chance = float((index[held_out] == common).mean())
    score, converged = chance, True
    if living.shape[1]:
        scaled = (living - living.mean(axis=0)) / living.std(axis=0)
        model = LogisticRegression(max_iter=_MAX_ITER)
        with threadpool_limits(limits=1):
            model.fit(scaled[train], index[train])
            score = float((model.predict(scaled[held_out]) == index[held_out]).mean())
        converged = bool(model.n_iter_.max() < _MAX_ITER)
    settings = protocol(
        "probe",
        "scikit-learn",
        classifier=f"LogisticRegression(max_iter={_MAX_ITER})",
        n_train_images=len(train),
        n_eval_images=len(held_out),
        scaling="unit variance",
        pruning=f"standard deviation < {min_std}",
        interval="held-out images",
        seed=seed,
    )
    score, interval = bounded(score, accuracy_interval(score, len(held_out), rng))
    return Probe(score, chance, interval, score >= SATURATED, converged, settings)


CLASS_PROBE = Metric(
    name="digit_probe",  # as tables have always called it
    label="digit read",
    function=probe,
    target="classes",
    ranks=False,
    every_basis=False,
)
