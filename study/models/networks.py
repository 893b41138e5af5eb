"""Networks: a pair of modules, images -> posterior and latents -> parameters of the likelihood.

A network is a function `(data: DataShape, latent_dim, n_labels, config) -> (encoder, decoder)`:

- `encoder(images, label)`: images (..., batch, channels, height, width) in [0, 1] and one-hot
  labels (..., batch, n_labels), or None where n_labels is 0 -> (..., batch, 2 * latent_dim): means,
  then log-variances;
- `decoder(latent, label)`: latents (..., batch, latent_dim) -> (..., batch, channels, height,
  width), the likelihood's parameters: logits, for the Bernoulli.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from study.config.errors import UsageError
from study.config.run import RunConfig
from study.data.dataset import DataShape

Shape = tuple[int, ...]
Network = Callable[[DataShape, int, int, RunConfig], tuple[nn.Module, nn.Module]]


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


class Mlp(nn.Module):
    """inputs - hidden tanh - outputs; the label joins the inputs (section 4.3)."""

    def __init__(
        self, inputs: Shape, hidden: int, outputs: Shape, n_labels: int, layer: type[Linear]
    ) -> None:
        super().__init__()
        self._axes, self._outputs = len(inputs), outputs
        self.hidden = layer(math.prod(inputs) + n_labels, hidden)
        self.output = layer(hidden, math.prod(outputs))

    def forward(self, inputs: Tensor, label: Tensor | None = None) -> Tensor:
        """(..., batch, *outputs) of (..., batch, *inputs)."""
        hidden = torch.tanh(self.hidden(inputs.flatten(-self._axes), label))
        return torch.unflatten(self.output(hidden), -1, self._outputs)


def mlp(
    data: DataShape, latent_dim: int, n_labels: int, config: RunConfig, layer: type[Linear] = Linear
) -> tuple[nn.Module, nn.Module]:
    """The paper's network (section 3.2, Figure 2): one hidden layer of `config.hidden` units."""
    hidden = config.hidden
    if not isinstance(hidden, int):
        raise UsageError(f"network mlp has one hidden layer, got widths {hidden}")
    encoder = Mlp(data.image, hidden, (2 * latent_dim,), n_labels, layer)
    return encoder, Mlp((latent_dim,), hidden, data.image, n_labels, layer)


def stackable_mlp(
    data: DataShape, latent_dim: int, n_labels: int, config: RunConfig
) -> tuple[nn.Module, nn.Module]:
    """`mlp` for weights with a first axis of models."""
    return mlp(data, latent_dim, n_labels, config, StackableLinear)


NETWORKS: dict[str, Network] = {"mlp": mlp}
STACKABLE: dict[str, Network] = {"mlp": stackable_mlp}
"""Networks that can be trained in packs."""
