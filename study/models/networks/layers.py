"""Layers of networks, of one model or, with a first axis of weights and batches, of several."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

FEW = 4  # channels: grey and colour pictures


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
        return _each(_halved, self.weight, self.bias, images)


class Doubling(nn.ConvTranspose2d):
    """The mirror of `Halving`: sides of n // 2 pixels become n again, be n even or odd."""

    bias: Tensor

    def __init__(self, inputs: int, outputs: int, height: int, width: int) -> None:
        super().__init__(inputs, outputs, kernel_size=4, stride=2, padding=1)
        self._odd = (height % 2, width % 2)

    def forward(self, images: Tensor, output_size: object = None) -> Tensor:
        """(..., batch, outputs, height, width) of (..., batch, inputs, height // 2, width // 2)."""
        return _each(partial(_transposed, odd=self._odd), self.weight, self.bias, images)


def _halved(images: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(_laid_out(images), _laid_out(weight), bias, stride=2, padding=1)


def _transposed(images: Tensor, weight: Tensor, bias: Tensor, odd: tuple[int, int]) -> Tensor:
    kind = images.device.type
    if torch.is_autocast_enabled(kind):
        images, weight = (part.to(torch.get_autocast_dtype(kind)) for part in (images, weight))
    maps: Tensor = _Transposed.apply(_laid_out(images), _laid_out(weight), odd)
    return maps + bias.to(maps.dtype)[:, None, None]


class _Transposed(torch.autograd.Function):
    """F.conv_transpose2d, the same sums without two kernels of oneDNN that are slow.

    Milliseconds in bf16 on a Zen 4 core, batch 100: the weights' gradient of 32 channels at 14 x 14
    pixels 3.3, as that of the convolution it mirrors 1.4; forward to 1 channel at 28 x 28 2.8, as a
    convolution to its 2 x 2 blocks 0.9.
    """

    @staticmethod
    def forward(images: Tensor, weight: Tensor, odd: tuple[int, int]) -> Tensor:
        if weight.shape[1] > FEW:
            return F.conv_transpose2d(images, weight, stride=2, padding=1, output_padding=odd)
        height, width = (2 * n + more for n, more in zip(images.shape[2:], odd, strict=True))
        of_blocks = F.pixel_unshuffle(weight, 2).flip(2, 3).transpose(0, 1)
        maps = F.pixel_shuffle(F.conv2d(images, of_blocks, padding=1), 2)
        return maps[:, :, 1 : 1 + height, 1 : 1 + width]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        images, weight = ctx.saved_tensors
        gradient = _laid_out(gradient)
        of_images = F.conv2d(gradient, weight, stride=2, padding=1)
        of_weight = conv2d_weight(gradient, weight.shape, images, stride=2, padding=1)  # type: ignore[no-untyped-call]
        return of_images, of_weight, None


def _laid_out(maps: Tensor) -> Tensor:
    """Channels last in fp32 on a CPU: a step of `conv` is 1.2 to 1.4 times as fast on a Zen 3 core.

    Not measured in bf16, where maps stay as they are.
    """
    kind = maps.device.type
    if kind != "cpu" or maps.dtype != torch.float32 or torch.is_autocast_enabled(kind):
        return maps
    if maps.shape[1] == 1:  # has both layouts, and takes the slow one unless its strides are new
        return maps.clone(memory_format=torch.channels_last)
    return maps.contiguous(memory_format=torch.channels_last)


def _each(convolve: Callable[..., Tensor], weight: Tensor, bias: Tensor, images: Tensor) -> Tensor:
    """Images convolved; where weights have an axis of models, each model's by its own."""
    if weight.dim() == 4:
        maps = convolve(images.flatten(0, -4), weight, bias)
        return maps.reshape(*images.shape[:-3], *maps.shape[-3:])
    return torch.stack([convolve(*one) for one in zip(images, weight, bias, strict=True)])
