"""What every score asks of its input, and the words in which it refuses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Interval = tuple[float, float]  # 95%, (low, high)

ACTIVE_VARIANCE = 0.01  # the one rule: a latent is active where its codes vary by more than this
SATURATED = 0.99  # scores from here on can no longer tell good from better
MIN_SAMPLES = 10


class Checked(NamedTuple):
    """Input that a score can use."""

    codes: FloatArray  # (n_samples, n_latents)
    factors: IntArray  # (n_samples, n_factors), none constant
    active: IntArray  # indices of the latents that take part


def check_input(
    codes: npt.ArrayLike,
    factors: npt.ArrayLike,
    *,
    min_variance: float = ACTIVE_VARIANCE,
    min_factors: int = 1,
) -> Checked:
    """Codes and factors of the same images, and which latents are active.

    Raises:
        ValueError: as `check_codes` and `check_factors` do.
    """
    checked = check_codes(codes)
    known = check_factors(factors, len(checked), min_factors)
    return Checked(checked, known, active(checked, min_variance))


def check_codes(codes: npt.ArrayLike, name: str = "codes") -> FloatArray:
    """Codes as float64 (n_samples, n_latents).

    Raises:
        ValueError: not two-dimensional, too few samples, no latents, or a value not finite.
    """
    checked = np.asarray(codes, dtype=np.float64)
    if checked.ndim != 2:
        raise ValueError(
            f"{name} must be (n_samples, n_latents), got shape {checked.shape}: reshape them"
        )
    if checked.shape[0] < MIN_SAMPLES or checked.shape[1] < 1:
        raise ValueError(
            f"{name} have shape {checked.shape}: pass at least {MIN_SAMPLES} samples and one latent"
        )
    if not np.isfinite(checked).all():
        bad = np.flatnonzero(~np.isfinite(checked).all(axis=0))
        raise ValueError(
            f"{name} contain NaN or infinite values in latents {bad.tolist()}: "
            "did the run diverge? leave it out or repair it first"
        )
    return checked


def check_factors(factors: npt.ArrayLike, n_samples: int, min_factors: int = 1) -> IntArray:
    """Factors as int64 (n_samples, n_factors), each taking at least two values.

    Raises:
        ValueError: wrong shape or length, values that are not integers, a constant factor,
            or fewer factors than the score can tell apart.
    """
    given = np.asarray(factors)
    if given.ndim != 2:
        raise ValueError(
            f"factors must be (n_samples, n_factors), got shape {given.shape}: reshape them"
        )
    if len(given) != n_samples:
        raise ValueError(
            f"codes have {n_samples} samples but factors have {len(given)}: "
            "pass both for the same images, in one order"
        )
    if not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"factors must be integers, got {given.dtype}: bin continuous ones first")
    if given.shape[1] < min_factors:
        raise ValueError(
            f"got {given.shape[1]} factor(s): this score distinguishes factors and needs at least"
            f" {min_factors}"
        )
    constant = [k for k, factor in enumerate(given.T) if (factor == factor[0]).all()]
    if constant:
        raise ValueError(f"factors {constant} are constant: drop them before scoring")
    return given.astype(np.int64)


def check_discrete(discrete: Sequence[bool] | None, n_factors: int) -> BoolArray:
    """Which factors are categories without order; none by default."""
    flags = np.zeros(n_factors, bool) if discrete is None else np.asarray(discrete, bool)
    if flags.shape != (n_factors,):
        raise ValueError(
            f"discrete has {flags.size} flag(s) for {n_factors} factors: pass one per factor"
        )
    return flags


def class_indices(factor: IntArray) -> tuple[IntArray, int]:
    """One factor's values (n_samples,) as 0 .. n_values - 1, with n_values.

    Counting takes a tenth of the time of sorting, where values lie close together.
    """
    low = int(factor.min())
    if int(factor.max()) - low > 10 * len(factor):
        values, index = np.unique(factor, return_inverse=True)
        return index.astype(np.int64), len(values)
    present = np.bincount(factor - low) > 0
    place = np.cumsum(present) - 1
    return place[factor - low].astype(np.int64), int(present.sum())


def active(codes: FloatArray, min_variance: float = ACTIVE_VARIANCE) -> IntArray:
    """Indices of the active latents: not constant, variance above `min_variance`.

    Posterior means whose variance over images is at most 0.01 carry nothing (Burda et al. 2016,
    arXiv:1509.00519, section 5.2). Constancy is tested by comparison, since the variance of a
    constant may round above zero.
    """
    varied = np.flatnonzero(codes.var(axis=0) > min_variance)
    return varied[[bool((codes[:, j] != codes[0, j]).any()) for j in varied]]


def pruning(min_variance: float) -> str:
    """The rule of activity, as protocols state it."""
    return f"variance <= {min_variance}"
