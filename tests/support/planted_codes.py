"""Codes whose scores are known beforehand, over a full grid of three factors."""

import numpy as np

N_VALUES = 6
REPEATS = 10


def grid(n_values: int = N_VALUES, repeats: int = REPEATS) -> np.ndarray:
    """Every combination of three factors `repeats` times, (n_values**3 * repeats, 3).

    On it the factors are exactly independent: their correlations and mutual information are zero.
    """
    combinations = np.indices((n_values,) * 3).reshape(3, -1).T
    return np.tile(combinations, (repeats, 1))


def perfect(factors: np.ndarray) -> np.ndarray:
    """One latent a factor, without noise, at about unit variance."""
    return (factors - factors.mean(axis=0)) / factors.std(axis=0)


def noise(n_samples: int, n_latents: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_samples, n_latents))


def rotated(codes: np.ndarray, seed: int = 0) -> np.ndarray:
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(codes.shape[1],) * 2))
    return codes @ basis


def mixed_in_pairs(codes: np.ndarray) -> np.ndarray:
    """The first two latents at 45 degrees to their factors, the third left alone."""
    first, second, third = codes.T
    return np.stack([first + second, first - second, third], axis=1)


def with_dead(codes: np.ndarray, n_latents: int, seed: int = 1) -> np.ndarray:
    """Codes at the end of n_latents, after constant ones, tiny ones and tell-tale tiny ones.

    A third of the dead latents repeat the live ones a thousandfold smaller, so that whatever
    rescales them finds the factors there.
    """
    n_dead = n_latents - codes.shape[1]
    dead = 1e-3 * noise(len(codes), n_dead, seed)
    dead[:, ::3] = 0.1
    telling = dead[:, 1::3]
    telling[:] = 1e-3 * np.resize(codes.T, (telling.shape[1], len(codes))).T
    return np.concatenate([dead, codes], axis=1)
