"""Cheap bootstrap intervals.

Images are dealt at random into at most 100 blocks and whole blocks are resampled with
replacement. Blocks of random images are as good as independent draws, and a replicate of any sum
over images is then one row of a small matrix product instead of a pass over the images.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .checks import FloatArray, IntArray, Interval

N_BLOCKS = 100
N_REPLICATES = 200
_AT_ONCE = 20  # replicates held in memory together; 200 x 200 correlations take 6 MB


class Resampling(NamedTuple):
    """One draw of blocks, to be shared by everything that one score resamples."""

    blocks: list[IntArray]  # image indices of each block
    weights: FloatArray  # (n_replicates, n_blocks), how often a replicate holds a block


def resampling(
    n_samples: int, rng: np.random.Generator, n_replicates: int = N_REPLICATES
) -> Resampling:
    """Deal n_samples images into blocks and draw the replicates; none: there is no interval."""
    n_blocks = min(N_BLOCKS, n_samples)
    blocks = [np.sort(part) for part in np.array_split(rng.permutation(n_samples), n_blocks)]
    weights = rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_replicates)
    return Resampling(blocks, weights.astype(np.float64))


def correlation_replicates(x: FloatArray, y: FloatArray, plan: Resampling) -> Iterator[FloatArray]:
    """Pearson correlations of x's columns with y's, (n_x, n_y), one replicate after another.

    Args:
        x: (n_samples, n_x), no constant column; pass ranks for Spearman's.
        y: (n_samples, n_y), likewise.
        plan: of n_samples images.
    """
    if not len(plan.weights):
        return
    x, y = _standardised(x), _standardised(y)
    parts = [(x[i], y[i]) for i in plan.blocks]
    sizes = np.array([len(i) for i in plan.blocks], np.float64)
    mean_x = np.stack([a.sum(0) for a, _ in parts])
    mean_y = np.stack([b.sum(0) for _, b in parts])
    square_x = np.stack([(a * a).sum(0) for a, _ in parts])
    square_y = np.stack([(b * b).sum(0) for _, b in parts])
    product = np.stack([(a.T @ b).ravel() for a, b in parts])
    for weights in np.array_split(plan.weights, -(-len(plan.weights) // _AT_ONCE)):
        weights = weights / (weights @ sizes)[:, None]
        mx, my = weights @ mean_x, weights @ mean_y
        scale_x = np.sqrt(np.maximum(weights @ square_x - mx**2, 1e-12))
        scale_y = np.sqrt(np.maximum(weights @ square_y - my**2, 1e-12))
        cross = (weights @ product).reshape(len(weights), x.shape[1], y.shape[1])
        cross -= mx[:, :, None] * my[:, None, :]
        cross /= scale_x[:, :, None] * scale_y[:, None, :]
        yield from np.clip(cross, -1, 1)


def _standardised(x: FloatArray) -> FloatArray:
    spread: FloatArray = (x - x.mean(axis=0)) / x.std(axis=0)
    return spread


def centred_interval(replicates: FloatArray, score: float) -> Interval:
    """95% percentiles of the replicates, shifted so that their mean is the score, within [0, 1].

    The shift takes out the bias of resampling: mutual information and the largest of several
    correlations grow when images are drawn twice. NaN without replicates.
    """
    if not replicates.size:
        return np.nan, np.nan
    low, high = np.percentile(replicates, (2.5, 97.5)) + (score - replicates.mean())
    return float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0))


def accuracy_interval(accuracy: float, n_votes: int, rng: np.random.Generator) -> Interval:
    """95% percentiles of an accuracy over resampled held-out votes.

    Resampling n votes of which a share is right is a binomial draw, so no vote is touched.
    """
    replicates = rng.binomial(n_votes, accuracy, size=2_000) / n_votes
    low, high = np.percentile(replicates, (2.5, 97.5))
    return float(low), float(high)
