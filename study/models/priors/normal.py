"""The standard normal prior, and its KL in closed form."""

import math

import torch
from torch import Tensor, nn

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.posterior import Posterior


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(q(z|x) || N(0, I)) of every latent, in nats.

    Args:
        mean: posterior means, (batch, latent_dim).
        logvar: posterior log-variances, same shape.

    Returns:
        (batch, latent_dim), never negative; sum the last axis for an image's KL.

    Raises:
        ValueError: the shapes differ; broadcasting would hide the mistake.

    Source: Kingma & Welling 2014, arXiv:1312.6114, appendix B; the paper's eq. 4.
    """
    if mean.shape != logvar.shape:
        raise ValueError(f"mean {tuple(mean.shape)} and logvar {tuple(logvar.shape)} differ")
    return 0.5 * (mean.square() + torch.expm1(logvar) - logvar)


class NormalPrior(nn.Module):
    """The standard normal, N(0, I); nothing of it is learned."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def kl_by_latent(self, posterior: Posterior, label: Tensor | None = None) -> Tensor:
        """KL(q(z|x) || p(z)) of every latent in closed form, (..., batch, latent_dim), nats."""
        return gaussian_kl(posterior.mean, posterior.logvar)

    def log_prob(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """log p(z) of latents (..., latent_dim), (...,), nats."""
        return -0.5 * (latent.square() + math.log(2 * math.pi)).sum(dim=-1)

    def sample(
        self, n: int, label: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Latents drawn from the prior, (n, latent_dim)."""
        return torch.randn(n, self.latent_dim, generator=generator)


def normal(data: DataShape, latent_dim: int, config: RunConfig, encode: object) -> NormalPrior:
    """N(0, I), of the paper's models."""
    return NormalPrior(latent_dim)
