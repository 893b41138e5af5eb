"""The beta-VAE score of Higgins et al."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .common.checks import ACTIVE_VARIANCE, BoolArray, FloatArray, IntArray, Interval, check_input
from .common.linear import CLASSIFIER, Verdict, classify
from .common.metric import Metric
from .common.resample import accuracy_interval
from .common.result import Head, Protocol, head, protocol
from .common.votes import Pairs, draw_pairs, split_images

_CHUNK_BYTES = 4_000_000


class Higgins(NamedTuple):
    score: float  # held-out accuracy, chance .. 1
    interval: Interval  # 95%, over resampled held-out votes; not over images, nor over fits
    saturated: bool  # at the ceiling: n_factors - 1 captured factors are enough to reach it
    chance: float  # 1 / n_factors
    recall: FloatArray  # (n_factors,), accuracy on the held-out votes of each factor
    n_latents_used: int
    converged: bool  # the classifier's fit
    protocol: Protocol


def higgins(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    n_pairs: int = 64,
    n_train: int = 10_000,
    n_eval: int = 5_000,
    standardise: bool = False,
    seed: int = 0,
) -> Higgins:
    """How well a linear classifier tells which factor pairs of images share.

    A vote's features are mean |z1 - z2| over its pairs. Two thirds of the images serve the training
    votes, the others the held-out ones. The interval is of the votes alone: over fresh sets of
    10,000 planted images scores spread 1.7 times as wide, and at a score of 1 it is a point.

    Args:
        codes: posterior means, (n_samples, n_latents).
        factors: integers, (n_samples, n_factors), two factors or more.
        n_pairs: pairs in a vote.
        n_train: training votes.
        n_eval: held-out votes.
        standardise: give active latents (variance above 0.01) unit variance and leave the others
            out. The raw score depends on the scale of the codes, through the classifier's penalty.
        seed: of the split, the votes and the interval.

    Raises:
        ValueError: bad input; see `common`.

    Source: Higgins et al. 2017, "beta-VAE", section 3; settings of Locatello et al. 2019,
    arXiv:1811.12359. Unlike there, the classifier may take more than 100 iterations.
    """
    codes, factors, _ = check_input(codes, factors, min_factors=2)
    n_factors = factors.shape[1]
    rng = np.random.default_rng(seed)
    split = split_images(len(codes), rng)
    train = draw_pairs(factors, split.train, n_train, n_pairs, rng)
    held_out = draw_pairs(factors, split.held_out, n_eval, n_pairs, rng)
    used = _standardised(codes) if standardise else codes - codes.mean(axis=0)
    settings = protocol(
        "higgins",
        "scikit-learn",
        n_pairs=n_pairs,
        n_train=n_train,
        n_eval=n_eval,
        **split.sizes,
        classifier=CLASSIFIER,
        scaling="unit variance" if standardise else "none",
        pruning=f"variance <= {ACTIVE_VARIANCE}" if standardise else "none",
        interval="held-out votes",
        seed=seed,
    )
    chance, n_used = 1 / n_factors, used.shape[1]
    if not n_used:
        recall = np.full(n_factors, chance)
        at_chance = Head(chance, (chance, chance), False)
        return Higgins(*at_chance, chance, recall, n_used, True, settings)
    right, converged = _classify(used, train, held_out)
    score = float(right.mean())
    recall = _recall(right, held_out.factor, n_factors)
    of_votes = head(score, accuracy_interval(score, n_eval, rng))
    return Higgins(*of_votes, chance, recall, n_used, converged, settings)


HIGGINS = Metric(
    name="higgins",
    label="Higgins",
    function=higgins,
    settings={"n_pairs": 64, "n_train": 10_000, "n_eval": 5_000},
    n_repeats=5,
    n_standardised=3,  # they do not rank, and 200 latents take long
)


def pair_features(codes: FloatArray, pairs: Pairs) -> FloatArray:
    """Mean |z1 - z2| over each vote's pairs, (n_votes, n_latents); a chunk of votes at a time."""
    narrow = codes.astype(np.float32)
    n_votes, n_pairs = pairs.first.shape
    features = np.empty((n_votes, codes.shape[1]))
    step = max(1, _CHUNK_BYTES // (n_pairs * codes.shape[1] * narrow.itemsize))
    for at in range(0, n_votes, step):
        votes = slice(at, at + step)
        apart = narrow.take(pairs.first[votes], axis=0)  # half the time of plain indexing
        apart -= narrow.take(pairs.second[votes], axis=0)
        features[votes] = np.abs(apart, out=apart).mean(axis=1)
    return features


def _classify(codes: FloatArray, train: Pairs, held_out: Pairs) -> Verdict:
    """Fit on centred features: the optimum is the same, at a quarter of the iterations."""
    features = pair_features(codes, train)
    centre = features.mean(axis=0)
    tested = pair_features(codes, held_out) - centre
    return classify(features - centre, train.factor, tested, held_out.factor)


def _recall(right: BoolArray, factor: IntArray, n_factors: int) -> FloatArray:
    votes = np.bincount(factor, minlength=n_factors)
    recall: FloatArray = np.bincount(factor, right, minlength=n_factors) / np.maximum(votes, 1)
    return recall


def _standardised(codes: FloatArray) -> FloatArray:
    """Active latents at unit variance; dead ones are left out, not blown up."""
    active = codes[:, codes.var(axis=0) > ACTIVE_VARIANCE]
    scaled: FloatArray = (active - active.mean(axis=0)) / active.std(axis=0)
    return scaled
