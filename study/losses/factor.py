"""FactorVAE: the KL and a weighted total correlation, which a discriminator estimates."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from study.config.run import RunConfig
from study.losses.interface import Terms
from study.models.networks.layers import Linear, StackableLinear

N_LAYERS, SLOPE = 6, 0.2


class Discriminator(nn.Module):
    """Tells samples of q(z) from those whose latents were permuted: six leaky layers, one logit.

    One logit in place of the published two, whose difference it is. Weights start as He et al.
    2015, arXiv:1502.01852, have it, which the paper leaves open.
    """

    def __init__(self, latent_dim: int, hidden: int, layer: type[Linear]) -> None:
        super().__init__()
        widths = [latent_dim, *[hidden] * N_LAYERS, 1]
        layers = list(map(layer, widths[:-1], widths[1:]))
        for one in layers:
            nn.init.kaiming_normal_(one.weight, a=SLOPE)
            nn.init.zeros_(one.bias)
        self.layers = nn.ModuleList(layers)

    def forward(self, latent: Tensor) -> Tensor:
        """log D - log(1 - D), (..., batch), of latents (..., batch, latent_dim).

        It estimates log q(z) - sum_j log q(z_j), whose mean is the total correlation.
        """
        *hidden, output = self.layers
        for linear in hidden:
            latent = F.leaky_relu(linear(latent), SLOPE)
        logit: Tensor = output(latent).squeeze(-1)
        return logit


def discriminator(config: RunConfig, *, stackable: bool = False) -> Discriminator | None:
    """The untrained discriminator of a run; None for an objective without one.

    Args:
        config: names the objective.
        stackable: whether weights and latents may have a first axis of models.
    """
    if config.objective != "factor":
        return None
    layer = StackableLinear if stackable else Linear
    assert config.discriminator_hidden is not None  # the configuration fills it in
    return Discriminator(config.latent_dim, config.discriminator_hidden, layer)


def factor_objective(terms: Terms, weights: Terms) -> Tensor:
    """recon + KL + gamma TC, TC the mean of the discriminator's logit.

    Source: Kim & Mnih 2018, arXiv:1802.05983, eq. 2 and algorithm 2.
    """
    return terms["recon"] + terms["kl"] + weights["gamma"] * terms["logit"].mean(dim=-1)


def real_and_permuted(latent: Tensor, noise: Tensor) -> Tensor:
    """What a discriminator learns from: the first half of a batch, then the second, permuted.

    Each latent of the second half is permuted on its own, in the order of the first half's noise,
    which says nothing of the second.

    Args:
        latent: samples of the posteriors, (..., batch, latent_dim); of an odd batch the last is
            left out.
        noise: what made the samples, same shape.

    Returns:
        (..., 2 * (batch // 2), latent_dim).
    """
    half = latent.shape[-2] // 2
    order = noise[..., :half, :].argsort(dim=-2)
    permuted = latent[..., half : 2 * half, :].gather(-2, order)
    return torch.cat([latent[..., :half, :], permuted], dim=-2)


def discriminator_loss(logit: Tensor) -> Tensor:
    """Cross-entropy of telling the halves of `real_and_permuted`, (...,), of logits (..., batch).

    Source: Kim & Mnih 2018, algorithm 2.
    """
    real, permuted = logit.chunk(2, dim=-1)
    return 0.5 * (F.softplus(-real).mean(dim=-1) + F.softplus(permuted).mean(dim=-1))
