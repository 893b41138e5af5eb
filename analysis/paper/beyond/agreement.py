"""How far seeds agree latent by latent: the mean correlation of matched latents, over pairs."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

from analysis.metrics.common.checks import active
from analysis.metrics.mcc import spearman


def matched_correlation(codes_a: npt.ArrayLike, codes_b: npt.ArrayLike, seed: int = 0) -> float:
    """Mean |rank correlation| of latents matched one to one; 1 if equal up to order and scale.

    Matched on one random half of the images and measured on the other. Over the active latents of
    the run that has more of them: one without a partner counts as 0.

    Args:
        codes_a, codes_b: posterior means of two runs for the same images, (n, n_latents).
        seed: of the halves.

    Source: Khemakhem et al. 2020, arXiv:1907.04809, section 5, between two models instead of
    between a model and the truth.
    """
    a, b = (np.asarray(codes, dtype=np.float64) for codes in (codes_a, codes_b))
    a, b = a[:, active(a)], b[:, active(b)]
    most = max(a.shape[1], b.shape[1])
    if not min(a.shape[1], b.shape[1]):
        return 0.0
    order = np.random.default_rng(seed).permutation(len(a))
    match, measure = np.array_split(order, 2)
    rows, columns = linear_sum_assignment(abs(spearman(a[match], b[match])), maximize=True)
    correlation = spearman(a[measure][:, rows], b[measure][:, columns])
    return float(abs(np.diag(correlation)).sum() / most)


def pseudo_values(codes: Mapping[int, npt.ArrayLike]) -> "pd.Series[float]":
    """Jackknife pseudo-values of the mean over all pairs of seeds, by seed.

    Their mean is the mean over pairs, and their spread gives its interval although pairs share
    seeds (Tukey 1958; of a U-statistic Arvesen 1969).

    Args:
        codes: of each seed, for the same images; three seeds at least.
    """
    pairs = {
        pair: matched_correlation(codes[pair[0]], codes[pair[1]])
        for pair in combinations(sorted(codes), 2)
    }
    n, whole = len(codes), float(np.mean(list(pairs.values())))
    without = {
        seed: np.mean([value for pair, value in pairs.items() if seed not in pair])
        for seed in codes
    }
    values = {seed: n * whole - (n - 1) * float(rest) for seed, rest in without.items()}
    return pd.Series(values, dtype=float).rename_axis("seed").sort_index()
