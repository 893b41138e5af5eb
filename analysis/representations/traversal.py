"""Traversals: pictures decoded while one latent, or one direction of latents, moves."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.representations.encode import decode, grey_levels, posterior_means, posteriors
from study.models.priors import NormalPrior
from study.models.vae import Vae

Floats = npt.NDArray[np.float64]

PAPER_VALUES = np.linspace(-5, 5, 10)  # "in the range [-5, 5] in ten steps" (section 3.4)
QUANTILES = np.linspace(0.025, 0.975, 10)


class Scale(NamedTuple):
    """What PAPER_VALUES count along each latent: centre + PAPER_VALUES * unit."""

    centre: Floats  # (n_latents,)
    unit: Floats  # (n_latents,)
    in_sd: bool  # whether the unit is a standard deviation; False: the latents as they are

    @property
    def values(self) -> Floats:
        """(n_latents, n_values)."""
        return self.centre[:, None] + self.unit[:, None] * PAPER_VALUES


class Traversal(NamedTuple):
    """A row of pictures a latent."""

    images: npt.NDArray[np.uint8]  # (n_latents, n_values, height, width), or channels last
    values: Floats  # (n_latents, n_values), what each latent was set to
    start: Floats  # (n_latents,), the latents that were kept
    scale: Scale | None  # of PAPER_VALUES; None: over QUANTILES


class Directions(NamedTuple):
    """Straight lines through the latent space, one a row; a step along one is a unit of it."""

    steps: Floats  # (n_directions, n_latents), added to the latents for one step
    readers: Floats  # (n_directions, n_latents): reader @ (latents - centre), the place in steps
    centre: Floats  # (n_latents,)


def scale_of(model: Vae, images: npt.NDArray[np.uint8], labels: npt.ArrayLike) -> Scale:
    """The latents as they are where the prior is N(0, I), for which the paper's range was chosen.

    Of any other, standard deviations of the aggregated posterior around its mean.

    Args:
        model: on any device.
        images: of the aggregated posterior, (n, height, width); read for such a prior alone.
        labels: their classes, (n,).
    """
    if isinstance(model.prior, NormalPrior):
        return Scale(np.zeros(model.latent_dim), np.ones(model.latent_dim), False)
    samples = aggregated_samples(model, images, labels)
    return Scale(samples.mean(axis=0), samples.std(axis=0), True)


def paper_traversal(
    model: Vae, image: npt.NDArray[np.uint8], label: int, scale: Scale, *, seed: int = 0
) -> Traversal:
    """The paper's traversal (section 3.4): one posterior sample, each latent from -5 to 5.

    Args:
        model: on any device.
        image: (height, width), or with a last axis of channels; uint8.
        label: its class; only a conditional model reads it.
        scale: the model's, see `scale_of`.
        seed: of the sample (the paper's eq. 5).
    """
    start = aggregated_samples(model, image[None], [label], seed=seed)[0]
    return _traverse(model, start, label, scale.values, scale)


def mean_traversal(model: Vae, image: npt.NDArray[np.uint8], label: int, scale: Scale) -> Traversal:
    """The same around the posterior mean: nothing is drawn."""
    start = posterior_means(model, image[None], [label])[0]
    return _traverse(model, start, label, scale.values, scale)


def quantile_traversal(
    model: Vae, image: npt.NDArray[np.uint8], label: int, samples: Floats
) -> Traversal:
    """Around the posterior mean, each latent over the values that it really takes.

    Args:
        model: on any device.
        image: (height, width), or with a last axis of channels; uint8.
        label: its class.
        samples: of the aggregated posterior, (n, n_latents); 2.5% are left out at either end.
    """
    start = posterior_means(model, image[None], [label])[0]
    return _traverse(model, start, label, np.quantile(samples, QUANTILES, axis=0).T)


def aggregated_samples(
    model: Vae, images: npt.NDArray[np.uint8], labels: npt.ArrayLike, *, seed: int = 0
) -> Floats:
    """One posterior sample an image, (n, n_latents): the aggregated posterior q(z)."""
    mean, logvar = posteriors(model, images, labels)
    noise = np.random.default_rng(seed).normal(size=mean.shape)
    return np.asarray(mean + np.exp(0.5 * logvar) * noise, dtype=np.float64)


def sweep(
    model: Vae,
    starts: npt.ArrayLike,
    labels: npt.ArrayLike,
    directions: Directions,
    positions: npt.ArrayLike,
) -> npt.NDArray[np.uint8]:
    """Pictures of many starting points moved to the same positions along each direction.

    Args:
        model: on any device.
        starts: (n, n_latents); where they are along a direction is replaced by the position.
        labels: the classes to draw, (n,).
        directions: of which a reader of zeros makes the positions relative to the start.
        positions: in steps, (n_positions,).

    Returns:
        (n_directions, n, n_positions, height, width), or with a last axis of channels; uint8.
    """
    starts, positions = np.asarray(starts, np.float64), np.asarray(positions, np.float64)
    digits = np.repeat(np.asarray(labels), len(positions))
    rows = []
    for step, reader in zip(directions.steps, directions.readers, strict=True):
        now = (starts - directions.centre) @ reader
        moves = positions[None, :] - now[:, None]  # (n, n_positions)
        codes = starts[:, None, :] + moves[..., None] * step
        pictures = decode(model, codes.reshape(-1, model.latent_dim), digits)
        size = (len(starts), len(positions), *pictures.shape[1:])
        rows.append(grey_levels(pictures).reshape(size))
    return np.stack(rows)


def _traverse(
    model: Vae, start: npt.ArrayLike, label: int, values: Floats, scale: Scale | None = None
) -> Traversal:
    kept = np.asarray(start, np.float64)
    n_latents, n_values = values.shape
    codes = np.tile(kept, (n_latents, n_values, 1))
    each = np.arange(n_latents)
    codes[each, :, each] = values
    flat = codes.reshape(-1, n_latents)
    pictures = decode(model, flat, np.full(len(flat), label))
    images = grey_levels(pictures).reshape(n_latents, n_values, *pictures.shape[1:])
    return Traversal(images, values, kept, scale)
