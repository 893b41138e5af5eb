"""Layers of networks, of one model or, with a first axis of weights and batches, of several."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Linear(nn.Linear):
    """A layer whose outputs have the type of its weights, also where autocast multiplies in bf16.

    `label` stands at the end of the inputs.
    """

    def forward(self, inputs: Tensor, label: Tensor | None = None) -> Tensor:
        """(..., batch, out_features) of inputs (..., batch, in_features - n_labels)."""
        if label is not None and label.shape[-1]:
            inputs = torch.cat([inputs, label], dim=-1)
        return F.linear(inputs, self.weight, self.bias).to(self.weight.dtype)


class StackableLinear(Linear):
    """The same layer, also for weights and batches with a first axis of models.

    Einsum, with a product of its own for the label's columns, rounds alike for one model and for
    each of a stack, conditioned or not: in fp32 the members of a pack train to the last bit as
    they would alone. With F.linear and vmap their weights drift apart by 1% in an epoch, since
    Adagrad's first steps have the size of the learning rate however small the gradient is.
    In bf16, and compiled, it takes 1.6 to 3 times as long as F.linear.
    """

    def forward(self, inputs: Tensor, label: Tensor | None = None) -> Tensor:
        n = inputs.shape[-1]
        n_labels = 0 if label is None else label.shape[-1]
        weight = self.weight[..., :n] if n_labels else self.weight
        outputs = torch.einsum("...bi,...oi->...bo", inputs, weight) + self.bias.unsqueeze(-2)
        if label is None or not n_labels:
            return outputs
        return outputs + torch.einsum("...bi,...oi->...bo", label, self.weight[..., n:])


class Halving(nn.Conv2d):
    """A 4 x 4 convolution of stride 2: sides of n pixels become n // 2, and every pixel is seen.

    Its outputs have the type that autocast multiplies in. Weights may have a first axis of models,
    which images then have as well.
    """

    bias: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=4, stride=2, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """(..., batch, outputs, height // 2, width // 2) of (..., batch, inputs, height, width)."""
        return _each(partial(F.conv2d, stride=2, padding=1), self.weight, self.bias, images)


class Doubling(nn.ConvTranspose2d):
    """The mirror of `Halving`: sides of n // 2 pixels become n again, be n even or odd."""

    bias: Tensor

    def __init__(self, inputs: int, outputs: int, height: int, width: int) -> None:
        super().__init__(inputs, outputs, kernel_size=4, stride=2, padding=1)
        self._odd = (height % 2, width % 2)

    def forward(self, images: Tensor, output_size: object = None) -> Tensor:
        """(..., batch, outputs, height, width) of (..., batch, inputs, height // 2, width // 2)."""
        convolve = partial(F.conv_transpose2d, stride=2, padding=1, output_padding=self._odd)
        return _each(convolve, self.weight, self.bias, images)


def _each(convolve: Callable[..., Tensor], weight: Tensor, bias: Tensor, images: Tensor) -> Tensor:
    """Images convolved; where weights have an axis of models, each model's by its own."""
    if weight.dim() == 4:
        maps = convolve(images.flatten(0, -4), weight, bias)
        return maps.reshape(*images.shape[:-3], *maps.shape[-3:])
    return torch.stack([convolve(*one) for one in zip(images, weight, bias, strict=True)])
