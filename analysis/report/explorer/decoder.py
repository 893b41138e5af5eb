"""A model's decoder as layers that the page executes, in 16 bits, and what that does to pictures.

The one place that knows which decoders the page can show: chains of dense layers.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit
from torch import nn

from analysis.report.explorer.sliders import packed
from analysis.representations.encode import decode, prior_samples
from study.config.errors import StudyError
from study.data.dataset import pixel_rows
from study.models import Vae

Floats = npt.NDArray[np.float64]

N_SAMPLES = 200  # of the prior
SAME = 1e-4  # largest difference of a pixel, in [0, 1], between a model and its layers in fp32
HIDDEN = {"tanh": np.tanh, "relu": lambda units: np.maximum(units, 0)}
OUTPUT = {"sigmoid": expit, "linear": lambda units: units}
ACTIVATIONS = {**HIDDEN, **OUTPUT}  # as the page's decoder.js has them


class CannotShow(StudyError):
    """The page cannot show a model; says why."""


class Dense(NamedTuple):
    """activation(weight @ inputs + bias)."""

    weight: npt.NDArray[Any]  # (n_outputs, n_inputs)
    bias: npt.NDArray[Any]  # (n_outputs,)
    activation: str  # of ACTIVATIONS


def decoder_layers(model: Vae) -> list[Dense]:
    """A model's decoder as dense layers, in single precision; labels join the codes at their end.

    Functions between layers leave no trace in a module, so that the activations are found by
    trying: those are taken whose pictures are the model's own.

    Raises:
        CannotShow: it is not such a chain, of the activations that the page has.
    """
    modules = [m for name, m in model.named_modules() if name.startswith("decoder")]
    leaves = [m for m in modules if next(m.children(), None) is None]
    dense = [m for m in leaves if isinstance(m, nn.Linear)]
    for module in leaves:
        if module not in dense and next(module.parameters(), None) is not None:
            raise CannotShow(f"its decoder has a {type(module).__name__}, not dense layers alone")
    if not dense:
        raise CannotShow("its decoder has no dense layers")
    for hidden, output in itertools.product(HIDDEN, OUTPUT):
        kinds = [hidden] * (len(dense) - 1) + [output]
        layers = [_as_dense(module, kind) for module, kind in zip(dense, kinds, strict=True)]
        if difference(model, layers) < SAME:
            return layers
    raise CannotShow("its decoder is no chain of dense layers with tanh or ReLU between them")


def _as_dense(module: nn.Linear, activation: str) -> Dense:
    given = module.bias if module.bias is not None else torch.zeros(module.out_features)
    weight, bias = (part.detach().cpu().numpy() for part in (module.weight, given))
    return Dense(weight, bias, activation)


def halves(layers: Sequence[Dense]) -> list[Dense]:
    """The same in half precision, the first byte of each number the lower one.

    Raises:
        CannotShow: a weight is beyond half precision's range.
    """
    stored = []
    for layer in layers:
        with np.errstate(over="ignore"):
            weight, bias = layer.weight.astype("<f2"), layer.bias.astype("<f2")
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise CannotShow("a weight of its decoder is beyond the range of 16 bits")
        stored.append(Dense(weight, bias, layer.activation))
    return stored


def n_bytes(layers: Sequence[Dense]) -> int:
    """Size of layers as they are."""
    return sum(layer.weight.nbytes + layer.bias.nbytes for layer in layers)


def as_payload(layers: Sequence[Dense]) -> list[dict[str, Any]]:
    """Layers as the page reads them: half precision, in base64."""
    return [
        {
            "inputs": layer.weight.shape[1],
            "outputs": layer.weight.shape[0],
            "weight": packed(layer.weight, "<f2"),
            "bias": packed(layer.bias, "<f2"),
            "activation": layer.activation,
        }
        for layer in layers
    ]


def difference(
    model: Vae, layers: Sequence[Dense], starts: npt.NDArray[np.float32] | None = None
) -> float:
    """Largest difference of a pixel, in [0, 1], between layers and the model; infinite if no match.

    Over the starting codes, (n, n_latents), and `N_SAMPLES` of the prior, the classes in turn.
    """
    codes = prior_samples(model, N_SAMPLES)
    if starts is not None:
        codes = np.concatenate([starts, codes])
    labels = np.arange(len(codes)) % max(1, model.n_classes)
    one_hot = np.eye(model.n_classes)[labels] if model.n_classes else np.zeros((len(codes), 0))
    values: Floats = np.concatenate([codes, one_hot], axis=1)
    pictures = pixel_rows(decode(model, codes, labels))
    for layer in layers:
        if layer.weight.shape[1] != values.shape[1]:
            return np.inf
        units = values @ layer.weight.astype(np.float64).T + layer.bias.astype(np.float64)
        values = ACTIVATIONS[layer.activation](units)
    return float(np.abs(values - pictures).max()) if values.shape == pictures.shape else np.inf
