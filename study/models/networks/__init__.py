"""Networks: a pair of modules, images -> posterior and latents -> parameters of the likelihood.

A network is a function `(data: DataShape, latent_dim, n_labels, config) -> (encoder, decoder)`:

- `encoder(images, label)`: images (..., batch, channels, height, width) in [0, 1] and one-hot
  labels (..., batch, n_labels), or None where n_labels is 0 -> (..., batch, 2 * latent_dim): means,
  then log-variances;
- `decoder(latent, label)`: latents (..., batch, latent_dim) -> (..., batch, channels, height,
  width), the likelihood's parameters: logits, for the Bernoulli.
"""

from collections.abc import Callable
from functools import partial

from torch import nn

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.networks.conv import conv
from study.models.networks.layers import StackableLinear
from study.models.networks.mlp import mlp

Network = Callable[[DataShape, int, int, RunConfig], tuple[nn.Module, nn.Module]]

NETWORKS: dict[str, Network] = {"mlp": mlp, "conv": conv}
STACKABLE: dict[str, Network] = {
    "mlp": partial(mlp, layer=StackableLinear),
    "conv": partial(conv, layer=StackableLinear),
}
"""Networks for weights with a first axis of models: they can be trained in packs."""
AS_FAST_EAGER = {"conv"}
"""Networks whose step no compiler makes faster: 25.9 ms, compiled 25.3 (bf16, one Zen 4 core)."""
