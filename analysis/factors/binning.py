"""Factors as the scores take them: in bins."""

import numpy as np
import numpy.typing as npt
import pandas as pd

N_BINS = 20
IN_A_BIN = 20  # images that share a value, on average, for a bin of its own


def discretise(values: pd.DataFrame, n_bins: int = N_BINS) -> npt.NDArray[np.int64]:
    """Each factor in bins of equal counts, as far as ties allow; equal values share a bin.

    A factor of at most `n_bins` values, such as a class, keeps one bin a value, and so does one
    whose values are shared by `IN_A_BIN` images or more: the 40 orientations of dSprites are the
    values that published scores are computed on.

    Returns:
        (n_samples, n_factors), counted from 0 without gaps, in the order of the values.

    Raises:
        ValueError: fewer than two bins, a missing value, or a constant factor.
    """
    if n_bins < 2:
        raise ValueError(f"n_bins must be at least 2, got {n_bins}")
    check(values)
    columns = [bins_of(values[name].to_numpy(), n_bins) for name in values]
    return np.column_stack(columns)


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


def bins_of(column: npt.NDArray[np.float64], n_bins: int) -> npt.NDArray[np.int64]:
    """One factor, (n_samples,), in bins of equal counts; see `discretise`."""
    values, index = np.unique(column, return_inverse=True)
    if len(values) > n_bins and len(column) < IN_A_BIN * len(values):
        below = np.searchsorted(np.sort(column), column)  # how many values are smaller
        index = np.unique(below * n_bins // len(column), return_inverse=True)[1]
    return index.astype(np.int64)
