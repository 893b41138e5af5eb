"""Priors that are mixtures of normals: of free ones, or of posteriors of pseudo-inputs."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from study.config.run import RunConfig
from study.data.dataset import DataShape
from study.models.posterior import Posterior
from study.models.priors.normal import LOG_2_PI

FIRST_SHADE = 0.01  # of a pseudo-input where its image is black; 1 less it where it is white


def mixture_log_prob(latent: Tensor, log_weight: Tensor, components: Posterior) -> Tensor:
    """log sum_k w_k N(z; m_k, s_k^2), nats.

    The square (z - m)^2 / s^2 is multiplied out, so that one matrix product serves all pairs, in
    double: in fp32 it would be wrong by 0.06 nats at s = 0.01, J = 10. With its gradient, batch
    100, on one Zen 4 core: 0.5 ms for K = 100, J = 10; 1.5 for K = 500; 2.1 for K = 100, J = 200.
    (z - m)^2 in fp32, as a tensor (batch, K, J), takes 0.6, 2.6 and 15. The terms without z stand
    in the product too: a sum of them beside the parameters' update is more than the ahead-of-time
    compiler of torch 2.14 can order (KeyError).

    Args:
        latent: (..., batch, latent_dim).
        log_weight: (..., K).
        components: (..., K, latent_dim).

    Returns:
        (..., batch).
    """
    z, mean, logvar = latent.double(), components.mean.double(), components.logvar.double()
    precision = torch.exp(-logvar)
    rest = mean.square() * precision + logvar + LOG_2_PI
    of_latent = torch.cat([z.square(), z, torch.ones_like(z)], dim=-1)
    of_component = torch.cat([precision, -2 * mean * precision, rest], dim=-1)
    log_terms = log_weight.double().unsqueeze(-2) - 0.5 * (of_latent @ of_component.mT)
    return torch.logsumexp(log_terms, dim=-1).to(latent.dtype)


def sample_mixture(
    n: int, log_weight: Tensor, components: Posterior, generator: torch.Generator | None
) -> Tensor:
    """Latents drawn from a mixture, (n, latent_dim): first a component, then of that."""
    weight = log_weight.exp().cpu()
    chosen = torch.multinomial(weight, n, replacement=True, generator=generator)
    mean, logvar = (part[chosen.to(part.device)] for part in components)
    return Posterior(mean, logvar).sample(torch.randn(mean.shape, generator=generator).to(mean))


class MixturePrior(nn.Module):
    """A mixture of diagonal normals; weights, means and variances are learned.

    Source: Dilokthanakul et al. 2016, arXiv:1611.02648, as a prior.
    """

    def __init__(self, n_components: int, latent_dim: int) -> None:
        super().__init__()
        self.weight_logits = nn.Parameter(torch.zeros(n_components))
        self.mean = nn.Parameter(torch.randn(n_components, latent_dim))
        self.logvar = nn.Parameter(torch.zeros(n_components, latent_dim))

    def log_prob(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """log p(z) of latents (..., batch, latent_dim), (..., batch), nats."""
        log_weight = torch.log_softmax(self.weight_logits, dim=-1)
        return mixture_log_prob(latent, log_weight, Posterior(self.mean, self.logvar))

    def sample(
        self, n: int, label: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Latents drawn from the prior, (n, latent_dim)."""
        log_weight = torch.log_softmax(self.weight_logits, dim=-1)
        return sample_mixture(n, log_weight, Posterior(self.mean, self.logvar), generator)


class VampPrior(nn.Module):
    """The mean of the posteriors of K learned pseudo-inputs.

    Their pixels are learned as logits, which keep them in (0, 1). Clamped pixels, the published
    way, move less: after 5 epochs of the paper's training negative ELBO 119.8 against 119.0.

    Source: Tomczak & Welling 2018, arXiv:1705.07120, eq. 9.
    """

    def __init__(
        self,
        n_components: int,
        n_pixels: int,
        n_labels: int,
        encode: Callable[[Tensor, Tensor | None], Posterior],
    ) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(n_components, n_pixels))
        self.labels = nn.Parameter(torch.zeros(n_components, n_labels)) if n_labels else None
        self._encode = encode

    def start_from(
        self, images: Tensor, classes: Tensor, one_hot: Tensor, generator: torch.Generator
    ) -> None:
        """Begin as so many training images, and their labels, drawn without repetition.

        Args:
            images: (n, n_pixels), uint8; where n is below K, images are taken again.
            classes: (n,), whole numbers.
            one_hot: (n_classes, n_labels), the label of each class.
            generator: of the draw, on the CPU.
        """
        order = torch.randperm(len(images), generator=generator)
        rows = order[torch.arange(len(self.logits)) % len(images)].to(images.device)
        with torch.no_grad():
            self.logits.copy_(torch.logit(images[rows].float() / 255, eps=FIRST_SHADE))
            if self.labels is not None:
                self.labels.copy_(one_hot[classes[rows]])

    def components(self) -> Posterior:
        """The posteriors of the pseudo-inputs, (..., K, latent_dim)."""
        return self._encode(torch.sigmoid(self.logits), self.labels)

    def log_prob(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """log p(z) of latents (..., batch, latent_dim), (..., batch), nats."""
        return mixture_log_prob(latent, self._log_weight(), self.components())

    def sample(
        self, n: int, label: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Latents drawn from the prior, (n, latent_dim)."""
        return sample_mixture(n, self._log_weight(), self.components(), generator)

    def _log_weight(self) -> Tensor:
        n_components = self.logits.shape[-2]
        return self.logits.new_full((n_components,), -math.log(n_components))


def mixture(data: DataShape, latent_dim: int, config: RunConfig, encode: object) -> MixturePrior:
    """A mixture of `config.prior_components` normals."""
    assert config.prior_components  # which the configuration fills
    return MixturePrior(config.prior_components, latent_dim)


def vamp(
    data: DataShape,
    latent_dim: int,
    config: RunConfig,
    encode: Callable[[Tensor, Tensor | None], Posterior],
) -> VampPrior:
    """The mean posterior of `config.prior_components` pseudo-inputs."""
    n_labels = data.n_classes if config.conditioning == "label" else 0
    assert config.prior_components  # which the configuration fills
    return VampPrior(config.prior_components, data.n_pixels, n_labels, encode)
