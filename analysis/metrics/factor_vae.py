"""The FactorVAE score of Kim & Mnih."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .common.checks import (
    MIN_STD,
    SATURATED,
    FloatArray,
    IntArray,
    Interval,
    alive,
    check_codes,
    check_factors,
)
from .common.metric import Metric
from .common.resample import accuracy_interval
from .common.result import Protocol, bounded, protocol
from .common.votes import Sets, draw_sets, split_images

_CHUNK_BYTES = 4_000_000


class FactorVae(NamedTuple):
    score: float  # held-out accuracy of the majority vote; chance where every latent is dead
    chance: float  # 1 / n_factors
    interval: Interval  # 95%, over resampled held-out votes; not over images
    saturated: bool
    votes: IntArray  # (n_latents, n_factors), training votes; rows of dead latents are zero
    n_latents_used: int
    protocol: Protocol


def factor_vae(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    n_members: int = 64,
    n_train: int = 10_000,
    n_eval: int = 5_000,
    min_std: float = MIN_STD,
    seed: int = 0,
) -> FactorVae:
    """How well the latent that varies least tells which factor was held fixed.

    A vote fixes one value of one factor, takes images of that value and names the latent with the
    smallest variance relative to its variance over all images. Two thirds of the images serve the
    training votes, the others the held-out ones. A latent that no training vote named is wrong
    wherever it is named later. The interval is of the votes alone: over fresh sets of 10,000
    planted images scores spread twice as wide.

    Args:
        codes: posterior means, (n_samples, n_latents).
        factors: integers, (n_samples, n_factors), two factors or more.
        n_members: images in a vote, drawn with replacement.
        n_train: training votes.
        n_eval: held-out votes.
        min_std: latents whose codes spread less are dead and never vote.
        seed: of the split, the votes and the interval.

    Raises:
        ValueError: bad input; see `common`.

    Source: Kim & Mnih 2018, arXiv:1802.05983; settings of Locatello et al. 2019.
    """
    codes = check_codes(codes)
    factors = check_factors(factors, len(codes), min_factors=2)
    n_latents, n_factors = codes.shape[1], factors.shape[1]
    rng = np.random.default_rng(seed)
    train, held_out = split_images(len(codes), rng)
    train_sets = draw_sets(factors, train, n_train, n_members, rng)
    eval_sets = draw_sets(factors, held_out, n_eval, n_members, rng)
    living = alive(codes, min_std)
    settings = protocol(
        "factor_vae",
        n_members=n_members,
        n_train=n_train,
        n_eval=n_eval,
        n_train_images=len(train),
        n_eval_images=len(held_out),
        n_variance_images=len(codes),
        classifier="majority vote",
        scaling="global variance",
        pruning=f"standard deviation < {min_std}",
        interval="held-out votes",
        seed=seed,
    )
    chance = 1 / n_factors
    votes = np.zeros((n_latents, n_factors), np.int64)
    if living.size == 0:
        return FactorVae(chance, chance, (chance, chance), False, votes, 0, settings)
    named = living[_steadiest(codes[:, living], train_sets)]
    np.add.at(votes, (named, train_sets.factor), 1)
    factor_of = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
    named = living[_steadiest(codes[:, living], eval_sets)]
    score = float((factor_of[named] == eval_sets.factor).mean())
    score, interval = bounded(score, accuracy_interval(score, n_eval, rng))
    return FactorVae(
        score=score,
        chance=chance,
        interval=interval,
        saturated=score >= SATURATED,
        votes=votes,
        n_latents_used=living.size,
        protocol=settings,
    )


FACTOR_VAE = Metric(
    name="factor_vae",
    label="FactorVAE",
    function=factor_vae,
    settings={"n_members": 64, "n_train": 10_000, "n_eval": 5_000},
    n_repeats=5,
)


def _steadiest(codes: FloatArray, sets: Sets) -> IntArray:
    """The column of smallest local over global variance in each vote, (n_votes,)."""
    narrow = ((codes - codes.mean(axis=0)) / codes.std(axis=0)).astype(np.float32)
    n_votes, n_members = sets.members.shape
    column = np.empty(n_votes, np.int64)
    step = max(1, _CHUNK_BYTES // (n_members * codes.shape[1] * narrow.itemsize))
    for at in range(0, n_votes, step):
        votes = slice(at, at + step)
        members = narrow.take(sets.members[votes], axis=0)
        members -= members.mean(axis=1, keepdims=True)
        # four fifths of the time of var(axis=1), which keeps a copy
        column[votes] = np.einsum("vmj,vmj->vj", members, members).argmin(axis=1)
    return column
