"""Drawing votes: sets of images that share the value of one factor, the others varying freely.

The published protocol draws a value of the fixed factor, and values of the others independently of
it and of each other (Higgins et al. 2017, section 3; Kim & Mnih 2018, section 2). Where images
stand on a grid of factors, every combination equally often, drawing among the images of one value
does just that; a random sample of such a grid does so in expectation. Where every combination is
there, and some are commoner than a random sample would have them, images are repeated until the
grid is even (`evened`). Else the others fall as they do among the images, as measured factors do,
and the protocol says so.

Training and held-out votes come from disjoint images, so that no classifier is tested on codes
that it has seen. Votes hang on the factors and the seed alone: a run's eleven bases, and the
controls beside them, are scored on the same.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from scipy.stats import chisquare

from .checks import IntArray, class_indices

TRAIN_SHARE = 2 / 3  # of the images; the others are held out
UNEVEN = 0.001  # p-value of a chi-squared test, below which a grid is no random sample


class Split(NamedTuple):
    """Image indices, disjoint."""

    train: IntArray
    held_out: IntArray

    @property
    def sizes(self) -> dict[str, int]:
        """As a protocol states them."""
        return {"n_train_images": len(self.train), "n_eval_images": len(self.held_out)}


class Pairs(NamedTuple):
    """Image pairs that share one factor's value; `factor` is what a classifier is to tell."""

    factor: IntArray  # (n_votes,)
    first: IntArray  # (n_votes, n_pairs), image indices
    second: IntArray  # (n_votes, n_pairs), not at the place of `first`


class Sets(NamedTuple):
    """Sets of images that all share one value of one factor."""

    factor: IntArray  # (n_votes,)
    members: IntArray  # (n_votes, n_members), image indices, with replacement


Drawn = TypeVar("Drawn", Pairs, Sets)
Draw = Callable[[IntArray, IntArray, int, int, np.random.Generator], Drawn]


class Votes(NamedTuple, Generic[Drawn]):
    """What a score of votes draws from one seed; not to be written to."""

    split: Split
    train: Drawn
    held_out: Drawn
    rng: np.random.Generator  # as the draws have left it
    others: str  # how the factors that are not fixed vary, as protocols state it


class _Runs(NamedTuple):
    """Images ordered by one factor, so that those of one value lie side by side in a run.

    Only values held by two images or more are kept.
    """

    image: IntArray  # (n,) image at each place of the order
    start: IntArray  # (n,) where the run of that place begins
    size: IntArray  # (n,) length of that run, 2 or more


def disjoint(n_samples: int, n_train: int, n_eval: int, rng: np.random.Generator) -> Split:
    """Two disjoint random sets of sample indices; both shrink alike where samples are too few."""
    if n_train + n_eval > n_samples:
        n_train = round(n_samples * n_train / (n_train + n_eval))
        n_eval = n_samples - n_train
    order = rng.permutation(n_samples)
    return Split(order[:n_train], order[n_train : n_train + n_eval])


def split_images(n_samples: int, rng: np.random.Generator) -> Split:
    """Images for training votes and, disjoint from them, for held-out votes."""
    n_train = round(n_samples * TRAIN_SHARE)
    return disjoint(n_samples, n_train, n_samples - n_train, rng)


def draw_votes(
    draw: Draw[Drawn],
    factors: IntArray,
    n_train: int,
    n_eval: int,
    n_members: int,
    seed: int,
) -> Votes[Drawn]:
    """Training and held-out votes; the last ones drawn are kept.

    Args:
        draw: `draw_pairs` or `draw_sets`.
        factors: (n_samples, n_factors).
        n_train: training votes.
        n_eval: held-out votes.
        n_members: pairs or images in a vote.
        seed: of the split and the votes.

    Raises:
        ValueError: a factor has no value shared by two of the images.
    """
    content = factors.tobytes(), factors.shape
    drawn = _drawn(draw, *content, n_train, n_eval, n_members, seed)
    split, train, held_out, state, others = drawn
    rng = np.random.default_rng()
    rng.bit_generator.state = state
    return Votes(split, train, held_out, rng, others)


