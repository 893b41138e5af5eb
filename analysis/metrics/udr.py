"""The unsupervised disentanglement ranking of Duan et al., for one pair of runs."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from .common.checks import ACTIVE_VARIANCE, FloatArray, Interval, active, check_codes, pruning
from .common.metric import Metric
from .common.resample import centred_interval, correlation_replicates, resampling
from .common.result import Protocol, head, protocol
from .mcc import spearman


class Udr(NamedTuple):
    score: float  # in [0, 1]; 0 where either run has no informative latent
    interval: Interval  # 95%, over resampled images; not over seeds
    saturated: bool
    correlation: FloatArray  # (n_latents_a, n_latents_b), |Spearman|; dead latents are zero
    n_informative: tuple[int, int]
    protocol: Protocol


def udr(
    codes_a: npt.ArrayLike,
    codes_b: npt.ArrayLike,
    *,
    min_variance: float = ACTIVE_VARIANCE,
    seed: int = 0,
) -> Udr:
    """How far two runs of one configuration, of different seeds, agree latent by latent.

    Average over pairs of seeds for a configuration's figure. Of each informative latent the
    strongest correlation is squared and divided by the sum of its correlations with the other run.

    Args:
        codes_a: posterior means of one run, (n_samples, n_latents_a).
        codes_b: of the other run for the same images, (n_samples, n_latents_b).
        min_variance: latents whose codes vary by more are informative. The source takes those of
            a KL above 0.01 nats; every score here has the one rule of `common.checks.active`.
        seed: of the interval; the score itself has no randomness.

    Raises:
        ValueError: bad input; see `common.checks`.

    Source: Duan et al. 2020, arXiv:1905.12614, equation 3, with Spearman's correlation.
    """
    codes_a, codes_b = check_codes(codes_a, "codes_a"), check_codes(codes_b, "codes_b")
    if len(codes_a) != len(codes_b):
        raise ValueError(
            f"codes_a have {len(codes_a)} samples but codes_b {len(codes_b)}: "
            "encode the same images with both runs"
        )
    a, b = active(codes_a, min_variance), active(codes_b, min_variance)
    correlation = np.zeros((codes_a.shape[1], codes_b.shape[1]))
    score, replicates = 0.0, np.zeros(1)
    if a.size and b.size:
        x, y = rankdata(codes_a[:, a], axis=0), rankdata(codes_b[:, b], axis=0)
        correlation[np.ix_(a, b)] = abs(spearman(x, y))
        score = agreement(correlation[np.ix_(a, b)])
        plan = resampling(len(x), np.random.default_rng(seed))
        replicates = np.array([agreement(abs(r)) for r in correlation_replicates(x, y, plan)])
    settings = protocol(
        "udr",
        "scipy",
        correlation="Spearman",
        n_images=len(codes_a),
        scaling="ranks",
        pruning=pruning(min_variance),
        interval="images",
        seed=seed,
    )
    of_images = head(score, centred_interval(replicates, score))
    return Udr(*of_images, correlation, (a.size, b.size), settings)


UDR = Metric(name="udr", label="UDR", function=udr, target="run", ranks=False, every_basis=False)


def agreement(correlation: FloatArray) -> float:
    """UDR of absolute correlations between informative latents, (n_a, n_b), neither empty."""
    shares = [
        correlation.max(axis=axis) ** 2 / np.maximum(correlation.sum(axis=axis), 1e-12)
        for axis in (0, 1)
    ]
    return float(np.concatenate(shares).mean())
