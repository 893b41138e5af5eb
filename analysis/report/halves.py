"""A decoder's weights in 16 bits, and what that does to its pictures."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from analysis.representations.encode import decode
from study.data.mnist import N_CLASSES
from study.models.vae import Vae

N_SAMPLES = 200  # of the prior


def weights(model: Vae) -> dict[str, npt.NDArray[np.float32]]:
    """The decoder's weights: (hidden, latents + classes), (hidden,), (784, hidden), (784,)."""
    layers = {"hidden": model.decoder.hidden, "output": model.decoder.output}
    return {
        f"{name}_{part}": getattr(layer, part).detach().cpu().numpy()
        for name, layer in layers.items()
        for part in ("weight", "bias")
    }


def rounded(model: Vae) -> dict[str, npt.NDArray[np.float16]]:
    """The same in half precision, the first byte of each the lower one."""
    return {name: value.astype("<f2") for name, value in weights(model).items()}


def rounding(
    model: Vae, stored: Mapping[str, npt.NDArray[Any]], starts: npt.NDArray[np.float32]
) -> float:
    """Largest difference of a pixel, in [0, 1], between stored weights and the model's own.

    Over the starting codes, (n, n_latents), and `N_SAMPLES` of the prior, the digits in turn.
    """
    drawn = np.random.default_rng(0).normal(size=(N_SAMPLES, model.latent_dim))
    codes = np.concatenate([starts, drawn])
    digits = np.arange(len(codes)) % N_CLASSES
    one_hot = np.eye(N_CLASSES)[digits] if model.n_classes else np.zeros((len(codes), 0))
    wide = {name: value.astype(np.float64) for name, value in stored.items()}
    inputs = np.concatenate([codes, one_hot], axis=1)
    units = np.tanh(inputs @ wide["hidden_weight"].T + wide["hidden_bias"])
    pictures = expit(units @ wide["output_weight"].T + wide["output_bias"])
    return float(np.abs(pictures - decode(model, codes, digits).reshape(pictures.shape)).max())