@lru_cache(maxsize=16)  # of one set of images in two scopes: 90 MB where each vote has 64 pairs
def _drawn(
    draw: Draw[Drawn],
    content: bytes,
    shape: tuple[int, int],
    n_train: int,
    n_eval: int,
    n_members: int,
    seed: int,
) -> tuple[Split, Drawn, Drawn, Any, str]:
    factors = np.frombuffer(content, np.int64).reshape(shape)
    rng = np.random.default_rng(seed)
    split = train, held_out = split_images(len(factors), rng)
    combination = grid_places(factors)
    if combination is not None and chisquare(np.bincount(combination)).pvalue < UNEVEN:
        train, held_out = (evened(combination, images) for images in split)
    votes = draw(factors, train, n_train, n_members, rng)
    tested = draw(factors, held_out, n_eval, n_members, rng)
    others = "as among the images" if combination is None else "freely, on a complete grid"
    return split, votes, tested, rng.bit_generator.state, others


def grid_places(factors: IntArray) -> IntArray | None:
    """Each image's combination of factors (n_samples,), counted from 0; None: some are lacking."""
    columns = [class_indices(column) for column in factors.T]
    n_combinations = math.prod(n_values for _, n_values in columns)
    if n_combinations > len(factors):
        return None
    place = np.zeros(len(factors), np.int64)
    for index, n_values in columns:
        place = place * n_values + index
    return place if np.bincount(place, minlength=n_combinations).all() else None


def evened(combination: IntArray, images: IntArray) -> IntArray:
    """Image indices, each combination among them as often as the commonest: some images twice.

    Args:
        combination: of every image, (n_samples,).
        images: those to draw from, in a random order.
    """
    index, n_values = class_indices(combination[images])
    count = np.bincount(index, minlength=n_values)
    start = np.cumsum(count) - count
    place = start[:, None] + np.arange(count.max()) % count[:, None]
    repeated: IntArray = images[np.argsort(index, kind="stable")][place.ravel()]
    return repeated


def draw_pairs(
    factors: IntArray, images: IntArray, n_votes: int, n_pairs: int, rng: np.random.Generator
) -> Pairs:
    """Votes of the Higgins score.

    A vote draws a factor; each of its pairs draws an image, which brings a value of that factor,
    and another image of the same value.

    Raises:
        ValueError: a factor has no value shared by two of the images.
    """
    factor = rng.integers(factors.shape[1], size=n_votes)
    first = np.empty((n_votes, n_pairs), np.int64)
    second = np.empty_like(first)
    for k in range(factors.shape[1]):
        votes = np.flatnonzero(factor == k)
        runs = _runs(factors[:, k], images, k)
        place = rng.integers(len(runs.image), size=(len(votes), n_pairs))
        start, size = runs.start[place], runs.size[place]
        step = 1 + (rng.random(place.shape) * (size - 1)).astype(np.int64)
        first[votes] = runs.image[place]
        second[votes] = runs.image[start + (place - start + step) % size]
    return Pairs(factor, first, second)


def draw_sets(
    factors: IntArray, images: IntArray, n_votes: int, n_members: int, rng: np.random.Generator
) -> Sets:
    """Votes of the FactorVAE score: a factor, one value of it, and images of that value.

    Raises:
        ValueError: a factor has no value shared by two of the images.
    """
    factor = rng.integers(factors.shape[1], size=n_votes)
    members = np.empty((n_votes, n_members), np.int64)
    for k in range(factors.shape[1]):
        votes = np.flatnonzero(factor == k)
        runs = _runs(factors[:, k], images, k)
        place = rng.integers(len(runs.image), size=(len(votes), 1))
        start, size = runs.start[place], runs.size[place]
        offset = (rng.random((len(votes), n_members)) * size).astype(np.int64)
        members[votes] = runs.image[start + offset]
    return Sets(factor, members)


def _runs(factor: IntArray, images: IntArray, k: int) -> _Runs:
    """Order images by one factor; k names it in the error."""
    index, n_values = class_indices(factor[images])
    narrow = index.astype(np.min_scalar_type(n_values))  # 16 bits sort several times as fast
    order = np.argsort(narrow, kind="stable")
    index = index[order]
    size = np.bincount(index, minlength=n_values)
    shared = size[index] >= 2
    if not shared.any():
        raise ValueError(
            f"factor {k} has no value shared by two of {len(images)} images: "
            "pass more samples or bin it more coarsely"
        )
    index, size = index[shared], size[size >= 2]
    index, _ = class_indices(index)
    start = np.cumsum(size) - size
    return _Runs(images[order[shared]], start[index], size[index])
