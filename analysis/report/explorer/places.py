"""A map of the codes of test images: their two principal components, the same line for line.

The projection is linear, so that the page can draw where a slider leads; t-SNE and UMAP, which
show clusters better, have no place for a code that no image has.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from analysis.factors.examples import examples
from analysis.report.explorer.sliders import packed
from analysis.report.explorer.weights import deflated
from analysis.representations.encode import posterior_means
from study.data import Dataset
from study.data.dataset import pixel_rows
from study.models import Vae

MOST = 500  # images on the map
MAX_VALUES = 1_000_000  # of all their pixels
N_FIT = 2000  # test images whose codes the components are of

Ints = npt.NDArray[np.int64]


def on_map(data: Dataset) -> Ints:
    """Indices of the test images on the map: as many of each class."""
    most = min(MOST, max(1, MAX_VALUES // data.shape.n_pixels))
    return examples(data, most)


def map_payload(data: Dataset, chosen: Ints) -> dict[str, Any]:
    """The images of the map."""
    return {
        "images": deflated(pixel_rows(data.test_images[chosen]), "u1"),
        "labels": data.test_labels[chosen].tolist(),
    }


def run_map(model: Vae, data: Dataset, chosen: Ints) -> dict[str, Any]:
    """Where the images of the map are for one model.

    Returns:
        codes, (n, n_latents), axes, (2, n_latents), and centre: coordinates are
        (codes - centre) @ axes.T; explained, the share of the codes' variance in both.
    """
    codes = posterior_means(model, data.test_images[:N_FIT], data.test_labels[:N_FIT])
    few = min(2, *codes.shape)
    pca = PCA(few, svd_solver="full").fit(codes)
    axes = np.zeros((2, model.latent_dim))
    axes[:few] = pca.components_
    places = posterior_means(model, data.test_images[chosen], data.test_labels[chosen])
    return {
        "codes": packed(places, "<f4"),
        "axes": packed(axes, "<f4"),
        "centre": packed(pca.mean_, "<f4"),
        "explained": round(float(pca.explained_variance_ratio_.sum()), 3),
    }
