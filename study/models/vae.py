"""The VAE of the paper (section 3.2, Figure 2): standard, beta and label-conditioned."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_PIXELS = 28 * 28


class Posterior(NamedTuple):
    """q(z|x), a diagonal Gaussian for each image."""

    mean: Tensor  # (batch, latent_dim)
    logvar: Tensor  # (batch, latent_dim), log of the variance

    def sample(self, noise: Tensor) -> Tensor:
        """z = mean + sigma * noise (the paper's eq. 5), (batch, latent_dim)."""
        return self.mean + torch.exp(0.5 * self.logvar) * noise


class Vae(nn.Module):
    """784 - hidden tanh - 2J, and J - hidden tanh - 784 logits.

    With `n_classes`, the one-hot label joins the image and the sampled latent (section 4.3).
    Beta is a matter of the objective: a standard and a beta-VAE are the same model. What a
    layer gives has the type of its weights, also where autocast multiplies in bf16.
    """

    def __init__(self, latent_dim: int, hidden: int = 500, n_classes: int = 0) -> None:
        super().__init__()
        self.latent_dim, self.n_classes = latent_dim, n_classes
        self.encoder_hidden = nn.Linear(N_PIXELS + n_classes, hidden)
        self.encoder_output = nn.Linear(hidden, 2 * latent_dim)
        self.decoder_hidden = nn.Linear(latent_dim + n_classes, hidden)
        self.decoder_output = nn.Linear(hidden, N_PIXELS)

    def encode(self, pixels: Tensor, label: Tensor | None = None) -> Posterior:
        """Posterior of images (batch, 784) in [0, 1]; label: one-hot (batch, n_classes)."""
        self._check(label)
        hidden = torch.tanh(self._linear(self.encoder_hidden, pixels, label))
        mean, logvar = self._linear(self.encoder_output, hidden).chunk(2, dim=-1)
        return Posterior(mean, logvar)

    def decode(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits of the pixels (batch, 784) of latents (batch, latent_dim)."""
        self._check(label)
        hidden = torch.tanh(self._linear(self.decoder_hidden, latent, label))
        return self._linear(self.decoder_output, hidden)

    def forward(
        self, pixels: Tensor, noise: Tensor, label: Tensor | None = None
    ) -> tuple[Tensor, Posterior]:
        """Logits of the reconstruction from one posterior sample, and the posterior."""
        posterior = self.encode(pixels, label)
        return self.decode(posterior.sample(noise), label), posterior

    def _check(self, label: Tensor | None) -> None:
        given = 0 if label is None else label.shape[-1]
        if given != self.n_classes:
            raise ValueError(f"the model is conditioned on {self.n_classes} classes, got {given}")

    def _linear(self, layer: nn.Linear, inputs: Tensor, label: Tensor | None = None) -> Tensor:
        """The layer's outputs for the inputs, with the label, where one is given, at their end."""
        if label is not None and label.shape[-1]:
            inputs = torch.cat([inputs, label], dim=-1)
        return F.linear(inputs, layer.weight, layer.bias).to(layer.weight.dtype)


class StackableVae(Vae):
    """The same model, also for weights and batches with a first axis of models.

    Einsum, with a product of its own for the label's columns, rounds alike for one model and for
    each of a stack, conditioned or not: in fp32 the members of a pack train to the last bit as
    they would alone. With F.linear and vmap their weights drift apart by 1% in an epoch, since
    Adagrad's first steps have the size of the learning rate however small the gradient is.
    In bf16, and compiled, it takes 1.6 to 3 times as long as F.linear.
    """

    def _linear(self, layer: nn.Linear, inputs: Tensor, label: Tensor | None = None) -> Tensor:
        n = inputs.shape[-1]
        given = 0 if label is None else label.shape[-1]
        weight = layer.weight[..., :n] if given else layer.weight
        outputs = torch.einsum("...bi,...oi->...bo", inputs, weight) + layer.bias.unsqueeze(-2)
        if label is None or not given:
            return outputs
        return outputs + torch.einsum("...bi,...oi->...bo", label, layer.weight[..., n:])
