"""What scores are compared with: codes that owe nothing to training."""

import numpy as np
import numpy.typing as npt
import torch

from analysis.scoring.evaluation import BOUND_UNITS, Unit
from study.config.run import RunConfig
from study.data import DataShape
from study.data.dataset import pixel_rows
from study.models import Vae
from study.training.trainer import Trainer

Floats = npt.NDArray[np.float64]

CONTROLS = ("untrained", "pixel_pca", "raw_pixels", "shuffled")


def unit_of(control: str, unit: Unit) -> Unit | None:
    """What a control is scored on to stand beside a unit of a run; None where nothing does.

    The untrained encoder has a basis beside every basis. The other controls have one, "latent":
    shuffled factors tell nothing on any, and ICA of 200 components of pixels would take as long
    as a run. Nor are DCI's trees, or Higgins twice, grown on 784 pixels.
    """
    if unit in BOUND_UNITS:
        return None
    if control == "raw_pixels" and (unit.settings == "dci" or unit.scaling == "standardised"):
        return None
    if control == "shuffled":
        unit = unit._replace(scaling="raw")
    return unit if control == "untrained" else unit._replace(basis="latent")


def untrained(config: RunConfig, data: DataShape) -> Vae:
    """The model of a run before its first step: the same shape, the weights of its seed."""
    return Trainer(config, data, torch.device("cpu")).model.eval()


def weight_bytes(model: Vae) -> bytes:
    """All weights of a model, to name it by."""
    return b"".join(value.cpu().numpy().tobytes() for value in model.state_dict().values())


def pixels(images: npt.NDArray[np.uint8]) -> Floats:
    """Images (n, height, width) as codes (n, n_pixels), in [0, 1]."""
    return pixel_rows(images) / 255.0


def pixel_pca(images: npt.NDArray[np.uint8], n_components: int) -> Floats:
    """The first principal components of the pixels, (n, n_components); at most n_pixels."""
    codes = pixels(images)
    codes -= codes.mean(axis=0)
    directions = np.linalg.eigh(codes.T @ codes)[1][:, ::-1]
    kept: Floats = codes @ directions[:, :n_components]
    return kept
