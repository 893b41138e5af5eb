"""Layers as the page executes them: dense ones and transposed convolutions, in 16 bits."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from analysis.report.explorer.sliders import packed
from study.config.errors import StudyError
from study.models.likelihoods import ContinuousBernoulli

Shape = tuple[int, ...]


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {  # as the page's layers.js has them
    "linear": torch.Tensor.clone,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "continuous_bernoulli": ContinuousBernoulli().mean,
}


class CannotShow(StudyError):
    """The page cannot show a model; says why."""


class Convolution(NamedTuple):
    """How a transposed convolution moves over its maps."""

    inputs: Shape  # (channels, height, width)
    outputs: Shape
    stride: Shape  # (rows, columns)
    padding: Shape


class Layer(NamedTuple):
    """activation(weight @ inputs + bias), or a transposed convolution in place of the product."""

    weight: npt.NDArray[Any]  # (n_outputs, n_inputs); (inputs, outputs, rows, columns) of maps
    bias: npt.NDArray[Any]  # (n_outputs,); one a map
    activation: str  # of ACTIVATIONS
    convolution: Convolution | None = None  # None: dense

    @property
    def sizes(self) -> tuple[int, int]:
        """How many numbers go in, and come out."""
        if self.convolution:
            inputs, outputs, *_ = self.convolution
            return int(np.prod(inputs)), int(np.prod(outputs))
        return self.weight.shape[1], self.weight.shape[0]


def run_layers(layers: Sequence[Layer], values: Tensor) -> Tensor:
    """(batch, n_outputs) of values (batch, n_inputs), in double precision.

    Raises:
        ValueError: a layer takes another number of inputs.
    """
    values = values.double()
    for layer in layers:
        n_inputs, _ = layer.sizes
        if values.shape[1] != n_inputs:
            raise ValueError(f"got {values.shape[1]} inputs of a layer of {n_inputs}")
        values = ACTIVATIONS[layer.activation](_product(layer, values))
    return values


def _product(layer: Layer, values: Tensor) -> Tensor:
    weight, bias = (torch.from_numpy(part.astype(np.float64)) for part in layer[:2])
    if layer.convolution is None:
        return F.linear(values, weight, bias)
    inputs, outputs, stride, padding = layer.convolution
    least = [
        (inputs[i + 1] - 1) * stride[i] - 2 * padding[i] + weight.shape[i + 2] for i in range(2)
    ]
    beyond = [outputs[i + 1] - least[i] for i in range(2)]
    maps = torch.unflatten(values, 1, inputs)
    return F.conv_transpose2d(maps, weight, bias, stride, padding, beyond).flatten(1)


def halves(layers: Sequence[Layer]) -> list[Layer]:
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
        stored.append(layer._replace(weight=weight, bias=bias))
    return stored


def n_bytes(layers: Sequence[Layer]) -> int:
    """Size of layers as they are."""
    return sum(layer.weight.nbytes + layer.bias.nbytes for layer in layers)


def as_payload(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Layers as the page reads them: half precision, in base64."""
    return [_layer_payload(layer) for layer in layers]


def _layer_payload(layer: Layer) -> dict[str, Any]:
    n_inputs, n_outputs = layer.sizes
    plain = {
        "inputs": n_inputs,
        "outputs": n_outputs,
        "weight": packed(layer.weight, "<f2"),
        "bias": packed(layer.bias, "<f2"),
        "activation": layer.activation,
    }
    if layer.convolution is None:
        return plain
    kernel = layer.weight.shape[2:]
    return plain | {"convolution": {**layer.convolution._asdict(), "kernel": kernel}}
