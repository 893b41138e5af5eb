"""What an encoder says of an image."""

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
