"""How a model's reconstructions look: how blurred they are, and whether the digit can be read."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from analysis.latent_effects.alignment import Pictures
from analysis.representations.encode import decode, grey_levels, posterior_means
from study.models.vae import Vae

N_IMAGES = 1_000


class Reconstruction(NamedTuple):
    """Of the first test images, decoded from their posterior means."""

    blur: float  # 1 - sharpness of the reconstructions over that of the originals
    readable: float  # share whose digit is read right; NaN where no classes are read
    readable_original: float  # the same of the originals: what the reader can do at best
    n_images: int


def reconstruction(model: Vae, pictures: Pictures, n_images: int = N_IMAGES) -> Reconstruction:
    """Blur and legibility of a model's reconstructions.

    Args:
        model: trained.
        pictures: test images, of which the first `n_images` are used.
    """
    images, digits = pictures.images[:n_images], pictures.digits[:n_images]
    decoded = grey_levels(decode(model, posterior_means(model, images, digits), digits))
    readable = original = float("nan")
    if reader := pictures.reader:
        readable, original = (
            float((reader.read(shown) == digits).mean()) for shown in (decoded, images)
        )
    blur = 1 - float(sharpness(decoded).mean() / sharpness(images).mean())
    return Reconstruction(blur, readable, original, len(images))


def sharpness(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Variance of the Laplacian of each image, (n,), grey levels in [0, 1].

    Source: Pech-Pacheco et al. 2000, ICPR, "Diatom autofocusing in brightfield microscopy".
    """
    edges = ndimage.laplace(images / 255, axes=(1, 2))
    return np.asarray(edges.var(axis=(1, 2)))
