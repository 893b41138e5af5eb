"""Normal priors, whose KL of every latent has a closed form: standard, or one for each class."""

import math

import torch
from torch import Tensor, nn

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.posterior import Posterior

LOG_2_PI = math.log(2 * math.pi)


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
        return -0.5 * (latent.square() + LOG_2_PI).sum(dim=-1)

    def sample(
        self, n: int, label: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Latents drawn from the prior, (n, latent_dim)."""
        return torch.randn(n, self.latent_dim, generator=generator)


class ClassNormalPrior(nn.Module):
    """p(z|u), a diagonal normal for each class u, learned; N(0, I) at first.

    Source: the paper's eq. 7; Khemakhem et al. 2020, arXiv:1907.04809, eq. 7.
    """

    def __init__(self, latent_dim: int, n_classes: int) -> None:
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(n_classes, latent_dim))
        self.logvar = nn.Parameter(torch.zeros(n_classes, latent_dim))

    def of_label(self, label: Tensor | None) -> Posterior:
        """Mean and log-variance of p(z|u) for one-hot labels, (..., batch, latent_dim) each.

        Raises:
            ValueError: there are no labels, or of another number of classes.
        """
        n_classes, width = self.mean.shape[-2], 0 if label is None else label.shape[-1]
        if label is None or width != n_classes:
            raise ValueError(f"the prior has {n_classes} classes, got labels of {width}")
        chosen = label.double()  # autocast would round a product of fp32 to bf16
        return Posterior(
            (chosen @ self.mean.double()).to(label.dtype),
            (chosen @ self.logvar.double()).to(label.dtype),
        )

    def kl_by_latent(self, posterior: Posterior, label: Tensor | None) -> Tensor:
        """KL(q(z|x, u) || p(z|u)) of every latent in closed form, (..., batch, latent_dim), nats.

        That to N(0, I) once both are moved and scaled so that the prior becomes N(0, I).
        """
        mean, logvar = self.of_label(label)
        moved = (posterior.mean - mean) * torch.exp(-0.5 * logvar)
        return gaussian_kl(moved, posterior.logvar - logvar)

    def log_prob(self, latent: Tensor, label: Tensor | None) -> Tensor:
        """log p(z|u) of latents (..., batch, latent_dim), (..., batch), nats."""
        mean, logvar = self.of_label(label)
        squares = (latent - mean).square() * torch.exp(-logvar)
        return -0.5 * (squares + logvar + LOG_2_PI).sum(dim=-1)

    def sample(
        self, n: int, label: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Latents drawn for one-hot labels (n, n_classes), (n, latent_dim)."""
        prior = self.of_label(label)
        return prior.sample(torch.randn(prior.mean.shape, generator=generator).to(prior.mean))


def normal(
    data: DataShape, latent_dim: int, config: RunConfig, encode: object
) -> NormalPrior | ClassNormalPrior:
    """N(0, I), of the paper's models; one normal a class where labels are in the prior (eq. 7)."""
    if config.conditioning == "prior":
        return ClassNormalPrior(latent_dim, data.n_classes)
    return NormalPrior(latent_dim)
