"""What an encoder says of an image."""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Posterior(NamedTuple):
    """q(z|x), a diagonal Gaussian for each image."""

    mean: Tensor  # (..., batch, latent_dim)
    logvar: Tensor  # (..., batch, latent_dim), log of the variance

    def sample(self, noise: Tensor) -> Tensor:
        """z = mean + sigma * noise (the paper's eq. 5), (..., batch, latent_dim)."""
        return self.mean + torch.exp(0.5 * self.logvar) * noise

    def log_prob(self, noise: Tensor) -> Tensor:
        """log q(z|x) of the sample that a noise makes, (..., batch), nats."""
        return -0.5 * (noise.square() + self.logvar + math.log(2 * math.pi)).sum(dim=-1)
