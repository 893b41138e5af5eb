"""What scores are compared with: codes that owe nothing to training, and the factors."""

import numpy as np
import numpy.typing as npt
import torch

from study.config.run import RunConfig
from study.data import DataShape
from study.data.dataset import pixel_rows
from study.models import Vae
from study.training.trainer import Trainer

Floats = npt.NDArray[np.float64]

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

    Not scikit-learn's PCA, which differs by 3e-12 on MNIST's test images and in half of the signs:
    scores kept from before would not be met to the last bit.
    """
    codes = pixels(images)
    codes -= codes.mean(axis=0)
    directions = np.linalg.eigh(codes.T @ codes)[1][:, ::-1]
    kept: Floats = codes @ directions[:, :n_components]
    return kept
