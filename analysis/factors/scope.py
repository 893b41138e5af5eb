"""Whether factors are compared over all images or inside their class.

A class, such as the digit, explains a part of a factor (62% of the width of MNIST's digits), and a
model that is given the class rightly leaves that part out of its codes. Inside a class both kinds
of model are asked for the same: what the factor does beyond the class.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.factors.binning import IN_A_BIN, N_BINS, bins_of
from analysis.factors.image_set import Floats, Ints, Sample

SCOPES = ("all", "within")


class Scoped(NamedTuple):
    """Factors as one scope compares them."""

    bins: Ints  # (n, n_factors)
    shared: Ints  # (n, n_factors), what images drawn together have in common: a bin, and the class
    values: Floats  # (n, n_factors)
    labels: Ints | None  # (n,), whose means are taken out of codes; None: nothing is

    def of_codes(self, codes: npt.ArrayLike) -> Floats:
        """Codes (n, n_latents) as this scope compares them: inside a class, from its mean."""
        given = np.asarray(codes, np.float64)
        return given if self.labels is None else given - class_means(given, self.labels)


def scopes_of(sample: Sample) -> tuple[str, ...]:
    """The scopes that images allow: no second one without classes.

    Nor with classes of fewer than `IN_A_BIN` images on average: their means follow single images.
    """
    several = sample.n_classes > 1 and len(sample.labels) >= IN_A_BIN * sample.n_classes
    return SCOPES if several else SCOPES[:1]


def scoped(sample: Sample, scope: str) -> Scoped:
    """Factors of images over all of them, or within their class.

    Within, bins are drawn inside each class (equal counts, fewer where a class is small), images
    drawn together share the class too, and codes and values are taken from their class's mean, so
    that a latent has to mean the same in every class. Factors that vary within no class are left
    out.
    """
    if scope == "all":
        return Scoped(sample.factors, sample.factors, sample.values, None)
    classes, labels = np.unique(sample.labels, return_inverse=True)
    bins = np.zeros_like(sample.factors)
    for label in range(len(classes)):
        rows = np.flatnonzero(labels == label)
        n_bins = int(np.clip(len(rows) // IN_A_BIN, 2, N_BINS))
        for k in range(bins.shape[1]):
            bins[rows, k] = bins_of(sample.values[rows, k], n_bins)
    varied = np.flatnonzero(np.ptp(bins, axis=0) > 0)
    values = sample.values[:, varied]
    bins = bins[:, varied]
    shared = labels[:, None] * (bins.max(initial=0) + 1) + bins
    return Scoped(bins, shared, values - class_means(values, labels), labels)


def class_means(values: Floats, labels: Ints) -> Floats:
    """The mean of each row's class, (n, n_columns); labels count from 0 without gaps."""
    totals = np.zeros((int(labels.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(totals, labels, values)
    means: Floats = totals / np.bincount(labels)[:, None]
    return means[labels]
