"""A linear probe: what a linear classifier reads from codes."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .common.checks import ACTIVE_VARIANCE, Interval, check_input, class_indices, pruning
from .common.linear import CLASSIFIER, classify
from .common.metric import Metric
from .common.resample import accuracy_interval
from .common.result import Protocol, head, protocol
from .common.votes import split_images


class Probe(NamedTuple):
    score: float  # held-out accuracy; high means that the codes tell, which may not be wanted
    interval: Interval  # 95%, over resampled held-out images, with the classifier as it is
    saturated: bool
    chance: float  # accuracy of always naming the commonest class
    converged: bool
    protocol: Protocol


def probe(
    codes: npt.ArrayLike,
    classes: npt.ArrayLike,
    *,
    min_variance: float = ACTIVE_VARIANCE,
    seed: int = 0,
) -> Probe:
    """Accuracy of a linear classifier on a held-out third of the images.

    Args:
        codes: posterior means, (n_samples, n_latents).
        classes: integers, (n_samples,), such as the digit.
        min_variance: latents whose codes vary by no more are dead and left out; the others get unit
            variance.
        seed: of the split and the interval.

    Raises:
        ValueError: bad input; see `common.checks`.

    Source: Alain & Bengio 2017, arXiv:1610.01644.
    """
    codes, column, active = check_input(
        codes, np.asarray(classes)[:, None], min_variance=min_variance
    )
    index, _ = class_indices(column[:, 0])
    rng = np.random.default_rng(seed)
    split = train, held_out = split_images(len(codes), rng)
    common = np.bincount(index[train]).argmax()
    right, converged = index[held_out] == common, True
    chance = float(right.mean())
    if active.size:
        used = codes[:, active]
        scaled = (used - used.mean(axis=0)) / used.std(axis=0)
        right, converged = classify(scaled[train], index[train], scaled[held_out], index[held_out])
    score = float(right.mean())
    settings = protocol(
        "probe",
        "scikit-learn",
        classifier=CLASSIFIER,
        **split.sizes,
        scaling="unit variance",
        pruning=pruning(min_variance),
        interval="held-out images",
        seed=seed,
    )
    of_images = head(score, accuracy_interval(score, len(held_out), rng))
    return Probe(*of_images, chance, converged, settings)


CLASS_PROBE = Metric(
    name="digit_probe",  # as tables have always called it
    label="class read",
    function=probe,
    target="classes",
    ranks=False,
    every_basis=False,
)
