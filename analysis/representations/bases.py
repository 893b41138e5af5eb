"""Bases for the same codes: the latents, principal components, rotations; ica.py has one more.

Components are uncorrelated directions of unit length in the space of codes. They keep the units of
the latents, so that a variance, a threshold or a scale-dependent score means the same on every
basis, and their variances add up to that of the active latents. They come in falling order of
variance; the sign makes the largest entry of a direction positive.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.metrics import ACTIVE_VARIANCE

Floats = npt.NDArray[np.float64]

_RANK = 1e-8  # directions with a smaller share of the largest variance are rounding errors


class Basis(NamedTuple):
    """Codes seen along other directions: latents = mean + codes @ mixing.T.

    The other way, codes = (latents - mean) @ unmixing.T. Dead latents stay at their mean.
    """

    codes: Floats  # (n_samples, n_components)
    mixing: Floats  # (n_latents, n_components); the row of a dead latent is zero
    unmixing: Floats  # (n_components, n_latents); unmixing @ mixing is the identity
    mean: Floats  # (n_latents,)
    active: npt.NDArray[np.int64]  # indices of the latents used
    converged: bool  # False: the components depend on the seed; say so beside any score of theirs
    n_iterations: int


def latent(codes: npt.ArrayLike) -> Basis:
    """The codes as they are, dead latents included."""
    codes = checked(codes)
    n_latents = codes.shape[1]
    unit = np.eye(n_latents)
    return Basis(codes, unit, unit, np.zeros(n_latents), _active(codes), True, 0)


def pca(codes: npt.ArrayLike) -> Basis:
    """Principal components of the active latents.

    Args:
        codes: (n_samples, n_latents).

    Returns:
        As many components as active latents, fewer where these depend linearly on each other.

    Raises:
        ValueError: not two-dimensional, fewer than two samples, or a value not finite.
    """
    codes = checked(codes)
    return along(codes, principal(codes))


def rotation(codes: npt.ArrayLike, seed: int) -> Basis:
    """Random orthonormal directions in the space of the active latents.

    What scores better along the latents than along these owes it to the axes.

    Args:
        codes: (n_samples, n_latents).
        seed: of the rotation, uniform over all of them.

    Raises:
        ValueError: as `pca`.
    """
    codes = checked(codes)
    active = _active(codes)
    directions = np.zeros((codes.shape[1], len(active)))
    normal = np.random.default_rng(seed).normal(size=(len(active), len(active)))
    directions[active] = np.linalg.qr(normal)[0]
    return along(codes, directions)


def checked(codes: npt.ArrayLike) -> Floats:
    """Codes as float64 (n_samples, n_latents).

    Raises:
        ValueError: not two-dimensional, fewer than two samples, or a value not finite.
    """
    given = np.asarray(codes, dtype=np.float64)
    if given.ndim != 2 or len(given) < 2:
        raise ValueError(
            f"codes must be (n_samples, n_latents) with two samples or more, got {given.shape}"
        )
    broken = np.flatnonzero(~np.isfinite(given).all(axis=0))
    if broken.size:
        raise ValueError(f"codes of latents {broken.tolist()} are NaN or infinite")
    return given


def _active(codes: Floats) -> npt.NDArray[np.int64]:
    return np.flatnonzero(codes.var(axis=0) > ACTIVE_VARIANCE)


def principal(codes: Floats) -> Floats:
    """Orthonormal directions in which the active latents vary, (n_latents, n_components).

    Not scikit-learn's PCA, whose directions differ by 1e-15 to 1e-14 on the codes of four models
    (MNIST, J = 10): scores kept from before would not be met to the last bit.
    """
    active = _active(codes)
    centred = codes[:, active] - codes[:, active].mean(axis=0)
    variance, directions = np.linalg.eigh(centred.T @ centred / len(codes))
    axes = np.zeros((codes.shape[1], len(active)))
    axes[active] = directions
    return axes[:, variance > _RANK * variance.max(initial=0)]


def along(codes: Floats, mixing: Floats, converged: bool = True, n_iterations: int = 0) -> Basis:
    """The basis along the columns of `mixing`, with length, sign and order fixed."""
    mixing = mixing / np.linalg.norm(mixing, axis=0)
    largest = np.take_along_axis(mixing, np.abs(mixing).argmax(axis=0)[None], axis=0)
    mixing = mixing * np.sign(largest)
    mean = codes.mean(axis=0)
    order = np.argsort(-((codes - mean) @ np.linalg.pinv(mixing).T).var(axis=0), kind="stable")
    mixing = mixing[:, order]
    active = _active(codes)
    unmixing = np.zeros(mixing.T.shape)
    unmixing[:, active] = np.linalg.pinv(mixing[active])  # exactly zero for dead latents
    components = (codes - mean) @ unmixing.T
    return Basis(components, mixing, unmixing, mean, active, converged, n_iterations)
