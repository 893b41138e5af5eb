"""The VAE of the paper (section 3.2, Figure 2): standard, beta and label-conditioned."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

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
    Beta is a matter of the objective: a standard and a beta-VAE are the same model.
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
        hidden = torch.tanh(self.encoder_hidden(self._with_label(pixels, label)))
        mean, logvar = self.encoder_output(hidden).chunk(2, dim=1)
        return Posterior(mean, logvar)

    def decode(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Logits of the pixels (batch, 784) of latents (batch, latent_dim)."""
        hidden = torch.tanh(self.decoder_hidden(self._with_label(latent, label)))
        return self.decoder_output(hidden)  # type: ignore[no-any-return]

    def forward(
        self, pixels: Tensor, noise: Tensor, label: Tensor | None = None
    ) -> tuple[Tensor, Posterior]:
        """Logits of the reconstruction from one posterior sample, and the posterior."""
        posterior = self.encode(pixels, label)
        return self.decode(posterior.sample(noise), label), posterior

    def _with_label(self, inputs: Tensor, label: Tensor | None) -> Tensor:
        given = 0 if label is None else label.shape[-1]
        if given != self.n_classes:
            raise ValueError(f"the model is conditioned on {self.n_classes} classes, got {given}")
        return inputs if label is None else torch.cat([inputs, label], dim=1)
