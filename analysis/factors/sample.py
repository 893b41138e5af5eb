"""Generative factors of real digits, as the scores take them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.factors import morphometry

# These correlate by at most 0.13 on MNIST's test images (width with thickness and with slant) and
# 0.16 on its training images (width with slant). Area and length correlate by up to 0.71 with them,
# which breaks the scores' assumption that the other factors differ freely.
DEFAULT_FACTORS = ("thickness_px", "slant_rad", "width_px")


def measured(
    images: npt.NDArray[np.uint8],
    names: Sequence[str] = DEFAULT_FACTORS,
    *,
    labels: npt.ArrayLike | None = None,
    cache: Path | None = None,
) -> pd.DataFrame:
    """Factors of images in their own units: one row an image, one column a name.

    Args:
        images: (n, 28, 28), uint8.
        names: columns of `morphometry.measure`, and "digit" where labels are given.
        labels: the digits shown, (n,).
        cache: folder that keeps measurements between calls.

    Raises:
        ValueError: a name is unknown, an image cannot be measured, or a factor is constant.
    """
    known = [*morphometry.COLUMNS, *(["digit"] if labels is not None else [])]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no factors {unknown}: take {known}, and pass labels for 'digit'")
    table = morphometry.measure_cached(images, cache) if cache else morphometry.measure(images)
    if labels is not None:
        table = table.assign(digit=np.asarray(labels))
    table = table[list(names)]
    check(table)
    return table


def measured_anyway(
    images: npt.NDArray[np.uint8], names: Sequence[str], cache: Path
) -> pd.DataFrame:
    """`measured`, also where the cache belongs to others and cannot be written."""
    try:
        return measured(images, names, cache=cache)
    except OSError:  # ten seconds are no reason to stop
        return measured(images, names)


def discretise(values: pd.DataFrame, n_bins: int = 20) -> npt.NDArray[np.int64]:
    """Each factor in bins of equal counts, as far as ties allow; equal values share a bin.

    A factor of at most `n_bins` values, such as the digit, keeps one bin a value.

    Returns:
        (n_samples, n_factors), counted from 0 without gaps, in the order of the values.

    Raises:
        ValueError: fewer than two bins, a missing value, or a constant factor.
    """
    if n_bins < 2:
        raise ValueError(f"n_bins must be at least 2, got {n_bins}")
    check(values)
    columns = [_bins(values[name].to_numpy(), n_bins) for name in values]
    return np.column_stack(columns)


def standardise(values: pd.DataFrame) -> pd.DataFrame:
    """Each factor with mean 0 and standard deviation 1 (of the population, not of a sample).

    Raises:
        ValueError: a missing value or a constant factor.
    """
    check(values)
    return (values - values.mean()) / values.std(ddof=0)


def check(values: pd.DataFrame) -> None:
    """Refuse factors that no score can use.

    Raises:
        ValueError: no images or names, a missing or infinite value, or a constant factor.
    """
    if values.empty:
        raise ValueError(f"no factors: got a table of {values.shape[0]} x {values.shape[1]}")
    for name, column in values.items():
        missing = np.flatnonzero(~np.isfinite(column))
        if missing.size:
            raise ValueError(
                f"factor {name!r} is missing for {missing.size} of {len(column)} images, "
                f"first {missing[:5].tolist()}: drop blank images first"
            )
        if column.nunique() == 1:
            raise ValueError(f"factor {name!r} is constant ({column.iloc[0]}): leave it out")


def _bins(column: npt.NDArray[np.float64], n_bins: int) -> npt.NDArray[np.int64]:
    values, index = np.unique(column, return_inverse=True)
    if len(values) > n_bins:
        below = np.searchsorted(np.sort(column), column)  # how many values are smaller
        index = np.unique(below * n_bins // len(column), return_inverse=True)[1]
    return index.astype(np.int64)
