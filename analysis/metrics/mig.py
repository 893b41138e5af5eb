"""The mutual information gap of Chen et al."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .common.checks import (
    ACTIVE_VARIANCE,
    FloatArray,
    IntArray,
    Interval,
    check_input,
    class_indices,
    pruning,
)
from .common.metric import Metric
from .common.resample import N_REPLICATES, Resampling, centred_interval, resampling
from .common.result import Protocol, head, protocol

Binning = Literal["width", "quantile"]
_RIVALS = 5  # latents a factor that may win or come second in a replicate


class Mig(NamedTuple):
    score: float  # mean of gap, in [0, 1]; higher is better
    interval: Interval  # 95%, over resampled images, with the bins as they are
    saturated: bool
    gap: FloatArray  # (n_factors,)
    best: IntArray  # (n_factors,), the latent that tells most; -1 where none tells anything
    mutual_info: FloatArray  # (n_latents, n_factors), nats; rows of dead latents are zero
    entropy: FloatArray  # (n_factors,), nats
    protocol: Protocol


def mig(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    n_bins: int = 20,
    binning: Binning = "width",
    min_variance: float = ACTIVE_VARIANCE,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> Mig:
    """Mean over factors of (I(best latent; v) - I(second best; v)) / H(v).

    Args:
        codes: posterior means, (n_samples, n_latents).
        factors: integers, (n_samples, n_factors).
        n_bins: bins over each latent's codes.
        binning: "width" makes them equally wide over the code's range, so that one outlier can
            push all other codes into a single bin; "quantile" makes them equally full.
        min_variance: latents whose codes vary by no more are dead and tell nothing; 0 keeps all
            that are not constant, as Locatello et al. do.
        n_replicates: of the interval; 0 leaves it out.
        seed: of the interval; the score itself has no randomness.

    Raises:
        ValueError: bad input; see `common.checks`.

    Source: Chen et al. 2018, arXiv:1802.04942; binning of Locatello et al. 2019.
    """
    codes, factors, active = check_input(codes, factors, min_variance=min_variance)
    bins = binned(codes[:, active], n_bins, binning)
    plan = resampling(len(codes), np.random.default_rng(seed), n_replicates)
    mutual_info = np.zeros((codes.shape[1], factors.shape[1]))
    entropy = np.empty(factors.shape[1])
    replicates = np.zeros((factors.shape[1], len(plan.weights)))
    for k in range(factors.shape[1]):
        labels, n_values = class_indices(factors[:, k])
        entropy[k] = _entropy(np.bincount(labels, minlength=n_values).astype(float))
        table = _tables(bins, labels, n_bins, n_values)
        mutual_info[active, k] = _information(table)
        rivals = np.argsort(-mutual_info[active, k], kind="stable")[:_RIVALS]
        if rivals.size and n_replicates:
            replicates[k] = _gap_replicates(bins[:, rivals], labels, n_bins, n_values, plan)
    gap = top_two_gap(mutual_info.T) / entropy
    best = np.where(mutual_info.any(axis=0), mutual_info.argmax(axis=0), -1)
    settings = protocol(
        "mig",
        n_bins=n_bins,
        binning=binning,
        n_images=len(codes),
        scaling="none",
        pruning=pruning(min_variance),
        interval="images",
        seed=seed,
    )
    score = float(gap.mean())
    of_images = head(score, centred_interval(replicates.mean(axis=0), score))
    return Mig(*of_images, gap, best, mutual_info, entropy, settings)


MIG = Metric(
    name="mig",
    label="MIG",
    function=mig,
    settings={"n_bins": 20, "binning": "width"},
    floor={"n_replicates": 0},
)


def top_two_gap(strength: FloatArray) -> FloatArray:
    """Best minus second best along the last axis; one latent alone has a rival of nothing."""
    ordered = np.sort(strength, axis=-1)
    gap: FloatArray = ordered[..., -1] - (ordered[..., -2] if ordered.shape[-1] > 1 else 0.0)
    return gap


def binned(codes: FloatArray, n_bins: int, binning: Binning) -> IntArray:
    """Bin of every code, 0 .. n_bins - 1, same shape; no code may be constant."""
    if binning == "width":
        low, width = codes.min(axis=0), np.ptp(codes, axis=0)
        place = ((codes - low) / width * n_bins).astype(np.int64)
        capped: IntArray = np.minimum(place, n_bins - 1)
        return capped
    edges = np.quantile(codes, np.arange(1, n_bins) / n_bins, axis=0)
    columns = [np.searchsorted(edges[:, j], codes[:, j], "right") for j in range(codes.shape[1])]
    return np.stack(columns, axis=1) if columns else np.zeros(codes.shape, np.int64)


def _tables(bins: IntArray, labels: IntArray, n_bins: int, n_values: int) -> FloatArray:
    """Counts of bin and value, (n_latents, n_bins, n_values)."""
    n_latents = bins.shape[1]
    cell = (np.arange(n_latents) * n_bins + bins) * n_values + labels[:, None]
    counts = np.bincount(cell.ravel(), minlength=n_latents * n_bins * n_values)
    return counts.reshape(n_latents, n_bins, n_values).astype(np.float64)


def _entropy(counts: FloatArray) -> FloatArray:
    """Entropy along the last axis, in nats."""
    p = counts / counts.sum(axis=-1, keepdims=True)
    entropy: FloatArray = -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)
    return entropy


def _information(tables: FloatArray) -> FloatArray:
    """Mutual information of tables (..., n_bins, n_values), in nats, (...)."""
    joint = _entropy(tables.reshape(*tables.shape[:-2], tables.shape[-2] * tables.shape[-1]))
    apart = _entropy(tables.sum(axis=-1)) + _entropy(tables.sum(axis=-2))
    return np.maximum(apart - joint, 0.0)


def _gap_replicates(
    bins: IntArray, labels: IntArray, n_bins: int, n_values: int, plan: Resampling
) -> FloatArray:
    """One factor's gap in every replicate, (n_replicates,)."""
    tables = [_tables(bins[i], labels[i], n_bins, n_values) for i in plan.blocks]
    resampled = np.tensordot(plan.weights, np.stack(tables), axes=1)
    entropy = _entropy(resampled.sum(axis=2)[:, 0])
    return top_two_gap(_information(resampled)) / np.maximum(entropy, 1e-12)
