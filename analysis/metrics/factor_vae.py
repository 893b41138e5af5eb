"""The FactorVAE score of Kim & Mnih."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .common.checks import ACTIVE_VARIANCE, FloatArray, IntArray, Interval, check_input, pruning
from .common.metric import Metric
from .common.resample import accuracy_interval
from .common.result import Head, Protocol, head, protocol
from .common.votes import Sets, draw_sets, draw_votes

_CHUNK_BYTES = 4_000_000


class FactorVae(NamedTuple):
    score: float  # held-out accuracy of the majority vote; chance where every latent is dead
    interval: Interval  # 95%, over resampled held-out votes; not over images
    saturated: bool
    chance: float  # 1 / n_factors
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
    min_variance: float = ACTIVE_VARIANCE,
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
        min_variance: latents whose codes vary by no more are dead and never vote.
        seed: of the split, the votes and the interval.

    Raises:
        ValueError: bad input; see `common`.

    Source: Kim & Mnih 2018, arXiv:1802.05983; settings of Locatello et al. 2019.
    """
    codes, factors, active = check_input(codes, factors, min_variance=min_variance, min_factors=2)
    drawn = draw_votes(draw_sets, factors, n_train, n_eval, n_members, seed)
    split, train, held_out, rng, others = drawn
    settings = protocol(
        "factor_vae",
        n_members=n_members,
        n_train=n_train,
        n_eval=n_eval,
        **split.sizes,
        other_factors=others,
        n_variance_images=len(codes),
        classifier="majority vote",
        scaling="global variance",
        pruning=pruning(min_variance),
        interval="held-out votes",
        seed=seed,
    )
    chance = 1 / factors.shape[1]
    votes = np.zeros((codes.shape[1], factors.shape[1]), np.int64)
    if not active.size:
        at_chance = Head(chance, (chance, chance), False)
        return FactorVae(*at_chance, chance, votes, 0, settings)
    named = active[steadiest(codes[:, active], train)]
    np.add.at(votes, (named, train.factor), 1)
    factor_of = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
    named = active[steadiest(codes[:, active], held_out)]
    score = float((factor_of[named] == held_out.factor).mean())
    of_votes = head(score, accuracy_interval(score, n_eval, rng))
    return FactorVae(*of_votes, chance, votes, active.size, settings)


FACTOR_VAE = Metric(
    name="factor_vae",
    label="FactorVAE",
    function=factor_vae,
    settings={"n_members": 64, "n_train": 10_000, "n_eval": 5_000},
    floor={"n_train": 1_000, "n_eval": 1_000},
    draws_votes=True,
    min_factors=2,
)


def steadiest(codes: FloatArray, sets: Sets) -> IntArray:
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
