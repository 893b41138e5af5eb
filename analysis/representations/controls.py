"""What scores are compared with: codes that owe nothing to training, and the factors."""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.utils.extmath import randomized_svd

from study.config.run import RunConfig
from study.data import DataShape
from study.data.dataset import pixel_rows
from study.models import Vae
from study.training.trainer import Trainer

Floats = npt.NDArray[np.float64]

MOST_VALUES = 2**25  # of all images together that are taken as codes at once: 268 MB
BATCH = 1_000  # images
CONTROLS = ("untrained", "pixel_pca", "raw_pixels", "shuffled", "oracle")


def untrained(config: RunConfig, data: DataShape) -> Vae:
    """The model of a run before its first step: the same shape, the weights of its seed."""
    return Trainer(config, data, torch.device("cpu")).model.eval()


def weight_bytes(model: Vae) -> bytes:
    """All weights of a model, to name it by."""
    return b"".join(value.cpu().numpy().tobytes() for value in model.state_dict().values())


def pixels(images: npt.NDArray[np.uint8]) -> Floats:
    """Images (n, height, width) as codes (n, n_pixels), in [0, 1]."""
    return pixel_rows(images) / 255.0


def oracle(values: npt.NDArray[np.float64]) -> Floats:
    """Factors (n, n_factors) themselves as codes, at unit variance: what a score can reach."""
    codes: Floats = (values - values.mean(axis=0)) / values.std(axis=0)
    return codes


def pixel_pca(images: npt.NDArray[np.uint8], n_components: int) -> Floats:
    """The first principal components of the pixels, (n, n_components); at most n_pixels.

    Those of more than `MOST_VALUES` pixels in all are found on a part of the images, at random.
    Not scikit-learn's PCA, which differs by 3e-12 on MNIST's test images and in half of the signs:
    scores kept from before would not be met to the last bit.
    """
    if images.size > MOST_VALUES:
        return _pca_of_many(images, n_components)
    codes = pixels(images)
    codes -= codes.mean(axis=0)
    directions = np.linalg.eigh(codes.T @ codes)[1][:, ::-1]
    kept: Floats = codes @ directions[:, :n_components]
    return kept


def _pca_of_many(images: npt.NDArray[np.uint8], n_components: int) -> Floats:
    n_fitted = max(MOST_VALUES // images[0].size, 2 * n_components)
    order = np.random.default_rng(0).permutation(len(images))
    some = pixels(images[np.sort(order[:n_fitted])])
    centre = some.mean(axis=0)
    some -= centre
    directions = randomized_svd(some, n_components, random_state=0)[2].T
    batches = range(0, len(images), BATCH)
    return np.concatenate(
        [(pixels(images[at : at + BATCH]) - centre) @ directions for at in batches]
    )
