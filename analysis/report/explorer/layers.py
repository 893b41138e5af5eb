"""Layers as the page executes them: dense ones and convolutions, forwards or transposed."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

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
    """The page cannot run a network; says why, of "its decoder" or "its encoder"."""


class Convolution(NamedTuple):
    """How a convolution moves over its maps."""

    inputs: Shape  # (channels, height, width)
    outputs: Shape
    stride: Shape  # (rows, columns)
    padding: Shape
    transposed: bool


class Layer(NamedTuple):
    """activation(weight @ inputs + bias), or a convolution in place of the product.

    Where a layer takes more numbers than come in, the one-hot label stands at their end.
    """

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


def run_layers(layers: Sequence[Layer], values: Tensor, one_hot: Tensor) -> Tensor:
    """(batch, n_outputs) of values (batch, n_inputs), in double precision.

    Args:
        layers: a chain.
        values: that go in.
        one_hot: labels, (batch, n_classes), for layers that take more than comes in.

    Raises:
        ValueError: a layer takes another number of inputs.
    """
    values, one_hot = values.double(), one_hot.double()
    for layer in layers:
        n_inputs, _ = layer.sizes
        if values.shape[1] < n_inputs:
            values = torch.cat([values, one_hot], dim=1)
        if values.shape[1] != n_inputs:
            raise ValueError(f"got {values.shape[1]} inputs of a layer of {n_inputs}")
        values = ACTIVATIONS[layer.activation](_product(layer, values))
    return values


def _product(layer: Layer, values: Tensor) -> Tensor:
    weight, bias = (torch.from_numpy(part.astype(np.float64)) for part in layer[:2])
    if layer.convolution is None:
        return F.linear(values, weight, bias)
    inputs, outputs, stride, padding, transposed = layer.convolution
    maps = torch.unflatten(values, 1, inputs)
    if not transposed:
        return F.conv2d(maps, weight.transpose(0, 1), bias, stride, padding).flatten(1)
    least = [
        (inputs[i + 1] - 1) * stride[i] - 2 * padding[i] + weight.shape[i + 2] for i in range(2)
    ]
    beyond = [outputs[i + 1] - least[i] for i in range(2)]
    return F.conv_transpose2d(maps, weight, bias, stride, padding, beyond).flatten(1)
