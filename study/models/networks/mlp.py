"""The paper's network; the layers of each half are `hidden`, `hidden2`, ... and `output`."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.networks.layers import Linear


class Mlp(nn.Module):
    """inputs - hidden tanh, of one width or several - outputs.

    The label joins the inputs (section 4.3).
    """

    def __init__(
        self,
        inputs: tuple[int, ...],
        widths: Sequence[int],
        outputs: tuple[int, ...],
        n_labels: int,
        layer: type[Linear],
    ) -> None:
        super().__init__()
        self._axes, self._outputs = len(inputs), outputs
        sizes = [math.prod(inputs) + n_labels, *widths, math.prod(outputs)]
        names = ["hidden", *(f"hidden{n}" for n in range(2, len(sizes) - 1)), "output"]
        for name, n_inputs, n_outputs in zip(names, sizes[:-1], sizes[1:], strict=True):
            self.add_module(name, layer(n_inputs, n_outputs))

    def forward(self, inputs: Tensor, label: Tensor | None = None) -> Tensor:
        """(..., batch, *outputs) of (..., batch, *inputs)."""
        first, *others = self.children()
        values = first(inputs.flatten(-self._axes), label)
        for layer in others:
            values = layer(torch.tanh(values))
        return torch.unflatten(values, -1, self._outputs)


def mlp(
    data: DataShape, latent_dim: int, n_labels: int, config: RunConfig, layer: type[Linear] = Linear
) -> tuple[nn.Module, nn.Module]:
    """A layer of `config.hidden` units, or one a width from the images inwards, and their mirror.

    Source: the paper's section 3.2 and Figure 2, one layer of 500.
    """
    widths = (config.hidden,) if isinstance(config.hidden, int) else tuple(config.hidden)
    encoder = Mlp(data.image, widths, (2 * latent_dim,), n_labels, layer)
    return encoder, Mlp((latent_dim,), widths[::-1], data.image, n_labels, layer)
